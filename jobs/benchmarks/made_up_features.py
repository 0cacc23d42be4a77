"""Feature rows of any number of made-up customers: every feature of the default views, each from a formula."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import Feature, Window
from featurestore.schemas import Column
from featurestore.snapshot_records import ONLY_CUSTOMERS_INDEXED, among
from featurestore.tables import Table, Warehouse
from featurestore.views import AnyFeature, FeatureSet

DAY = date(2024, 1, 1)
_LIFETIME_DAYS = 1000
_ONE_IN = 1_000_000
_UNKNOWN = 0.08
"""Share of NULL among what is no count and no sum."""


def written(warehouse: Warehouse, features: FeatureSet, customers: int, *, seed: int) -> str:
    """The name of a table with so many rows of the whole set at `DAY`, made unless it is there."""
    columns = [Column("customer_id", "string", "Customer"), Column("as_of_date", "date", "Midnight UTC")]
    columns += [Column(one.name, one.type, one.description) for one in features.features]
    table = Table(f"made_up_features_{customers}_{seed}", tuple(columns), "Feature rows from formulas",
                  ("as_of_date",), properties=ONLY_CUSTOMERS_INDEXED)  # fmt: skip
    if warehouse.rows_by_date(table.name) != {DAY: customers}:
        warehouse.replace(table, rows(warehouse, features, customers, seed=seed), where=among([DAY]))
    return table.name


def rows(warehouse: Warehouse, features: FeatureSet, customers: int, *, seed: int) -> DataFrame:
    """The rows, as such a table holds them: busy customers are busy in everything."""
    values = [_value(one, seed).cast(one.type).alias(one.name) for one in features.features]
    busy = F.exp(1.3 * (_share("busy", seed) + _share("busier", seed) + _share("busiest", seed) - 1.5))
    made = warehouse.spark.range(customers).withColumn("busy", busy)
    return made.select(F.format_string("c%09d", "id").alias("customer_id"), F.lit(DAY).alias("as_of_date"), *values)


def _value(one: AnyFeature, seed: int) -> SparkColumn:
    share = _share(_fold_of(one), seed)
    if one.type == "string":
        return F.element_at(F.array(*map(F.lit, ("Champions", "Loyal", "At Risk", "Lost"))), _ceil(share * 4))
    if one.type == "boolean":
        return share < 0.3
    if one.name in ("r_score", "f_score", "m_score"):
        return _ceil(share * 5)
    level = -F.log(share) * F.col("busy") * _part_of_a_year(one)
    if one.type in ("bigint", "int"):
        return F.floor(level * 4)
    if one.type.startswith("decimal"):
        return F.round(level * 300 - 5, 2)
    return F.when(_share(f"known {one.name}", seed) > _UNKNOWN, F.round(-F.log(share) * 40 / F.col("busy"), 6))


def _fold_of(one: AnyFeature) -> str:
    """A feature without its window: what is counted over 90 days is no more than over a year."""
    return one.name.removesuffix(f"_{one.window.name}") if isinstance(one, Feature) else one.name


def _part_of_a_year(one: AnyFeature) -> float:
    window = one.window if isinstance(one, Feature) else Window(365)
    return (window.days or _LIFETIME_DAYS) / 365


def _share(what: str, seed: int) -> SparkColumn:
    """Uniform above 0 and below 1, by customer and `what`."""
    return (F.pmod(F.xxhash64("id", F.lit(what), F.lit(seed)), F.lit(_ONE_IN)) + 0.5) / _ONE_IN


def _ceil(value: SparkColumn) -> SparkColumn:
    return F.ceil(value).cast("int")
