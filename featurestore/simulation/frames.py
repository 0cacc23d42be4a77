"""The simulation as DataFrames: each task draws its customers from the seed, so that nothing is shuffled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError
from featurestore.simulation.dirt import SOURCES
from featurestore.simulation.exports import COLUMNS, dirt_counts, export
from featurestore.simulation.randomness import Integers
from featurestore.simulation.truth import DEFAULT_HEADS, checked_days, checked_heads, truth
from featurestore.simulation.world import World

# About 1.5 million order lines, 1.2 million views; small worlds are cut in two for two cores.
CUSTOMERS_A_PARTITION = 100_000
CUSTOMERS_WORTH_A_SECOND = 5_000
CUSTOMERS_A_BLOCK = 10_000

TRUTH_SCHEMA = "customer_id string, as_of_date date, head string, probability double, expectation double"
DIRT_SCHEMA = "source string, kind string, rows bigint"

Drawn = Callable[[Integers], Iterable[pa.RecordBatch]]


def export_frame(spark: SparkSession, world: World, source: str, *, partitions: int | None = None) -> DataFrame:
    """The rows of one export, all columns string; their set does not depend on `partitions`.

    Raises ConfigurationError for an unknown source.
    """
    if source not in SOURCES:
        raise ConfigurationError.unknown_name("source", source, known=SOURCES)
    schema = ", ".join(f"{name} string" for name in COLUMNS[source])
    return _drawn(spark, world, partitions, lambda block: [export(world, source, block)], schema)


def truth_frame(
    spark: SparkSession,
    world: World,
    *,
    days: Iterable[int] = (),
    heads: Iterable[str] = DEFAULT_HEADS,
    partitions: int | None = None,
) -> DataFrame:
    """What the history tells of each customer at midnight of each of `days` (default: `world.truth_day`).

    One row per customer with an order before, date and head: customer_id, as_of_date, head, probability,
    expectation; both NULL outside the head's population.
    Raises ConfigurationError for days outside the simulation and unknown heads.
    """
    asked, named = checked_days(world, list(days) or [world.truth_day]), checked_heads(heads)

    def draw(block: Integers) -> Iterable[pa.RecordBatch]:
        return truth(world, block, days=asked, heads=named)

    return _drawn(spark, world, partitions, draw, TRUTH_SCHEMA)


def dirt_frame(spark: SparkSession, world: World, *, partitions: int | None = None) -> DataFrame:
    """How many rows of each kind, clean ones included, the exports hold: source, kind, rows."""
    counted = _drawn(spark, world, partitions, lambda block: [dirt_counts(world, block)], DIRT_SCHEMA)
    return counted.groupBy("source", "kind").agg(F.sum("rows").alias("rows"))


def partitions_for(customers: int) -> int:
    """How many tasks and files an export of so many customers is worth.

    >>> [partitions_for(n) for n in (0, 1, 20_000, 10_000_000)]
    [1, 1, 2, 100]
    """
    few = 2 if customers >= CUSTOMERS_WORTH_A_SECOND else 1
    return max(few, -(-customers // CUSTOMERS_A_PARTITION))


def _drawn(spark: SparkSession, world: World, partitions: int | None, draw: Drawn, schema: str) -> DataFrame:
    def of_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            indices = np.asarray(batch.column(0), dtype=np.int64)
            for first in range(0, len(indices), CUSTOMERS_A_BLOCK):
                yield from draw(indices[first : first + CUSTOMERS_A_BLOCK])

    customers = spark.range(0, world.customers, 1, partitions or partitions_for(world.customers))
    return customers.mapInArrow(of_batches, schema)
