"""Raw rows of an input: text stays text, each row keeps itself as it came, broken rows are marked.

Every reader returns the raw columns and two more: `_raw` (string: the record as it came) and
`_malformed` (boolean: it has not the fields that its header promises). Beside the rows it says which columns the
input has, those too that no mapping reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.input_errors import readable

RAW, MALFORMED = "_raw", "_malformed"
CORRUPT = "_corrupt_record"
CSV_OPTIONS = {"sep": ",", "quote": '"', "escape": '"', "encoding": "UTF-8", "multiLine": "false"}
SAMPLED_LINES = 10_000
MOST_KINDS = 4_000
TEXT = "string"
JSON_KINDS = {"BIGINT": "number", "DECIMAL": "number", "DOUBLE": "number", "VOID": ""}
STORED_AS = {"jdbc": "parquet"}
"""The rows of a table are read from where they have landed (landing.py)."""
COMPRESSED = (".gz", ".bz2", ".zst", ".lz4", ".snappy", ".deflate")


class Layout(Protocol):
    """What must be known to read an input: a source's configuration, or the fixed one of an alias file."""

    @property
    def format(self) -> str: ...

    @property
    def options(self) -> Mapping[str, str | bool]: ...

    @property
    def pattern(self) -> str | None: ...

    @property
    def ignore_lines(self) -> str | None: ...

    @property
    def only(self) -> str | None: ...

    @property
    def raw_columns(self) -> frozenset[str]: ...

    @property
    def required_raw_columns(self) -> frozenset[str]: ...


def input_files(spark: SparkSession, config: Layout, path: str) -> list[str]:
    """The URIs of the data files that an input holds (of a Delta table: of its newest version), sorted.

    Raises ConfigurationError where the path does not exist (a mistyped argument, with near names), and
    DataContractError where it holds no file.
    """
    with readable(path):
        # Of other formats the files alone are listed: one that is broken must not hide the others.
        reader = spark.read.format("delta" if config.format == "delta" else "text")
        files = reader.load(path).inputFiles()
    if not files:
        raise DataContractError(f"{path} holds no data file.")
    return sorted(files)


@dataclass(frozen=True)
class RawRows:
    """The rows of an input, and the columns that it has with their types (string for text, kinds of JSON values)."""

    rows: DataFrame
    columns: dict[str, str]


def raw_rows(
    spark: SparkSession, config: Layout, path: str | list[str], *, files: Iterable[str], where: str,
    base: str | None = None,
) -> RawRows:  # fmt: skip
    """All rows of the input that are this source's; a compressed file, which one task must unpack, is spread over all
    tasks. Messages call it `where`; single files are read as parts of the folder `base`.

    Raises DataContractError.missing_columns where the input lacks a raw column that the mapping reads.
    """
    with readable(where):
        spread = any(file.endswith(COMPRESSED) for file in files)
        found = _READERS[config.format](_Input(spark, config, path, spread, where, base))
        if config.only is None:
            return found
        return replace(found, rows=found.rows.where(F.col(MALFORMED) | F.expr(f"({config.only})")))


@dataclass(frozen=True)
class _Input:
    """Where and how to read; `spread` says that one task must unpack what all tasks should share."""

    spark: SparkSession
    config: Layout
    path: str | list[str]
    spread: bool
    where: str
    base: str | None

    def reader(self, **defaults: str) -> DataFrameReader:
        given = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in self.config.options.items()
        }
        reader = self.spark.read.options(**{**defaults, **given})
        return reader if self.base is None else reader.option("basePath", self.base)

    def shared(self, rows: DataFrame) -> DataFrame:
        if not self.spread:
            return rows
        tasks = int(self.spark.conf.get("spark.sql.shuffle.partitions") or 1)
        return rows.repartition(tasks, F.xxhash64(*[_quoted(name) for name in rows.columns]))


def _csv(of: _Input) -> RawRows:
    reader = of.reader(**CSV_OPTIONS).option("header", True)
    names = reader.csv(of.path).columns
    if not names:
        raise DataContractError(f"{of.where} is empty: a header line with the column names was expected.")
    _require(of.config.raw_columns, names, where=of.where)
    schema = ", ".join(f"{_quoted(name)} string" for name in [*names, CORRUPT])
    # Every file's header is checked against the first one's; with pruning on, Spark does not count fields.
    rows = (
        reader.options(enforceSchema=False, columnPruning=False, mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT)
        .schema(schema)
        .csv(of.path)
    )
    broken = F.col(CORRUPT)
    given = of.shared(rows).select(
        *[_quoted(name) for name in names],
        F.coalesce(broken, F.to_json(F.struct(*[_quoted(name) for name in names]))).alias(RAW),
        broken.isNotNull().alias(MALFORMED),
    )
    return RawRows(given, dict.fromkeys(names, TEXT))


def _json(of: _Input) -> RawRows:
    lines = _lines(of)
    kinds = _kinds_of_values(lines.limit(SAMPLED_LINES))
    _require(of.config.required_raw_columns, kinds, where=f"{of.where} (its first {SAMPLED_LINES:,} lines)")
    parsed = lines.select(F.col("value").alias(RAW), F.from_json("value", "map<string,string>").alias("_fields"))
    given = parsed.select(
        *[F.col("_fields").getItem(name).alias(name) for name in sorted(of.config.raw_columns)],
        RAW,
        F.col("_fields").isNull().alias(MALFORMED),
    )
    return RawRows(given, kinds)


def _kinds_of_values(lines: DataFrame) -> dict[str, str]:
    """The keys of JSON lines, with the kinds of values that each has: "number", "number or string", "" for null."""
    values = lines.select(F.explode(F.from_json("value", "map<string,variant>")).alias("name", "value"))
    shown = values.select("name", F.regexp_extract(F.schema_of_variant("value"), "^[A-Z]+", 0).alias("type")).distinct()
    found: dict[str, set[str]] = {}
    for row in shown.limit(MOST_KINDS).collect():  # bounded by the limit: keys of a sample, times the types of JSON
        found.setdefault(row["name"], set()).add(JSON_KINDS.get(row["type"], row["type"].lower()))
    return {name: " or ".join(sorted(kinds - {""})) for name, kinds in sorted(found.items())}


def _text(of: _Input) -> RawRows:
    lines = _lines(of)
    if of.config.ignore_lines is not None:
        lines = lines.where(~F.col("value").rlike(f"^(?:{of.config.ignore_lines})$"))
    groups = re.compile(of.config.pattern or "").groupindex
    # Java names groups (?<name>...) and extracts them by number, so the names are dropped here.
    pattern = re.sub(r"\(\?P<\w+>", "(", f"^(?:{of.config.pattern})$")
    fits = F.col("value").rlike(pattern)
    given = lines.select(
        *[F.when(fits, F.regexp_extract("value", pattern, number)).alias(name) for name, number in groups.items()],
        F.col("value").alias(RAW),
        (~fits).alias(MALFORMED),
    )
    return RawRows(given, dict.fromkeys(groups, TEXT))


def _lines(of: _Input) -> DataFrame:
    """The lines that are not blank."""
    return of.shared(of.reader().text(of.path).where(F.trim("value") != ""))


def _typed(of: _Input) -> RawRows:
    # The columns of all files, not of whichever is looked at first.
    reader = of.reader(**({"mergeSchema": "true"} if of.config.format == "parquet" else {}))
    rows = of.shared(reader.format(STORED_AS.get(of.config.format, of.config.format)).load(of.path))
    _require(of.config.raw_columns, rows.columns, where=of.where)
    names = [_quoted(name) for name in rows.columns]
    given = rows.select(*names, F.to_json(F.struct(*names)).alias(RAW), F.lit(False).alias(MALFORMED))
    return RawRows(given, dict(rows.dtypes))


_READERS = {"csv": _csv, "json": _json, "text": _text, "parquet": _typed, "delta": _typed, "jdbc": _typed}


def _require(needed: Iterable[str], found: Iterable[str], *, where: str) -> None:
    columns = list(found)
    missing = sorted(set(needed) - set(columns))
    if missing:
        raise DataContractError.missing_columns(missing, found=columns, where=where)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
