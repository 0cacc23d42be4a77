"""Who is chosen within caps and budget, who of them is held out, and who gets which offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from featurestore.customer_draw import SHARES, draw_column
from models.actions import cuts
from models.actions.choose import CANDIDATE, RECOMMENDED
from models.actions.rules import Actions
from models.actions.value import UNITS
from models.training_rows import CUSTOMER

OFFER, HELD_OUT = "offer", "holdout"
_EVERYONE = "budget"
_FIGURES = ("recommended", "chosen", "held_out", "cost", "net_value")


@dataclass(frozen=True)
class Limits:
    """From which place on a candidate is in: by rule where its cap leaves someone out, and under the budget."""

    rules: Mapping[str, int] = field(default_factory=dict)
    budget: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Outcome:
    """What one rule came to: customers it is recommended for, chosen, held out of these; cost and net value expected
    of those contacted, in currency.
    """

    recommended: int
    chosen: int
    held_out: int
    cost: float
    net_value: float


def binding_limits(candidates: DataFrame, actions: Actions, *, as_of: date, last: int = cuts.LAST) -> Limits:
    """The limits that leave someone out; `candidates` is a frame of `with_recommendations`.

    One aggregation, of a row a rule, says which caps and whether the budget can bind. Only for these it is read again:
    once or twice for all caps together, and once or twice for the budget, which counts those that the caps have left.
    No pass at all where there is neither cap nor budget.
    """
    if not actions.caps and actions.budget is None:
        return NO_LIMITS
    ranked = _ranked(candidates, actions, as_of=as_of)
    place = F.col(cuts.PLACE)
    # Collects one row a rule.
    totals = {
        row["rule"]: row
        for row in ranked.groupBy("rule")
        .agg(F.count(place).alias("rows"), F.sum("cost").alias("cost"), F.min(place).alias("low"),
             F.max(place).alias("high"))
        .collect()
    }  # fmt: skip
    over = {
        name: cuts.Search(cap, int(totals[name]["low"]), int(totals[name]["high"]) + 1, totals[name]["rows"])
        for name, cap in actions.caps.items()
        if name in totals and totals[name]["rows"] > cap
    }
    capped = cuts.cuts(_weighed(ranked, F.col("rule"), F.lit(1)), over, last=last)
    limit = None if actions.budget is None else round(actions.budget * UNITS)
    if limit is None or sum(row["cost"] for row in totals.values()) <= limit:
        return Limits(capped)
    left = _weighed(ranked.where(_is_within("rule", capped)), F.lit(_EVERYONE), F.col("cost"))
    places = [int(row[end]) for row in totals.values() for end in ("low", "high")]
    search = cuts.Search(limit, min(places), max(places) + 1, sum(row["rows"] for row in totals.values()))
    return Limits(capped, cuts.cuts(left, {_EVERYONE: search}, last=last)[_EVERYONE])


def decided(candidates: DataFrame, actions: Actions, *, limits: Limits, as_of: date) -> DataFrame:
    """`candidates` with `offer` and `holdout`: NULL for who is not chosen, true for who is chosen and left alone.

    `_candidate` stays, for `outcome_columns`.
    """
    purpose = f"holdout {_occasion(actions, as_of)}"
    is_held = draw_column(F.col(CUSTOMER), purpose=purpose) < int(SHARES * actions.holdout.share)
    ranked = F.when(F.col(CANDIDATE).isNotNull(), _place(actions, as_of=as_of))
    chosen = F.col(CANDIDATE).isNotNull()
    if limits.rules or limits.budget is not None:
        candidates = candidates.withColumn(cuts.PLACE, ranked)
        chosen &= _is_within(f"{CANDIDATE}.rule", limits.rules)
        if limits.budget is not None:
            chosen &= _is_from(limits.budget)
    with_holdout = candidates.withColumn(HELD_OUT, F.when(chosen, is_held))
    return with_holdout.withColumn(OFFER, F.when(~F.col(HELD_OUT), F.col(CANDIDATE)["offer"])).drop(cuts.PLACE)


def outcome_columns(actions: Actions) -> list[Column]:
    """Aggregates over a frame of `decided`, a handful a rule; read by `outcomes`."""
    candidate, held = F.col(CANDIDATE), F.col(HELD_OUT)
    found = []
    for rule in actions.ordered:
        own = F.coalesce(candidate["rule"] == rule.name, F.lit(False)) & held.isNotNull()
        figures = (
            F.count_if(F.array_contains(RECOMMENDED, rule.name)),
            F.count_if(own),
            F.count_if(own & held),
            F.coalesce(F.sum(F.when(own & ~held, candidate["cost"])), F.lit(0)),
            F.coalesce(F.sum(F.when(own & ~held, candidate["net"])), F.lit(0)),
        )
        found += [one.alias(f"{rule.name} {name}") for one, name in zip(figures, _FIGURES, strict=True)]
    return found


def outcomes(found: Mapping[str, Any], actions: Actions) -> dict[str, Outcome]:
    """By rule, in order of priority, what `outcome_columns` gave."""
    by_rule = {rule.name: [found[f"{rule.name} {name}"] for name in _FIGURES] for rule in actions.ordered}
    return {
        name: Outcome(recommended, chosen, held_out, cost=cost / UNITS, net_value=net / UNITS)
        for name, (recommended, chosen, held_out, cost, net) in by_rule.items()
    }


def _occasion(actions: Actions, as_of: date) -> str:
    return f"{actions.holdout.seed} {actions.holdout.campaign or as_of}"


def _ranked(candidates: DataFrame, actions: Actions, *, as_of: date) -> DataFrame:
    """rule, cost and place of the candidates alone."""
    own = F.col(CANDIDATE)
    return candidates.where(own.isNotNull()).select(
        own["rule"].alias("rule"), own["cost"].alias("cost"), _place(actions, as_of=as_of).alias(cuts.PLACE)
    )


def _place(actions: Actions, *, as_of: date) -> Column:
    """Rank as one number, the higher the sooner: net value, then a 64-bit draw of the customer; decimal(38,0).

    The draws are not those of the hold-out: of equal net values, who is chosen says nothing of who is held out.
    """
    occasion = _occasion(actions, as_of)
    high, low = (draw_column(F.col(CUSTOMER), purpose=f"{half} place {occasion}") for half in ("high", "low"))
    net = F.col(CANDIDATE)["net"].cast("decimal(18,0)")
    return ((net * SHARES + high) * SHARES + low).cast("decimal(38,0)")


def _weighed(ranked: DataFrame, group: Column, weight: Column) -> DataFrame:
    return ranked.select(group.alias(cuts.GROUP), cuts.PLACE, weight.cast("bigint").alias(cuts.WEIGHT))


def _is_within(rule: str, limits: Mapping[str, int]) -> Column:
    """At or above the place of the cap of its rule; a rule without one leaves nobody out."""
    within = F.lit(True)
    for name, place in limits.items():
        within = F.when(F.col(rule) == name, _is_from(place)).otherwise(within)
    return within


def _is_from(place: int) -> Column:
    return F.expr(f"{cuts.PLACE} >= {place}BD")
