"""Each rule of promotion with made-up probabilities: all hold for a better model, and each fails alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.promotion.forecasts import Pair, UnequalRows, paired
from models.promotion.rule import Comparison, Standing, gained, judged
from models.tasks import Gate
from tests.unit.models.promotion.pairs import DAYS, better, noisy, said, truth

GATE = Gate(draws=300)
GUARDED = Standing("passed, 1 reported")


def failing(found: Comparison) -> set[str]:
    return {check.rule for check in found.checks if not check.holds}


def verdict(pair: Pair, *, gate: Gate = GATE, standing: Standing = GUARDED) -> Comparison:
    return judged(pair, gate, standing, seed=1)


def test_a_better_model_passes_every_rule_and_says_by_how_much() -> None:
    found = verdict(better())
    assert found.is_better and failing(found) == set()
    assert {check.rule for check in found.checks} == {"rows", "a", "b", "c", "d", "e"}
    assert found.figures["log_loss_gain"] > found.figures["log_loss_gain_lower"] > 0.002
    assert found.figures["rows"] == 4500 and found.figures["as_ofs"] == 3
    by_date = [found.figures[f"log_loss_gain_{day}"] for day in DAYS]
    assert np.mean(by_date) == pytest.approx(found.figures["log_loss_gain"], abs=1e-12)
    assert all("holds" in reason for reason in found.reasons)


def test_a_tie_keeps_the_champion() -> None:
    rows, _ = truth()
    found = verdict(paired(rows, rows))
    assert not found.is_better and failing(found) == {"a"}
    assert found.figures["log_loss_gain"] == found.figures["log_loss_gain_lower"] == 0.0


def test_a_gain_that_is_too_small_fails_a_alone() -> None:
    rows, log_odds = truth()
    found = verdict(paired(rows, said(rows, log_odds * 0.93)))
    gain, bound = [check for check in found.checks if check.rule == "a"]
    assert 0 < gain.figure < 0.002 and not gain.holds and failing(found) == {"a"}
    assert bound.limit == 0.0


def test_a_gain_that_chance_explains_fails_a_alone() -> None:
    rows, log_odds = truth(a_day=60)
    pair = paired(rows, noisy(rows, log_odds, noise=0.3, seed=4))
    found = verdict(
        pair, gate=GATE.model_copy(update={"worst_as_of": -1.0, "auc_noninferiority": -1.0, "ece_slack": 1.0})
    )
    gain, bound = [check for check in found.checks if check.rule == "a"]
    assert gain.holds and bound.figure < 0 and failing(found) == {"a"}


def test_one_bad_as_of_fails_b_alone() -> None:
    pair, (rows, log_odds) = better(), truth()
    blurred = noisy(rows, log_odds, noise=1.0).at(DAYS).probabilities
    found = verdict(replace(pair, ours=np.where(pair.days == np.datetime64(DAYS[-1]), blurred, pair.ours)))
    assert failing(found) == {"b"}
    assert found.figures[f"log_loss_gain_{DAYS[-1]}"] < -0.002 and found.figures["log_loss_gain"] > 0.002


def test_a_lower_auc_fails_c_alone() -> None:
    rows, log_odds = truth()
    # The champion ranks best, but is far too sure; the challenger ranks worse and is calibrated.
    found = verdict(paired(noisy(rows, log_odds, noise=0.5), said(rows, log_odds * 2.5)))
    assert failing(found) == {"c"} and found.figures["auc_gain_lower"] < -0.005


def test_the_auc_is_that_inside_each_as_of() -> None:
    rows, log_odds = truth()
    moved = said(rows, log_odds + np.where(rows.days == np.datetime64(DAYS[0]), 3.0, 0.0))
    assert verdict(paired(rows, moved)).figures["auc_gain"] == pytest.approx(0.0, abs=1e-12)


def test_worse_calibration_fails_d_alone() -> None:
    rows, log_odds = truth()
    # Far better ranks, all forecasts a little too high.
    found = verdict(paired(said(rows, log_odds + 0.25), noisy(rows, log_odds, noise=1.2)))
    assert failing(found) == {"d"} and found.figures["ece10"] > found.figures["ece10_before"] + 0.01


@pytest.mark.parametrize(
    "standing", [Standing("blocked by 1"), Standing("not asked"), Standing("passed, 0 reported", 0.2, 0.18)]
)
def test_guard_and_coherence_fail_e_alone(standing: Standing) -> None:
    assert failing(verdict(better(), standing=standing)) == {"e"}


def test_incoherence_that_the_champion_shows_too_is_no_reason() -> None:
    assert verdict(better(), standing=Standing("passed, 0 reported", 0.205, 0.2)).is_better


def test_two_as_ofs_are_no_evidence() -> None:
    rows, log_odds = truth(DAYS[:2])
    found = verdict(paired(rows, noisy(rows, log_odds, noise=0.8)))
    assert failing(found) == {"rows"} and "limit 3" in found.reasons[0]
    nothing = verdict(paired(rows, said(truth(DAYS[2:])[0], truth(DAYS[2:])[1])))
    assert failing(nothing) == {"rows"} and nothing.figures == {}


def test_other_rows_are_refused() -> None:
    rows, _ = truth()
    with pytest.raises(UnequalRows, match="1 are the challenger's alone, 1 the champion's alone") as caught:
        others = rows.customers.copy()
        others[7] = "somebody else"
        paired(replace(rows, customers=others), rows)
    assert caught.value.exit_code == 3
    with pytest.raises(UnequalRows):
        paired(rows, replace(rows, labels=1 - rows.labels))


def test_a_first_champion_is_asked_for_a_alone() -> None:
    found = gained(better(), GATE, seed=1)
    assert found.is_better and {check.rule for check in found.checks} == {"a"}


def test_customers_and_not_rows_are_drawn() -> None:
    rows, log_odds = truth(a_day=300)
    once = paired(rows, noisy(rows, log_odds, noise=0.8))
    names = Pair.__dataclass_fields__
    many = Pair(**{name: np.tile(getattr(once, name), 4) for name in names})
    wide, same = (verdict(one).figures["log_loss_gain_lower"] for one in (once, many))
    assert same == pytest.approx(wide, abs=1e-12)
