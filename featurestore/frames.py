"""The sweep on DataFrames: events in, one row per customer and as-of out. No read, write or action."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.functions import arrow_udf

from featurestore.derived import SQL_FUNCTIONS
from featurestore.fold import CUSTOMER, TIME, FoldPlan, fold_batches

ORDER_OF_EVENTS = (CUSTOMER, TIME, "event_id")


def instant(day: date) -> int:
    """Midnight UTC of `day` in microseconds since 1970.

    >>> instant(date(1970, 1, 2))
    86400000000
    """
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def folded(events: DataFrame, plan: FoldPlan) -> DataFrame:
    """`plan` over `events`: customer_id, as_of_date, folds, derived; rows of a customer stay together.

    `events` needs customer_id, event_time, event_id and the measures of the plan. One shuffle by
    customer and one sort; a task holds one block of customers at a time.
    """
    needed = events.select(*ORDER_OF_EVENTS, *[m for m in plan.measures if m not in ORDER_OF_EVENTS])
    ordered = needed.repartition(CUSTOMER).sortWithinPartitions(*ORDER_OF_EVENTS).drop("event_id")

    def fold(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return fold_batches(batches, plan)

    return ordered.mapInArrow(fold, fold_schema(plan))


def fold_schema(plan: FoldPlan) -> str:
    """DDL of what `folded` returns."""
    folds = [f"`{fold.name}` {fold.type}" for fold in plan.folds]
    derived = [f"`{one.name}` {one.type}" for one in plan.derived]
    return ", ".join([f"{CUSTOMER} string", "as_of_date date", *folds, *derived])


def register_functions(spark: SparkSession) -> Sequence[str]:
    """Make the derived features callable from SQL, by the very functions that the sweep calls."""
    for name, function in SQL_FUNCTIONS.items():
        spark.udf.register(name, arrow_udf(function, "double"))  # type: ignore[call-overload]
    return list(SQL_FUNCTIONS)
