"""Customers with an order as points: their measures, the scales of all, and bounded samples for the driver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from pyspark.ml.functions import array_to_vector
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from featurestore.customer_draw import SHARES, draw_column
from models.errors import CannotTrain, OtherFeatures
from models.logistic import Floats
from models.segments.measures import DIGITS, MEASURES, ORDER_VALUE, Scales, Triple
from models.segments.personas import Cuts
from models.training_rows import CUSTOMER

Z = "z"
_CUT_ACCURACY = 10_000
_CUSTOMERS_PER_PART = 25_000


@dataclass(frozen=True)
class Population:
    """All buyers of a snapshot: how many, the scales and terciles of their measures, and a hash of what they are."""

    customers: int
    scales: Scales
    terciles: tuple[Cuts, Cuts, Cuts]
    content: str


@dataclass(frozen=True)
class Buyers:
    """The `buyers` of the snapshot at a date, and what they are."""

    as_of: date
    rows: DataFrame
    population: Population


def buyers_at(as_of: date, snapshot: DataFrame, *, at_least: int) -> Buyers:
    """The buyers of one snapshot; raises as `buyers` and `population_of` do."""
    rows = buyers(snapshot)
    return Buyers(as_of, rows, population_of(rows, at_least=at_least))


def buyers(snapshot: DataFrame) -> DataFrame:
    """customer_id and the measures as doubles, of the customers with an order; OtherFeatures for an absent column."""
    missing = [name for name in (CUSTOMER, *MEASURES) if name not in snapshot.columns]
    if missing:
        raise OtherFeatures.columns("the segment model", missing=missing, available=snapshot.columns)
    numbers = [F.col(name).cast("double").alias(name) for name in MEASURES]
    return snapshot.select(CUSTOMER, *numbers).where(is_buyer())


def is_buyer() -> Column:
    """Whether a row has all three measures: NULL without an order."""
    known = [F.col(name).isNotNull() for name in MEASURES]
    return known[0] & known[1] & known[2] & (F.col(ORDER_VALUE) > 0)


def population_of(rows: DataFrame, *, at_least: int) -> Population:
    """What all `buyers` are, in one pass; CannotTrain for fewer than `at_least`, and for a measure all have alike."""
    logs = _logarithms()
    means = [F.avg(one).alias(f"mean_{at}") for at, one in enumerate(logs)]
    sds = [F.stddev_samp(one).alias(f"sd_{at}") for at, one in enumerate(logs)]
    # A sum of hashes is the same in any order; the cuts are exact up to a rank of 1 in 10,000.
    content = F.sum(F.xxhash64(CUSTOMER, *MEASURES).cast("decimal(38,0)")).alias("content")
    cuts = [F.percentile_approx(name, [1 / 3, 2 / 3], _CUT_ACCURACY).alias(f"cuts_{name}") for name in MEASURES]
    found = rows.agg(F.count("*").alias("n"), content, *means, *sds, *cuts).collect()[0]
    if found["n"] < at_least:
        raise CannotTrain.few_customers(found["n"], at_least=at_least)
    for at, name in enumerate(MEASURES):
        if round(found[f"sd_{at}"], DIGITS) == 0:
            raise CannotTrain.all_alike(name, customers=found["n"])
    scales = Scales(_triple([found[f"mean_{at}"] for at in range(3)]), _triple([found[f"sd_{at}"] for at in range(3)]))
    first, second, third = ((low, high) for low, high in (found[f"cuts_{name}"] for name in MEASURES))
    return Population(found["n"], scales, (first, second, third), f"{found['n']}:{found['content']}")


def points(buyers: Buyers, *, partitions: int) -> DataFrame:
    """The standard scores of buyers as vectors `z`, in an order that does not depend on how they were stored.

    In as many parts as there is work for, `partitions` at most: KMeans runs many short jobs, whose tasks cost more
    than the few customers that each would have.
    """
    parts = min(partitions, 1 + buyers.population.customers // _CUSTOMERS_PER_PART)
    scales = buyers.population.scales
    scored = [(log - mean) / sd for log, mean, sd in zip(_logarithms(), scales.means, scales.sds, strict=True)]
    placed = buyers.rows.select(CUSTOMER, array_to_vector(F.array(*scored)).alias(Z)).repartition(parts, CUSTOMER)
    return placed.sortWithinPartitions(CUSTOMER).select(Z)


def sample_of(rows: DataFrame, *, total: int, at_most: int) -> Floats:
    """The measures (n, 3) of `buyers`, or of `at_most` of them by a stable draw, sorted by that draw."""
    place = draw_column(F.col(CUSTOMER), purpose="sample of segments")
    drawn = rows.select(*MEASURES, place.alias("place"), CUSTOMER)
    if total > at_most:
        # A little more than is wanted is asked for; the slice below makes it exact.
        drawn = drawn.where(F.col("place") < int(SHARES * min(1.0, 1.1 * at_most / total)))
    # Bounded: about `at_most` rows reach the driver.
    table = drawn.toArrow().sort_by([("place", "ascending"), (CUSTOMER, "ascending")]).slice(0, at_most)
    return np.column_stack([table.column(name).to_numpy() for name in MEASURES])


def _logarithms() -> list[Column]:
    """`measures.logarithms` as columns."""
    recency, order_days, order_value = MEASURES
    return [F.log1p(recency), F.log1p(order_days), F.log(F.col(order_value))]


def _triple(values: list[float]) -> Triple:
    first, second, third = (round(value, DIGITS) for value in values)
    return first, second, third
