"""The sweep on DataFrames: events in, one row per customer and as-of out. No read, write or action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

from featurestore.customer_order import SORT_KEY, TICK_BITS, TIME_BITS, by_customer
from featurestore.definitions import AS_OF_DATE
from featurestore.fold import ARROW_TYPES, CUSTOMER, TIME, FoldPlan, empty_fold, fold_customers
from featurestore.sql_functions import SQL_FUNCTIONS
from featurestore.views import FeatureSet, FeatureView

ORDER_OF_EVENTS = (CUSTOMER, TIME, "event_id")
HASH_MASK = -1 << TIME_BITS
"""The bits of a customer's hash that the sort key keeps."""
FIRST_YEAR = 1990
"""The sort key tells times apart from this year until 71 years later; before and after, the next columns do."""


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

    def fold(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return fold_customers(by_customer(batches), plan)

    return in_order(events, plan).mapInArrow(fold, fold_schema(plan))


def needed(events: DataFrame, plan: FoldPlan) -> DataFrame:
    """The columns of `events` that order them and that `plan` reads."""
    return events.select(*ORDER_OF_EVENTS, *[m for m in plan.measures if m not in ORDER_OF_EVENTS])


def in_order(events: DataFrame, plan: FoldPlan) -> DataFrame:
    """What `plan` reads of `events`, a customer's in one partition, each partition as `by_customer` takes it."""
    return in_order_of_key(needed(events, plan).repartition(CUSTOMER))


def in_order_of_key(rows: DataFrame) -> DataFrame:
    """`rows` with the sort key and without event_id, each partition by key, time (NULL first) and event."""
    return rows.withColumn(SORT_KEY, sort_key()).sortWithinPartitions(SORT_KEY, TIME, "event_id").drop("event_id")


def sort_key() -> Column:
    """40 bits of a hash of the customer, then 24 of the time; for one customer it never falls as time grows.

    Times out of range, and NULL, take the nearest key that there is (NULL the least).
    """
    first = instant(date(FIRST_YEAR, 1, 1)) >> TICK_BITS
    ticks = F.coalesce(F.shiftright(F.unix_micros(TIME), TICK_BITS) - F.lit(first), F.lit(0))
    in_range = F.greatest(F.lit(0), F.least(ticks, F.lit((1 << TIME_BITS) - 1)))
    return F.xxhash64(CUSTOMER).bitwiseAND(F.lit(HASH_MASK)).bitwiseOR(in_range)


def fold_schema(plan: FoldPlan) -> str:
    """DDL of what `folded` returns."""
    folds = [f"`{fold.name}` {fold.type}" for fold in plan.folds]
    derived = [f"`{one.name}` {one.type}" for one in plan.derived]
    return ", ".join([f"{CUSTOMER} string", "as_of_date date", *folds, *derived])


def joined(snapshots: Sequence[DataFrame], features: FeatureSet) -> DataFrame:
    """One row per customer and date that any of `snapshots` (one a view of `features`, in order) has.

    Where a view has no row it reads the view's empty fold. The derived features of the set are added.
    One shuffle by customer and date for each view beyond the first.
    """
    together = _marked(snapshots[0], features.views[0])
    for snapshot, view in zip(snapshots[1:], features.views[1:], strict=True):
        together = together.join(_marked(snapshot, view), [CUSTOMER, AS_OF_DATE], "full_outer")
    filled = [column for view in features.views for column in _or_empty(view)]
    rows = together.select(CUSTOMER, AS_OF_DATE, *filled)
    for one in features.derived:
        rows = rows.withColumn(one.name, arrow_function(one.on_arrays, one.type)(*one.inputs))
    return rows


def _marked(snapshot: DataFrame, view: FeatureView) -> DataFrame:
    """A snapshot with a column that is true where the view has seen the customer."""
    return snapshot.select(CUSTOMER, AS_OF_DATE, F.lit(True).alias(f"in_{view.name}"), *view.feature_names)


def _or_empty(view: FeatureView) -> list[Column]:
    empty = empty_fold(view.folds, view.derived)
    seen = F.col(f"in_{view.name}")
    return [
        F.when(seen, F.col(f.name)).otherwise(F.lit(empty.get(f.name)).cast(f.type)).alias(f.name)
        for f in view.features
    ]


def register_functions(spark: SparkSession) -> Sequence[str]:
    """Make the derived features callable from SQL, by the very functions that the sweep calls."""
    for name, (function, returned) in SQL_FUNCTIONS.items():
        spark.udf.register(name, arrow_function(function, returned))
    return list(SQL_FUNCTIONS)


def arrow_function(function: Callable[..., pa.Array], returned: str) -> Callable[..., Column]:
    """A pure function on Arrow arrays as one on columns, its result of the type `returned`."""

    def on_columns(*columns: pa.Array) -> pa.Array:
        return function(*columns).cast(ARROW_TYPES[returned])

    return arrow_udf(on_columns, returned)  # type: ignore[call-overload]
