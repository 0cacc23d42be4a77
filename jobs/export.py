"""Write rows of a score table to one file for people who have no Spark: CSV for spreadsheets, or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from featurestore.errors import ConfigurationError, EnvironmentProblem
from featurestore.queries import only_reading
from jobs.asked_queries import asked_query
from jobs.run import Run

ROWS_AT_A_TIME = 10_000
"""Rows that the driver holds; Spark hands them over partition by partition."""
VIEW = "exported"
DOES_NOT_FIT = "--where or --order-by does not fit the table"
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked, target = run.arguments, Path(run.arguments.to).absolute()
    refuse_target(target, overwrite=asked.overwrite)
    table = run.warehouse.read(asked.table, make_with="score")
    rows = chosen(table, query_of(table.columns, columns=asked.columns, where=asked.where, order_by=asked.order_by,
                                  limit=asked.limit))  # fmt: skip
    with run.step("export") as step, whole_file(target, run_id=run.run_id, overwrite=asked.overwrite) as unfinished:
        with asked_query(run.spark, DOES_NOT_FIT):
            written = (write_csv if target.suffix == ".csv" else write_parquet)(rows, unfinished)
        step.results.update(rows=written, file=str(target))


def query_of(known: list[str], *, columns: list[str] | None, where: str | None, order_by: str | None,
             limit: int | None) -> str:  # fmt: skip
    """The question as SQL over the view of the table; ConfigurationError for an unknown column or what is no condition.

    >>> query_of(["id", "a"], columns=None, where="a > 1", order_by="a desc", limit=2)
    'select `id`, `a` from exported where (a > 1) order by a desc limit 2'
    """
    for name in columns or ():
        if name not in known:
            raise ConfigurationError.unknown_name("column", name, known=known, where="--columns")
    words = ["select", ", ".join(f"`{name}`" for name in columns or known), f"from {VIEW}"]
    words += ["where", f"({where})"] if where else []
    words += ["order by", order_by or f"`{known[0]}`"] + (["limit", str(limit)] if limit else [])
    return only_reading(" ".join(words))


def chosen(table: DataFrame, query: str) -> DataFrame:
    """What the query finds in the table; ConfigurationError where it names what is not there."""
    table.createOrReplaceTempView(VIEW)
    with asked_query(table.sparkSession, DOES_NOT_FIT):
        return table.sparkSession.sql(query)


def write_parquet(rows: DataFrame, file: Path) -> int:
    """Write the rows with their types; how many they were."""
    schema, written = to_arrow_schema(rows.schema), 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in _batches(rows):
            plain = [row.asDict(recursive=True) for row in batch]
            writer.write_table(pa.Table.from_pylist(plain, schema=schema))
            written += len(batch)
    return written


def write_csv(rows: DataFrame, file: Path) -> int:
    """Write a header and the rows as text in UTF-8, NULL as nothing; how many they were."""
    texts = rows.select(*(as_text(field).alias(field.name) for field in rows.schema.fields))
    written = 0
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(rows.columns)
        for batch in _batches(texts):
            writer.writerows(batch)
            written += len(batch)
    return written


def as_text(field: T.StructField) -> Column:
    """A column as a cell: lists by their items, reasons by their texts, maps and structs as JSON; no formula."""
    value, kind = F.col(f"`{field.name}`"), field.dataType
    if isinstance(kind, T.ArrayType):
        inner = kind.elementType
        if isinstance(inner, T.StructType):
            value = F.transform(value, lambda one: one["text"] if "text" in inner.names else F.to_json(one))
        return _harmless(F.array_join(value.cast("array<string>"), "; "))
    if isinstance(kind, (T.MapType, T.StructType)):
        return F.to_json(value)
    return _harmless(value) if isinstance(kind, T.StringType) else value.cast("string")


def _harmless(text: Column) -> Column:
    """Spreadsheets run a cell that begins so as a formula, even if it is quoted."""
    return F.when(F.left(text, F.lit(1)).isin(*BEGINS_A_FORMULA), F.concat(F.lit("'"), text)).otherwise(text)


def _batches(rows: DataFrame) -> Iterator[list[Row]]:
    streamed: Iterable[Row] = rows.toLocalIterator()
    walked = iter(streamed)
    while batch := list(islice(walked, ROWS_AT_A_TIME)):
        yield batch


def refuse_target(target: Path, *, overwrite: bool) -> None:
    """ConfigurationError for a file that is there, EnvironmentProblem for a folder that is not."""
    if target.exists() and not overwrite:
        raise ConfigurationError(f"--to {target}: the file is there already. Give another name, or add --overwrite.")
    if target.is_dir() or not target.parent.is_dir():
        raise EnvironmentProblem(f"--to {target}: no file can be written there. Give a file in a folder that exists.")


@contextmanager
def whole_file(target: Path, *, run_id: str, overwrite: bool) -> Iterator[Path]:
    """A file beside the target that takes its place once all is written; nothing of it stays after a failure."""
    unfinished = target.with_name(f".{target.name}.{run_id}")
    try:
        yield unfinished
        refuse_target(target, overwrite=overwrite)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
