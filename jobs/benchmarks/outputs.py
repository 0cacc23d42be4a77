"""Whether feature tables that several engines wrote hold the same values, by a hash of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.snapshot_records import among
from featurestore.views import FeatureView

Digest = dict[date, tuple[int, Decimal]]


def hash_of_rows(rows: DataFrame, view: FeatureView, keys: Sequence[str]) -> tuple[int, Decimal]:
    """How many rows there are, and the sum of their hashes over `keys` and the features, each as its declared type."""
    values = [F.col(feature.name).cast(feature.type) for feature in view.features]
    found = rows.select(F.xxhash64(*keys, *values).cast("decimal(38,0)").alias("h")).agg(F.count("*"), F.sum("h"))
    count, total = found.first() or (0, None)
    return count, total or Decimal(0)


def digest(spark: SparkSession, path: str, view: FeatureView, days: Sequence[date]) -> Digest:
    """By date, the rows and the sum of their hashes over all columns, each as its declared type."""
    values = [F.col(feature.name).cast(feature.type) for feature in view.features]
    rows = spark.read.format("delta").load(path).where(among(days))
    hashed = rows.select(
        "as_of_date", F.xxhash64("customer_id", "as_of_date", *values).cast("decimal(38,0)").alias("h")
    )
    found = hashed.groupBy("as_of_date").agg(F.count("*"), F.sum("h")).collect()  # as many rows as dates
    return {row[0]: (row[1], row[2]) for row in found}


def refuse_differences(spark: SparkSession, paths: Mapping[str, str], view: FeatureView, days: Sequence[date]) -> int:
    """The rows that all tables hold equal at `days`; DataContractError where two differ."""
    digests = {name: digest(spark, path, view, days) for name, path in paths.items()}
    (first, expected), *others = digests.items()
    for name, found in others:
        if found != expected:
            differing = sorted(day for day in expected.keys() | found.keys() if expected.get(day) != found.get(day))
            raise DataContractError(f"{name} and {first} differ at {differing[0]} and {len(differing) - 1} more dates.")
    return sum(rows for rows, _ in expected.values())
