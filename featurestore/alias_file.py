"""A file of aliases: how it is read, and what is wrong with its rows by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from deltalake import DeltaTable as DeltaLog
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError, DataContractError
from featurestore.events import EARLIEST, FURTHEST_FUTURE, REASONS
from featurestore.expectations import Rule, reasons
from featurestore.fold import CUSTOMER
from featurestore.identity import ACCEPTED, DUPLICATE, QUARANTINED, STATUS
from featurestore.persons import ALIAS
from featurestore.reading import COMPRESSED, MALFORMED, RAW, raw_rows
from featurestore.spine_fold import KNOWN

TEXT_OR_WHOLE = ("string", "tinyint", "smallint", "int", "bigint")
TEXT_OR_TIME = ("string", "date", "timestamp", "timestamp_ntz")
SEVERAL = "alias_of_several_customers"


@dataclass(frozen=True)
class AliasFile:
    """Columns alias_id and customer_id, and known_at if it is there; CSV, Parquet or a Delta table."""

    format: str
    options: Mapping[str, str | bool] = field(default_factory=dict)
    pattern: str | None = None
    ignore_lines: str | None = None
    only: str | None = None
    raw_columns: frozenset[str] = frozenset({ALIAS, CUSTOMER})

    @property
    def required_raw_columns(self) -> frozenset[str]:
        return self.raw_columns


def alias_file(path: str) -> AliasFile:
    """How the input at `path` is read, by the end of its name.

    >>> alias_file("merged/2024-05.csv.gz").format, alias_file("aliases.parquet").format
    ('csv', 'parquet')

    Raises ConfigurationError for any other name that is not a Delta table.
    """
    name = PurePosixPath(path).name.lower()
    for packed in COMPRESSED:
        name = name.removesuffix(packed)
    kind = name.rpartition(".")[2]
    if kind in ("csv", "parquet"):
        return AliasFile(kind)
    if not Path(path).is_file() and DeltaLog.is_deltatable(path):  # it walks a file as if it were a folder, and fails
        return AliasFile("delta")
    raise ConfigurationError(
        f"--aliases {path}: expected a name that ends in .csv (compressed or not) or .parquet, or a Delta table, with "
        f"the columns {ALIAS}, {CUSTOMER} and, if you know it, {KNOWN}."
    )


def declared_aliases(
    spark: SparkSession, layout: AliasFile, path: str, *, files: list[str], ingested_at: datetime
) -> DataFrame:
    """The rows of an alias file: alias_id, customer_id, known_at (timestamp), raw, row_id, reasons, status.

    Ids are kept as they are spelled. An alias of several customers is set aside in all its rows, since nobody can
    tell which is meant; the same alias told again is a duplicate of the row that was known first. Raises
    DataContractError for columns of other types.
    """
    raw = raw_rows(spark, layout, path, files=files, where=path).rows
    kinds = dict(raw.dtypes)
    expected = {ALIAS: TEXT_OR_WHOLE, CUSTOMER: TEXT_OR_WHOLE, KNOWN: TEXT_OR_TIME}
    odd = [f"'{name}' is {kinds[name]}" for name, fit in expected.items() if name in kinds and kinds[name] not in fit]
    if odd:
        raise DataContractError(
            f"{path}: {', '.join(odd)}.\n"
            f"  Ids are text (or whole numbers), as the events spell them; {KNOWN} is text, a date or a timestamp."
        )
    given = F.trim(F.col(KNOWN).cast("string")) if KNOWN in raw.columns else F.lit(None).cast("string")
    known = F.expr(f"try_cast({KNOWN} as timestamp)") if KNOWN in raw.columns else F.lit(None).cast("timestamp")
    rows = raw.select(F.col(RAW).alias("raw"), MALFORMED, _id(ALIAS), _id(CUSTOMER), given.alias("_given"),
                      known.alias(KNOWN))  # fmt: skip
    rows = rows.withColumn(REASONS, _reasons(ingested_at)).withColumn(KNOWN, F.coalesce(KNOWN, F.lit(ingested_at)))
    return _judged_together(rows).drop(MALFORMED, "_given")


def _id(name: str) -> SparkColumn:
    text = F.col(name).cast("string")
    return F.when(F.trim(text) != "", text).alias(name)


def _reasons(ingested_at: datetime) -> SparkColumn:
    rules = [
        Rule(f"{ALIAS}_missing", F.col(ALIAS).isNull()),
        Rule(f"{CUSTOMER}_missing", F.col(CUSTOMER).isNull()),
        Rule("alias_of_itself", F.col(ALIAS) == F.col(CUSTOMER)),
        Rule("known_at_unparsable", (F.col("_given") != "") & F.col(KNOWN).isNull()),
        Rule("known_before_1900", F.col(KNOWN) < F.lit(EARLIEST)),
        Rule("known_in_the_future", F.col(KNOWN) > F.lit(ingested_at + FURTHEST_FUTURE)),
    ]
    return F.when(F.col(MALFORMED), F.array(F.lit("malformed_row"))).otherwise(reasons(rules))


def _judged_together(rows: DataFrame) -> DataFrame:
    """With `row_id` and `status`, and reasons that only several rows give."""
    clean = F.size(REASONS) == 0
    of_alias = Window.partitionBy(clean, F.when(clean, F.col(ALIAS)).otherwise(F.col("raw")))
    alike = Window.partitionBy("raw").orderBy(F.lit(0))
    counted = rows.withColumns({
        "_least": F.min(F.when(clean, F.col(CUSTOMER))).over(of_alias),
        "_most": F.max(F.when(clean, F.col(CUSTOMER))).over(of_alias),
        "_place": F.row_number().over(of_alias.orderBy(F.col(KNOWN), "raw")),
        "row_id": F.sha2(F.concat_ws("#", "raw", F.row_number().over(alike)), 256),
    })  # fmt: skip
    several = clean & (F.col("_least") != F.col("_most"))
    status = F.when(~clean | several, QUARANTINED).when(F.col("_place") == 1, ACCEPTED).otherwise(DUPLICATE)
    why = F.when(several, F.array(F.lit(SEVERAL))).otherwise(F.col(REASONS))
    return counted.withColumn(STATUS, status).withColumn(REASONS, why).drop("_least", "_most", "_place")
