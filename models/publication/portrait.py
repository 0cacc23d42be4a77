"""A scored date in figures: one aggregation, whose rows are bins and groups, never customers.

Read by the gate before the newest view, by the summary on the terminal and by the page of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.heads import CHURN, HEADS
from models.segments.counts import NONE

DATE, CUSTOMER = "as_of_date", "customer_id"
WIDTH = 0.05
"""Of a bin of a probability."""
SMALLEST, LARGEST = -5, 20
"""Powers of two: an amount below the first has bin 0; from then on a bin is as wide as it begins, up to the last."""
PROBABILITIES = (*(head.output for head in HEADS.values() if not head.is_amount), "p_alive")
AMOUNTS = (*(head.output for head in HEADS.values() if head.is_amount), "clv_12m", "clv_36m")
SCORES = (*PROBABILITIES, *AMOUNTS)
LEVEL, LIFECYCLE, RFM, PERSONA = "churn_risk_level", "lifecycle", "rfm_segment", "persona"
REASONS, ACTIONS, OFFER = "reasons", "recommended_actions", "offer"
MODELS, CALIBRATION = "model_versions", "calibration_status"
GROUPS: Mapping[str, str] = {
    **{name: name for name in (LEVEL, LIFECYCLE, RFM, PERSONA, OFFER)},
    REASONS: f"get({REASONS}, 0).feature", ACTIONS: f"get({ACTIONS}, 0)",
    MODELS: f"to_json({MODELS})", CALIBRATION: f"to_json({CALIBRATION})",
}  # fmt: skip
"""Column of `customer_scores` to what its customers are counted by: few values, whatever the customers."""
VALUES = ("clv_12m", "expected_spend_90d")
"""What a customer is worth, the better first: times the churn probability it is the value at risk."""


@dataclass(frozen=True)
class Distribution:
    """One score column of a date: customers by bin (`bin_of`), customers without a score, the sum of the scores."""

    counts: Mapping[int, int] = field(default_factory=dict)
    nulls: int = 0
    total: float = 0.0

    @property
    def scored(self) -> int:
        return sum(self.counts.values())

    @property
    def mean(self) -> float | None:
        """None where nobody has a score."""
        return self.total / self.scored if self.scored else None

    @property
    def null_share(self) -> float:
        return self.nulls / max(self.nulls + self.scored, 1)


@dataclass(frozen=True)
class Group:
    """Customers of a date with one value of a column, and their value at risk by what they are worth by."""

    customers: int
    at_risk: Mapping[str, float]


@dataclass(frozen=True)
class Portrait:
    """A date: its customers, each score column, and the groups of each column of `GROUPS` that the table has."""

    as_of: date
    customers: int = 0
    scores: Mapping[str, Distribution] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Group]] = field(default_factory=dict)

    def count(self, column: str, value: str) -> int:
        """Customers of a group; 0 where there is none."""
        found = self.groups.get(column, {}).get(value)
        return 0 if found is None else found.customers

    def of(self, column: str) -> dict[str, Group]:
        """The groups of a column without those who have no value, the largest first; {} where all have none."""
        kept = {name: one for name, one in self.groups.get(column, {}).items() if name != NONE}
        return dict(sorted(kept.items(), key=lambda item: (-item[1].customers, item[0])))

    @property
    def worth(self) -> str | None:
        """What values at risk are reckoned by: the best of `VALUES` that anybody has; None where there is none."""
        return next((name for name in VALUES if self.scores.get(name, Distribution()).scored), None)


def portraits(scores: DataFrame, dates: Sequence[date]) -> dict[date, Portrait]:
    """The figures of `dates` of `customer_scores`; a date without a row has an empty portrait."""
    rows = [row.asDict() for row in counted(scores).collect()]  # at most dates x (bins + groups) of each column
    return {day: portrait(day, (row for row in rows if row[DATE] == day)) for day in dates}


def counted(scores: DataFrame) -> DataFrame:
    """as_of_date, column, place (a bin, a group; NULL without a score), customers, total and value at risk by worth."""
    there = set(scores.columns)
    worth = [name for name in VALUES if name in there]
    nothing = F.lit(None).cast("double")
    ones = [_counted_by(name, bin_of(name).cast("string"), F.col(name)) for name in SCORES if name in there]
    ones += [_counted_by(name, F.coalesce(F.expr(by).cast("string"), F.lit(NONE)), nothing)
             for name, by in GROUPS.items() if name in there]  # fmt: skip
    at_risk = [(F.col(CHURN.output) * F.col(name)).alias(_at_risk(name)) for name in worth]
    long = scores.select(DATE, *at_risk, F.explode(F.array(*ones)).alias("one"))
    sums = [F.sum(_at_risk(name)).alias(_at_risk(name)) for name in worth]
    return long.groupBy(DATE, "one.column", "one.place").agg(
        F.count(F.lit(1)).alias("customers"), F.sum("one.value").alias("total"), *sums
    )


def bin_of(name: str) -> Column:
    """The bin of a score, an int: twentieths of a probability, powers of two of an amount; NULL without a score."""
    score = F.col(name)
    if name in PROBABILITIES:
        place = F.least(F.floor(score / WIDTH), F.lit(round(1 / WIDTH) - 1))
    else:
        power = F.floor(F.log2(F.greatest(score, F.lit(2.0 ** (SMALLEST - 1)))))
        place = F.least(F.greatest(power, F.lit(SMALLEST - 1)), F.lit(LARGEST)) - SMALLEST + 1
    # `least` and `greatest` pass over a NULL.
    return F.when(score.isNotNull(), place.cast("int"))


def bin_edges(name: str, place: int) -> tuple[float, float]:
    """Where a bin of a score begins and ends.

    >>> bin_edges("churn_probability", 19), bin_edges("expected_spend_90d", 0), bin_edges("expected_spend_90d", 6)
    ((0.95, 1.0), (0.0, 0.03125), (1.0, 2.0))
    """
    if name in PROBABILITIES:
        return round(place * WIDTH, 2), round((place + 1) * WIDTH, 2)
    return (2.0 ** (place + SMALLEST - 1) if place else 0.0), 2.0 ** (place + SMALLEST)


def portrait(as_of: date, rows: Iterable[Mapping[str, Any]]) -> Portrait:
    """The figures of one date from its rows of `counted`."""
    scores: dict[str, Distribution] = {}
    groups: dict[str, dict[str, Group]] = {}
    for row in sorted(rows, key=lambda one: (one["column"], one["place"] or "")):
        name, customers = row["column"], row["customers"]
        if name in GROUPS:
            at_risk = {worth: row[_at_risk(worth)] or 0.0 for worth in VALUES if _at_risk(worth) in row}
            groups.setdefault(name, {})[row["place"]] = Group(customers, at_risk)
        else:
            scores[name] = _with(scores.get(name, Distribution()), row["place"], customers, row["total"])
    everyone = next(iter(groups.values()), {})
    return Portrait(as_of, sum(one.customers for one in everyone.values()), scores, groups)


def _with(known: Distribution, place: str | None, customers: int, total: float | None) -> Distribution:
    if place is None:
        return Distribution(known.counts, known.nulls + customers, known.total)
    return Distribution({**known.counts, int(place): customers}, known.nulls, known.total + (total or 0.0))


def _counted_by(name: str, place: Column, value: Column) -> Column:
    return F.struct(F.lit(name).alias("column"), place.alias("place"), value.alias("value"))


def _at_risk(worth: str) -> str:
    return f"at_risk_{worth}"
