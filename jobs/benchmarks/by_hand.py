"""The same features as people write them by hand: in Spark and in DuckDB, one query a date, and one fast formulation.

Each writes a Delta table partitioned by date with customer_id, as_of_date and the features by their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, write_deltalake
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import Aggregate, Feature
from featurestore.errors import EnvironmentProblem
from featurestore.schemas import ORDERS
from featurestore.tables import Warehouse
from featurestore.views import FeatureView
from jobs.benchmarks.order_features import DAYS

DUCKDB_MEMORY_GB = 8


def spark_date(events: DataFrame, view: FeatureView, day: date) -> DataFrame:
    """One row per customer seen before `day`: `sum(when(...))` and its kin over all that lies before."""
    as_of = F.lit(day).cast("timestamp")
    seen = events.where(F.col("event_time") < as_of)
    return seen.groupBy("customer_id").agg(F.lit(day).alias("as_of_date"), *spark_sums(view, as_of))


def spark_sums(view: FeatureView, as_of: Column) -> list[Column]:
    """The folds of `view` as aggregates over events before `as_of`."""
    return [_spark_fold(fold, as_of).cast(fold.type).alias(fold.name) for fold in view.folds]


def _spark_fold(fold: Feature, as_of: Column) -> Column:
    since = as_of - F.expr(f"interval {24 * (fold.window.days or 0)} hours")
    inside = F.col("event_time") >= since
    for condition in fold.where:
        inside = inside & F.expr(str(condition))
    value = F.when(inside, -F.col(fold.measure or "event_id") if fold.negated else F.col(fold.measure or "event_id"))
    match fold.aggregate:
        case Aggregate.COUNT:
            return F.count(value)
        case Aggregate.SUM:
            return F.coalesce(F.sum(value), F.lit(0))
        case Aggregate.MAX:
            return F.max(value)
        case Aggregate.LAST:
            return F.max_by(value, F.when(inside, F.struct("event_time", "event_id")))
        case Aggregate.DISTINCT:
            return F.size(F.collect_set(value))
        case Aggregate.GAP_MEAN:
            on = F.when(inside, F.to_date("event_time"))
            days, span = F.size(F.collect_set(on)), F.datediff(F.max(on), F.min(on))
            return F.when(days > 1, span / (days - 1))
    raise NotImplementedError(fold.aggregate)


def build_in_spark(warehouse: Warehouse, view: FeatureView, days: Sequence[date], *, into: str) -> None:
    """Append `days`, one query each."""
    events = warehouse.read(ORDERS.events_table)
    for day in days:
        rows = spark_date(events, view, day)
        rows.write.format("delta").mode("append").partitionBy("as_of_date").save(into)


def build_in_duckdb(warehouse: Warehouse, days: Sequence[date], *, into: str) -> None:
    """Append `days` of the counts and sums, one query each: `sum(case when ...)` over all that lies before."""
    with connected(warehouse) as connection:
        for day in days:
            found = connection.sql(
                f"select customer_id, date '{day}' as as_of_date, {duckdb_sums(_instant(day))} "
                f"from events where event_time < {_instant(day)} group by customer_id"
            )
            write_deltalake(into, found.to_arrow_reader(1_000_000), mode="append", partition_by=["as_of_date"])


def _instant(day: date) -> str:
    return f"timestamptz '{day} 00:00:00+00'"


def duckdb_sums(as_of: str) -> str:
    """SQL: the counts and sums over events before the instant that the expression `as_of` gives."""
    parts = []
    for days in DAYS:
        inside = f"event_time >= {as_of} - interval {24 * days} hours"
        for name, (value, where, type_name) in _MEASURES.items():
            sums = f"coalesce(sum(case when {inside} and {where} then {value} end), 0)"
            parts.append(f"{sums}::{type_name} as {name}_{days}d")
    return ", ".join(parts)


_MEASURES = {
    "lines_count": ("1", "true", "bigint"),
    "amount_sum": ("amount", "true", "decimal(18,2)"),
    "gross_amount_sum": ("amount", "amount > 0", "decimal(18,2)"),
    "returned_amount_sum": ("-amount", "amount < 0", "decimal(18,2)"),
    "quantity_sum": ("quantity", "is_product", "bigint"),
}


def build_in_duckdb_fast(warehouse: Warehouse, days: Sequence[date], *, into: str) -> None:
    """All `days`, evenly apart, of the counts and sums, by differences: a line enters every window at one date and
    leaves each at another; a running sum over a customer's dates of what entered less what left is the value.
    """
    step = (days[1] - days[0]).days if len(days) > 1 else 1
    with connected(warehouse) as connection:
        for lag in (0, *DAYS):
            connection.execute(_passed(days, lag, step=step))
        connection.execute(
            f"create temp table grid as select customer_id, place from "
            f"(select customer_id, min(place) as since from passed_0 group by 1), "
            f"(select unnest(range({len(days)})) as place) where place >= since"
        )
        joins = " ".join(f"left join passed_{lag} p{lag} using (customer_id, place)" for lag in (0, *DAYS))
        columns = [_running(name, lag) for lag in DAYS for name in _MEASURES]
        found = connection.sql(
            f"select customer_id, date '{days[0]}' + (place * {step})::int as as_of_date, {', '.join(columns)} "
            f"from grid {joins}"
        )
        write_deltalake(into, found.to_arrow_reader(1_000_000), mode="append", partition_by=["as_of_date"])


def _passed(days: Sequence[date], lag: int, *, step: int) -> str:
    """SQL: by customer and place of the first date more than `lag` days after them, the sums of lines."""
    since = f"(epoch_us(event_time) + {lag} * 86400000000 - epoch_us({_instant(days[0])}))"
    sums = ", ".join(
        f"coalesce(sum({value}) filter ({where}), 0) as {name}" for name, (value, where, _) in _MEASURES.items()
    )
    place = f"greatest(0, 1 + floor({since} / {step * 86_400_000_000}))::bigint"
    return (
        f"create temp table passed_{lag} as select * from "
        f"(select customer_id, {place} as place, {sums} from events group by 1, 2) where place < {len(days)}"
    )


def _running(name: str, lag: int) -> str:
    change = f"coalesce(p0.{name}, 0) - coalesce(p{lag}.{name}, 0)"
    total = f"sum({change}) over (partition by customer_id order by place)"
    return f"({total})::{_MEASURES[name][2]} as {name}_{lag}d"


def connected(warehouse: Warehouse) -> Any:
    """A connection to DuckDB in which `events` are the files of events_orders; it closes as a context."""
    try:
        import duckdb
    except ModuleNotFoundError as missing:
        raise EnvironmentProblem("this benchmark needs DuckDB: pip install 'tessera[test]'.") from missing
    connection = duckdb.connect()
    spill = Path(warehouse.root) / "duckdb"
    connection.execute(f"set memory_limit = '{DUCKDB_MEMORY_GB}GB'; set temp_directory = '{spill}'")
    connection.execute("set preserve_insertion_order = false")
    files = DeltaTable(warehouse.path(ORDERS.events_table)).file_uris()
    connection.from_parquet(files).create_view("events")
    return connection
