"""What segments hold and how customers move between them: a few rows a date, whatever the customers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.segments.assign import BEHAVIOUR, CLUSTER, PERSONA, RFM
from models.segments.measures import DIGITS, MEASURES, ORDER_VALUE
from models.training_rows import CUSTOMER

SCHEMES: Mapping[str, str] = MappingProxyType({"rfm": RFM, "cluster": CLUSTER, "behavioural": BEHAVIOUR})
NONE, ABSENT = "(none)", "(absent)"
"""A customer without a segment of the scheme, and one who is not in a date's table at all."""


def profiles(assigned: DataFrame) -> DataFrame:
    """scheme, segment, persona, customers, share and the means of the measures, by scheme and segment.

    A mean is NULL where no customer of the segment has an order; shares of a scheme add up to 1.
    """
    schemes = [
        F.struct(F.lit(scheme).alias("scheme"), _segment(F.col(name)).alias("segment"),
                 (F.col(PERSONA) if name == CLUSTER else F.lit(None).cast("string")).alias("persona"))
        for scheme, name in SCHEMES.items()
    ]  # fmt: skip
    long = assigned.select(*MEASURES, F.explode(F.array(*schemes)).alias("of")).select(*MEASURES, "of.*")
    means = [F.round(F.avg(name), DIGITS).alias(f"mean_{name}") for name in MEASURES]
    counted = long.groupBy("scheme", "segment", "persona").agg(F.count("*").alias("customers"), *means)
    totals = counted.groupBy("scheme").agg(F.sum("customers").alias("total"))
    shares = counted.join(F.broadcast(totals), "scheme")  # a row a scheme
    return shares.withColumn("share", F.col("customers") / F.col("total")).drop("total")


def flows(before: DataFrame, after: DataFrame, schemes: Mapping[str, str] = SCHEMES) -> DataFrame:
    """scheme, from_segment, to_segment, customers: how those of one date stand at another.

    Both hold customer_id and the columns that `schemes` gives names to. Customers of only one date come from, or go to,
    `(absent)`.
    """
    there = before.select(CUSTOMER, F.lit(True).alias("was"), *_renamed("from", schemes))
    here = after.select(CUSTOMER, F.lit(True).alias("is"), *_renamed("to", schemes))
    both = there.join(here, CUSTOMER, "full")
    moves = [
        F.struct(F.lit(scheme).alias("scheme"),
                 F.when(F.col("was"), _segment(F.col(f"from_{scheme}"))).otherwise(ABSENT).alias("from_segment"),
                 F.when(F.col("is"), _segment(F.col(f"to_{scheme}"))).otherwise(ABSENT).alias("to_segment"))
        for scheme in schemes
    ]  # fmt: skip
    long = both.select(F.explode(F.array(*moves)).alias("move")).select("move.*")
    return long.groupBy("scheme", "from_segment", "to_segment").agg(F.count("*").alias("customers"))


def _segment(of: Column) -> Column:
    return F.coalesce(of.cast("string"), F.lit(NONE))


def _renamed(way: str, schemes: Mapping[str, str]) -> list[Column]:
    return [F.col(name).alias(f"{way}_{scheme}") for scheme, name in schemes.items()]


def rfm_cells(snapshot: DataFrame) -> DataFrame:
    """r_score, fm_score (mean of f_score and m_score, half up), rfm_segment, customers, their mean order value."""
    mean = F.floor((F.col("f_score") + F.col("m_score") + F.lit(1)) / 2).cast("int").alias("fm_score")
    recent, value = F.col("r_score").cast("int").alias("r_score"), F.col(ORDER_VALUE).alias("value")
    rows = snapshot.where(F.col(RFM).isNotNull()).select(recent, mean, RFM, value)
    counted = rows.groupBy("r_score", "fm_score", RFM)
    return counted.agg(F.count("*").alias("customers"), F.avg("value").alias("mean_value"))
