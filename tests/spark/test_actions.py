"""Actions over frames: the definition's net value, caps and budget as plain sorting has them, a lasting hold-out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from featurestore.customer_draw import SHARES, draw
from featurestore.errors import ConfigurationError
from jobs.actions import acting
from models.actions.choose import require_expressions, with_recommendations
from models.actions.decide import NO_LIMITS, Limits, binding_limits, decided, outcome_columns, outcomes
from models.actions.rules import Actions
from models.actions.value import UNITS, at_stake, variants
from tests.unit.models.actions.rules import TEXT, small_actions

DAY = date(2011, 12, 9)
N = 400
COLUMNS = "customer_id string, churn_probability double, clv_12m double, expected_spend_90d double, f_score int"
LIMITED = TEXT.replace("cost: 10, save_rate: 0.2, assumed: true}", "cost: 10, save_rate: 0.2, assumed: true}, cap: 17")
LIMITED += "budget: 120.5\n"


@dataclass(frozen=True)
class Customer:
    customer_id: str
    p: float | None
    clv: float | None
    spend: float | None
    f_score: int | None


def customers() -> list[Customer]:
    """Few distinct values, so that many net values are equal; NULLs in each column."""
    rng = np.random.default_rng(5)
    return [
        Customer(f"c{at}", *(None if rng.random() < 0.1 else float(value) for value in
                             (rng.choice([0.05, 0.3, 0.6, 0.9]), rng.choice([0.0, 60.0, 400.0, 900.0]),
                              rng.choice([0.0, 50.0]))), int(rng.integers(1, 6)))
        for at in range(N)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def scores(spark) -> DataFrame:
    rows = [(one.customer_id, one.p, one.clv, one.spend, one.f_score) for one in customers()]
    return spark.createDataFrame(rows, COLUMNS).cache()


@dataclass(frozen=True)
class Told:
    """What a plain reading of the definitions says of a customer."""

    recommended: list[str]
    net: int | None
    rule: str | None = None
    offer: str | None = None
    cost: int = 0


def units(amount: float) -> int:
    return int(np.floor(abs(amount) * UNITS + 0.5) * np.sign(amount))


def told(actions: Actions, one: Customer) -> Told:
    year = one.clv if one.clv is not None else None if one.spend is None else 4 * one.spend
    known = one.p is not None and year is not None
    profit = at_stake(one.p, year, lapsed_share=0.5) * 0.5 if known else None
    recommended, acting = [], []
    holds = {"call": (one.f_score or 0) >= 4, "rest": one.p is not None and one.p < 0.1,
             "mail": one.p is not None and one.p >= 0.2}  # fmt: skip
    for rule in actions.ordered:
        if not holds[rule.name]:
            continue
        ways = (
            [(units(way.net(one.p, profit)), -at, way) for at, way in enumerate(variants(actions, rule))]
            if known
            else []
        )
        net, _, way = max(ways, key=lambda found: found[:2]) if ways else (None, 0, None)
        if rule.contact is None or net is None or net > 0:
            recommended.append(rule.name)
        if rule.contact is not None:
            acting.append((rule.name, net, way))
        if rule.exclusive:
            break
    first = next((found for found in acting if found[1] is None or found[1] > 0), acting[0] if acting else None)
    if first is None or first[1] is None:
        return Told(recommended, None)
    if first[1] <= 0:
        return Told(recommended, first[1])
    return Told(recommended, first[1], first[0], first[2].offer, units(first[2].cost(one.p)))


def chosen_by_sorting(actions: Actions, found: dict[str, Told]) -> list[str]:
    """Ranked by net value, ties by the draw: each rule's first `cap`, of these the longest top within the budget."""
    occasion = f"{actions.holdout.seed} {actions.holdout.campaign or DAY}"

    def rank(name: str) -> tuple[int, int, int]:
        return found[name].net, *(draw(name, purpose=f"{half} place {occasion}") for half in ("high", "low"))

    ranked = sorted((name for name, one in found.items() if one.rule), key=rank, reverse=True)
    left = dict(actions.caps)
    capped = []
    for name in ranked:
        room = left.get(found[name].rule, N)
        left[found[name].rule] = room - 1
        if room > 0:
            capped.append(name)
    if actions.budget is None:
        return capped
    spent = np.cumsum([found[name].cost for name in capped])
    return [name for name, sum_ in zip(capped, spent, strict=True) if sum_ <= round(actions.budget * UNITS)]


def test_recommendations_and_net_values_are_those_of_the_definitions(scores: DataFrame) -> None:
    actions = small_actions()
    rows = {row["customer_id"]: row for row in with_recommendations(scores, actions).collect()}
    for one in customers():
        expected, row = told(actions, one), rows[one.customer_id]
        assert row["recommended_actions"] == expected.recommended, one
        assert row["expected_net_value"] == (None if expected.net is None else expected.net / UNITS), one
        own = row["_candidate"]
        assert (own and (own["rule"], own["offer"], own["cost"])) == (
            (expected.rule, expected.offer, expected.cost) if expected.rule else None
        ), one
    reached = {tuple(row["recommended_actions"]) for row in rows.values()}
    assert {("rest",), ("mail",), ("call", "mail"), ()} <= reached
    assert {row["_candidate"]["offer"] for row in rows.values() if row["_candidate"]} == {None, "large", "small"}


@pytest.mark.parametrize(("partitions", "last"), [(1, 10_000), (5, 3)])
def test_caps_budget_and_hold_out_are_those_of_plain_sorting(scores: DataFrame, partitions: int, last: int) -> None:
    actions = small_actions(LIMITED)
    found = {one.customer_id: told(actions, one) for one in customers()}
    expected = chosen_by_sorting(actions, found)
    candidates = with_recommendations(scores.repartition(partitions), actions)
    limits = binding_limits(candidates, actions, as_of=DAY, last=last)
    assert set(limits.rules) == {"call"} and limits.budget is not None
    seen = Observation("acts")
    frame = decided(candidates, actions, limits=limits, as_of=DAY).observe(seen, *outcome_columns(actions))
    rows = {row["customer_id"]: row for row in frame.collect()}
    assert {name for name, row in rows.items() if row["holdout"] is not None} == set(expected)
    held = {name for name in expected if draw(name, purpose="holdout 1 spring") < int(SHARES * 0.1)}
    assert {name for name, row in rows.items() if row["holdout"]} == held and 0 < len(held) < len(expected) / 4
    for name, row in rows.items():
        assert row["offer"] == (found[name].offer if name in expected and name not in held else None)
    counted = outcomes(seen.get, actions)
    assert sum(one.chosen for one in counted.values()) == len(expected)
    assert sum(one.held_out for one in counted.values()) == len(held)
    contacted = [found[name] for name in expected if name not in held]
    assert sum(one.cost for one in counted.values()) == pytest.approx(sum(one.cost for one in contacted) / UNITS)
    assert sum(one.net_value for one in counted.values()) == pytest.approx(sum(one.net for one in contacted) / UNITS)
    assert counted["call"].recommended == sum("call" in one.recommended for one in found.values())


def test_limits_that_leave_nobody_out_ask_nothing_more_and_change_nothing(scores: DataFrame) -> None:
    wide = LIMITED.replace("cap: 17", f"cap: {N}").replace("budget: 120.5", "budget: 1000000")
    actions = small_actions(wide)
    candidates = with_recommendations(scores, actions)
    assert binding_limits(candidates, actions, as_of=DAY) == Limits()
    # Nothing to limit: not even counted, so a frame that cannot be read does no harm.
    broken = candidates.where(F.raise_error(F.lit("read")).isNull())
    assert binding_limits(broken, small_actions(), as_of=DAY) is NO_LIMITS


def test_the_hold_out_lasts_through_a_campaign_and_is_drawn_anew_without_one(scores: DataFrame) -> None:
    def held(text: str, day: date) -> set[str]:
        actions = small_actions(text)
        rows = decided(with_recommendations(scores, actions), actions, limits=NO_LIMITS, as_of=day)
        return {row["customer_id"] for row in rows.where("holdout").select("customer_id").collect()}

    later = date(2012, 1, 6)
    assert held(TEXT, DAY) == held(TEXT, later)
    daily = TEXT.replace(", campaign: spring", "")
    assert held(daily, DAY) == held(daily, DAY) != held(daily, later)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("f_score >= 4", "f_score + 4", "rule 'call': where must be a condition"),
        ("sql: churn_probability", "sql: churn_probability > 1", "economics.lapse: a number is expected"),
        ("f_score >= 4", "customer_id", "is a string"),
    ],
)
def test_what_is_no_condition_or_no_number_is_refused(scores: DataFrame, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        require_expressions(scores, small_actions(TEXT.replace(old, new)))


def test_limits_look_at_scores_that_are_computed_once_and_are_counted_all_the_same(scores: DataFrame, tmp_path) -> None:
    computed = tmp_path / "computed"

    def expensive(batches):
        for batch in batches:
            with computed.open("a", encoding="utf-8") as file:
                file.write(f"{batch.num_rows}\n")
            yield batch

    seen = Observation("scores")
    lazy = scores.repartition(3).mapInArrow(expensive, scores.schema).observe(seen, F.count(F.lit(1)).alias("rows"))
    with acting(lazy, small_actions(LIMITED), as_of=DAY) as done:
        assert done.rows.toArrow().num_rows == N
        assert done.limits.budget is not None
    assert sum(map(int, computed.read_text().split())) == N
    assert seen.get == {"rows": N}
    assert sum(one.chosen for one in done.outcomes().values()) > 0
    assert not done.rows.storageLevel.useDisk
