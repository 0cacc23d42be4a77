"""Raw rows of an input: text stays text, each row keeps itself as it came, broken rows are marked.

Every reader returns the raw columns and two more: `_raw` (string: the record as it came) and
`_malformed` (boolean: it has not the fields that its header promises).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from delta.exceptions import DeltaConcurrentModificationException
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError, DataContractError, TesseraError, did_you_mean
from featurestore.expressions import columns_of
from featurestore.source_config import SourceConfig

RAW, MALFORMED = "_raw", "_malformed"
CORRUPT = "_corrupt_record"
CSV_OPTIONS = {"sep": ",", "quote": '"', "escape": '"', "encoding": "UTF-8", "multiLine": "false"}
SAMPLED_LINES = 10_000
COMPRESSED = (".gz", ".bz2", ".zst", ".lz4", ".snappy", ".deflate")


def input_files(spark: SparkSession, config: SourceConfig, path: str) -> list[str]:
    """The URIs of the data files that an input holds (of a Delta table: of its newest version), sorted.

    Raises ConfigurationError where the path does not exist (a mistyped argument, with near names), and
    DataContractError where it holds no file.
    """
    with readable(path):
        if config.format in ("parquet", "delta"):
            files = spark.read.format(config.format).load(path).inputFiles()
        else:
            files = spark.read.text(path).inputFiles()
    if not files:
        raise DataContractError(f"{path} holds no data file.")
    return sorted(files)


def raw_rows(spark: SparkSession, config: SourceConfig, path: str, *, files: Iterable[str]) -> DataFrame:
    """All rows of the input; a compressed file, which one task must unpack, is spread over all tasks.

    Raises DataContractError.missing_columns where the input lacks a raw column that the mapping reads.
    """
    with readable(path):
        spread = any(file.endswith(COMPRESSED) for file in files)
        return _READERS[config.format](_Input(spark, config, path, spread))


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turns what Spark says about an input that cannot be read or mapped into our own errors."""
    try:
        yield
    except (TesseraError, DeltaConcurrentModificationException):
        raise
    except PySparkException as error:
        raise _explained(error, path) from error


def _explained(error: PySparkException, path: str) -> Exception:
    condition, text = error.getCondition() or "", str(error)
    if condition in ("PATH_NOT_FOUND", "DELTA_TABLE_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST"):
        return _no_such_input(path)
    if condition in ("UNABLE_TO_INFER_SCHEMA", "DELTA_MISSING_DELTA_TABLE") or "is not a Delta table" in text:
        return DataContractError(f"{path} holds no rows of the configured format: {_first_line(text)}")
    if "CSV header does not conform" in text or "header" in text and "CSV" in text and "schema" in text:
        return DataContractError(f"the files of {path} have different headers.\n  {_first_line(text)}")
    if re.search(r"CAST_INVALID_INPUT|CAST_OVERFLOW|DIVIDE_BY_ZERO|ARITHMETIC_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE",
                 condition + text):
        return DataContractError(
            f"a configured expression fails on a value of {path}: {_first_line(text)}\n"
            f"  Use try_divide, try_multiply, try_add or try_cast, so that the row is quarantined instead."
        )
    if isinstance(error, AnalysisException):
        return ConfigurationError(f"a configured expression does not fit {path}: {_first_line(text)}")
    return DataContractError(f"{path} cannot be read: {_cause(text)}")


def _no_such_input(path: str) -> ConfigurationError:
    folder = Path(path).parent
    near = did_you_mean(Path(path).name, [entry.name for entry in folder.iterdir()]) if folder.is_dir() else ""
    return ConfigurationError(f"--input {path} does not exist. {near}".rstrip())


def _csv(of: _Input) -> DataFrame:
    options = {**CSV_OPTIONS, **{name: _option(value) for name, value in config.options.items()}}
    reader = spark.read.options(**options).option("header", True)
    names = reader.csv(path).columns
    if not names:
        raise DataContractError(f"{path} is empty: a header line with the column names was expected.")
    _require(config.raw_columns, names, where=path)
    schema = ", ".join(f"{_quoted(name)} string" for name in [*names, CORRUPT])
    # Every file's header is checked against the first one's; with pruning on, Spark does not count fields.
    rows = reader.options(enforceSchema=False, columnPruning=False, mode="PERMISSIVE",
                          columnNameOfCorruptRecord=CORRUPT).schema(schema).csv(path)
    broken = F.col(CORRUPT)
    return rows.select(
        *[_quoted(name) for name in names],
        F.coalesce(broken, F.to_json(F.struct(*[_quoted(name) for name in names]))).alias(RAW),
        broken.isNotNull().alias(MALFORMED),
    )


def _json(of: _Input) -> DataFrame:
    lines = _lines(spark, config, path)
    fields = F.from_json("value", "map<string,string>")
    names = sorted(config.raw_columns)
    found = lines.limit(SAMPLED_LINES).select(F.explode(F.map_keys(fields)).alias("name")).distinct()
    # Bounded: the distinct keys of a sample, cut off at a thousand; only what is required must be there.
    keys = [row["name"] for row in found.limit(1000).collect()]
    _require(_required_columns(config), keys, where=f"{path} (its first {SAMPLED_LINES:,} lines)")
    parsed = lines.select(F.col("value").alias(RAW), fields.alias("_fields"))
    return parsed.select(
        *[F.col("_fields").getItem(name).alias(name) for name in names],
        RAW,
        F.col("_fields").isNull().alias(MALFORMED),
    )


def _text(of: _Input) -> DataFrame:
    lines = _lines(spark, config, path)
    if config.ignore_lines is not None:
        lines = lines.where(~F.col("value").rlike(f"^(?:{config.ignore_lines})$"))
    groups = re.compile(config.pattern or "").groupindex
    # Java names groups (?<name>...) and extracts them by number, so the names are dropped here.
    pattern = re.sub(r"\(\?P<\w+>", "(", f"^(?:{config.pattern})$")
    fits = F.col("value").rlike(pattern)
    return lines.select(
        *[F.when(fits, F.regexp_extract("value", pattern, number)).alias(name) for name, number in groups.items()],
        F.col("value").alias(RAW),
        (~fits).alias(MALFORMED),
    )


def _lines(of: _Input) -> DataFrame:
    """The lines that are not blank."""
    options = {name: _option(value) for name, value in config.options.items()}
    return spark.read.options(**options).text(path).where(F.trim("value") != "")


def _typed(of: _Input) -> DataFrame:
    rows = spark.read.format(config.format).load(path)
    _require(config.raw_columns, rows.columns, where=path)
    names = [_quoted(name) for name in rows.columns]
    return rows.select(*names, F.to_json(F.struct(*names)).alias(RAW), F.lit(False).alias(MALFORMED))


_READERS = {"csv": _csv, "json": _json, "text": _text, "parquet": _typed, "delta": _typed}


def _require(needed: Iterable[str], found: Iterable[str], *, where: str) -> None:
    columns = list(found)
    missing = sorted(set(needed) - set(columns))
    if missing:
        raise DataContractError.missing_columns(missing, found=columns, where=where)


def _required_columns(config: SourceConfig) -> frozenset[str]:
    """Raw columns behind the canonical ones that no event may lack, in a source of one event a row."""
    if len(config.mappings) > 1:
        return frozenset()
    needed = [column.name for column in config.shape.content if column.required]
    columns: Mapping[str, str] = config.mappings[0].columns
    return frozenset().union(*(columns_of(columns[name], where=name) for name in needed))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _option(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0]


def _cause(text: str) -> str:
    """The deepest cause that a Spark failure names, else its first line."""
    causes = re.findall(r"^Caused by: (.+)$", text, flags=re.MULTILINE)
    return causes[-1] if causes else _first_line(text)
