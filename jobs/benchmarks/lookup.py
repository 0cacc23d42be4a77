"""How many files does the lookup of one customer open, and how long does it take, as files lie and once in order?

Made-up scores are written as scoring leaves them, by tasks that hold customers by hash, and asked; put in order as
scoring then does, and asked; and, beside it, written by ranges of ids from the start. Each reader must find the same.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
from deltalake import DeltaTable
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore.schemas import Column
from featurestore.snapshot_records import among
from featurestore.table_layout import Layout, keep_in_order, layout
from featurestore.tables import Table, Warehouse
from jobs.benchmarks.contest import Figure, Result, contest, seconds_of
from jobs.benchmarks.readers import duckdb_module
from jobs.run import Run
from jobs.score_tables import SCORES

SIZES = {"rows": 5_000_000}
DAY = date(2024, 6, 19)
LOOKUPS = 5
TASKS = 32
Reader = Callable[[Warehouse, str, str], Result]
KEY, VALUE = "customer_id", "churn_probability"


def run(run: Run) -> list[Figure]:
    """Files and seconds of a lookup in each layout, by reader; seconds to write each."""
    near = Path(run.warehouse.root) / "bench"
    near.mkdir(parents=True, exist_ok=True)
    ids = [_id(number) for number in random.Random(run.settings.seed).sample(range(run.arguments.rows), LOOKUPS)]
    file_mb = run.settings.layout.file_mb
    with TemporaryDirectory(prefix="run-", dir=near) as folder:
        warehouse = Warehouse(run.spark, folder)
        hashed = made_up_scores(run.spark, run.arguments.rows).repartition(TASKS, KEY)
        figures = [_written(warehouse, "hashed", hashed), *_asked(warehouse, "hashed", "hashed", ids)]
        seconds = seconds_of(lambda: keep_in_order(warehouse, "hashed", KEY, file_mb=file_mb, day=DAY))
        figures += [Figure("ordering_seconds", seconds, "s"), *_asked(warehouse, "hashed", "ordered", ids)]
        ranged = hashed.repartitionByRange(KEY).sortWithinPartitions(KEY)
        return [*figures, _written(warehouse, "ranged", ranged), *_asked(warehouse, "ranged", "ranged", ids)]


def made_up_scores(spark: SparkSession, rows: int) -> DataFrame:
    """So many rows of one date with all columns of the scores: values by a hash, none that is a number of anyone."""
    known = {KEY: F.format_string("c%09d", "id"), "as_of_date": F.lit(DAY)}
    columns = [known.get(one.name, _made_up(one)).cast(one.type).alias(one.name) for one in SCORES.columns]
    return spark.range(rows).select(*columns)


def _id(number: int) -> str:
    return f"c{number:09d}"


def _made_up(column: Column) -> SparkColumn:
    """A value by the column's type; lists stay NULL."""
    drawn = F.pmod(F.xxhash64("id", F.lit(column.name)), F.lit(10**9))
    kinds = {
        "double": drawn / 10**9, "int": drawn % 5 + 1, "boolean": drawn % 10 == 0,
        "string": F.concat(F.lit("kind "), (drawn % 7).cast("string")),
        "map<string,string>": F.create_map(F.lit("churn"), (drawn % 3).cast("string")),
    }  # fmt: skip
    return kinds.get(column.type, F.lit(None))


def _written(warehouse: Warehouse, name: str, rows: DataFrame) -> Figure:
    table = Table(name, SCORES.columns, SCORES.comment, SCORES.partition_by)
    return Figure(f"{name}_write_seconds", seconds_of(lambda: warehouse.replace(table, rows, where=among([DAY]))), "s")


def _asked(warehouse: Warehouse, table: str, how: str, ids: Sequence[str]) -> list[Figure]:
    """Files of the layout, how many of them a lookup opens, and seconds of one by each reader."""
    found: Layout = layout(warehouse, table, KEY, day=DAY)
    opened = statistics.mean(found.files_of(one) for one in ids)
    _, seconds = contest({read.__name__: partial(_each, read, warehouse, table, ids) for read in READERS})
    return [
        Figure(f"{how}_files", found.files, "files"), Figure(f"{how}_megabytes", found.bytes / 1e6, "MB"),
        Figure(f"{how}_files_a_lookup", opened, "files"),
        *(Figure(f"{how}_{one.name}", one.value / len(ids), "s") for one in seconds if one.unit == "s"),
    ]  # fmt: skip


def _each(read: Reader, warehouse: Warehouse, table: str, ids: Sequence[str]) -> Result:
    return [value for one in ids for value in read(warehouse, table, one)]


def spark(warehouse: Warehouse, table: str, customer: str) -> Result:
    """The customer's score of the date, by Spark."""
    rows = warehouse.read(table).where(among([DAY])).where(F.col(KEY) == customer)
    return [row[0] for row in rows.select(VALUE).collect()]


def delta_rs(warehouse: Warehouse, table: str, customer: str) -> Result:
    """The same by delta-rs and Arrow."""
    dataset = DeltaTable(warehouse.path(table)).to_pyarrow_dataset()
    asked = (pc.field("as_of_date") == DAY) & (pc.field(KEY) == customer)
    return [float(value) for value in dataset.to_table(columns=[VALUE], filter=asked)[VALUE].to_pylist()]


def duckdb(warehouse: Warehouse, table: str, customer: str) -> Result:
    """The same by DuckDB over the dataset of delta-rs."""
    with duckdb_module().connect() as connection:
        connection.register("scores", DeltaTable(warehouse.path(table)).to_pyarrow_dataset())
        asked = f"select {VALUE} from scores where as_of_date = ? and {KEY} = ?"
        return [row[0] for row in connection.execute(asked, [DAY, customer]).fetchall()]


READERS: tuple[Reader, ...] = (spark, delta_rs, duckdb)
