"""Labels at random instants: 35 window features at each, by the sweep and by a range join in Spark and in DuckDB.

The range join pairs every asking with its customer's events of the 365 days before it and sums them per window: what a
careful hand writes, and right, other than a join on dates.
"""

from __future__ import annotations

from functools import partial

from deltalake import DeltaTable, write_deltalake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.schemas import ORDERS
from featurestore.spine import folded_at
from featurestore.tables import Warehouse
from jobs.benchmarks.by_hand import connected, duckdb_sums, spark_sums
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_orders import FIRST_DAY, MICROSECONDS_A_DAY, Shape, kept_warehouse
from jobs.benchmarks.order_features import COUNTS_AND_SUMS, DAYS
from jobs.benchmarks.outputs import hash_of_rows
from jobs.run import Run

SIZES = {"events": 1_000_000, "customers": 20_000, "days": 730, "asked": 50_000}
LONGEST = max(DAYS)
WARMING = 100
"""Instants that each contender answers before it is timed."""


def run(run: Run) -> list[Figure]:
    """Seconds of each contender to answer the spine into a Delta table, and how often Tessera's they are."""
    shape = Shape(run.arguments.events, run.arguments.customers, run.arguments.days)
    warehouse = kept_warehouse(run.warehouse, shape, seed=run.settings.seed)
    few, all_of_them = (f"{warehouse.root}/spine-{asked}" for asked in (WARMING, run.arguments.asked))
    for path, asked in ((few, WARMING), (all_of_them, run.arguments.asked)):
        made_up_spine(run.spark, shape, asked).write.format("delta").mode("overwrite").save(path)
    contenders = {"tessera": _tessera, "spark_by_hand": _spark, "duckdb": _duckdb}
    seconds, hashes = {}, {}
    for name, contender in contenders.items():
        into = f"{warehouse.root}/spine-answers-{name}"
        contender(run, warehouse, few, into)
        seconds[name] = seconds_of(partial(contender, run, warehouse, all_of_them, into))
        hashes[name] = hash_of_rows(run.spark.read.format("delta").load(into), COUNTS_AND_SUMS, ["asking"])
    if len(set(hashes.values())) > 1:
        raise DataContractError(f"the contenders differ: {hashes}.")
    others = [name for name in seconds if name != "tessera"]
    return [
        *shape.figures(),
        Figure("asked", run.arguments.asked, "instants"),
        Figure("features", len(COUNTS_AND_SUMS.features), "features"),
        Figure("rows_found_equal", hashes["tessera"][0], "rows"),
        *[Figure(f"{name}_seconds", taken, "s") for name, taken in seconds.items()],
        *[Figure(f"{name}_times_tessera", seconds[name] / seconds["tessera"], "x") for name in others],
    ]


def made_up_spine(spark: SparkSession, shape: Shape, asked: int) -> DataFrame:
    """asking (bigint), customer_id and a random instant of the second half of the days."""
    half = shape.days // 2 * MICROSECONDS_A_DAY
    start = int(FIRST_DAY.timestamp()) * 1_000_000 + half
    return spark.range(asked).select(
        F.col("id").alias("asking"),
        F.format_string("c%08d", F.pmod(F.xxhash64("id", F.lit("who")), F.lit(shape.customers))).alias("customer_id"),
        F.timestamp_micros(F.lit(start) + F.pmod(F.xxhash64("id", F.lit("when")), F.lit(half))).alias("as_of"),
    )


def _tessera(run: Run, warehouse: Warehouse, spine: str, into: str) -> None:
    events = warehouse.read(ORDERS.events_table)
    rows = folded_at(events, run.spark.read.format("delta").load(spine), COUNTS_AND_SUMS.folds, limits=run.limits)
    rows.write.format("delta").mode("overwrite").save(into)


def _spark(run: Run, warehouse: Warehouse, spine: str, into: str) -> None:
    events = warehouse.read(ORDERS.events_table).withColumnRenamed("customer_id", "who")
    asked = run.spark.read.format("delta").load(spine)
    longest = F.col("as_of") - F.expr(f"interval {24 * LONGEST} hours")
    near = (F.col("who") == F.col("customer_id")) & (F.col("event_time") < F.col("as_of"))
    pairs = asked.join(events, near & (F.col("event_time") >= longest), "left")
    rows = pairs.groupBy("asking", "customer_id", "as_of").agg(*spark_sums(COUNTS_AND_SUMS, F.col("as_of")))
    rows.write.format("delta").mode("overwrite").save(into)


def _duckdb(run: Run, warehouse: Warehouse, spine: str, into: str) -> None:
    with connected(warehouse) as connection:
        connection.from_parquet(DeltaTable(spine).file_uris()).create_view("spine")
        found = connection.sql(
            f"select asking, spine.customer_id, as_of, {duckdb_sums('as_of')} from spine left join events "
            "on events.customer_id = spine.customer_id and event_time < as_of "
            f"and event_time >= as_of - interval {24 * LONGEST} hours group by all"
        )
        write_deltalake(into, found.to_arrow_reader(1_000_000), mode="overwrite")
