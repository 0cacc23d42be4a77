"""What people ask of scores first: whom to keep, what each segment holds, how each score is spread.

Frame to frame. Every sum is one of whole numbers and every quantile one of counts in fixed bins, so that no order of
rows and no number of partitions changes a digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from models.publication.portrait import AMOUNTS, PROBABILITIES
from models.segments.counts import NONE

CHANCES = (*PROBABILITIES, "confidence")
QUANTITIES = (*AMOUNTS, "expected_net_value")
SCHEMES = ("lifecycle", "churn_risk_level", "rfm_segment", "behavior_segment", "persona")
"""The columns that are summed up, in the order of the tables; those that a table of scores has not are left out."""
RISK, SPEND, YEAR = "churn_risk_level", "expected_spend_90d", "clv_12m"
AT_RISK = ("CRITICAL", "HIGH")
TENTHS = range(1, 10)

EDGES_OF_A_CHANCE = tuple(at / 20 for at in range(21))
EDGES_OF_AN_AMOUNT = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1e5)
PARTS_OF_A_CHANCE, PARTS_OF_AN_AMOUNT = 10**9, 10**4
"""Sums count billionths of a probability and ten-thousandths of an amount; one that a bigint cannot hold raises."""
FINE_BINS = 1_000
GROWTH, LEAST_AMOUNT = 1.01, 0.01


def present(wanted: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Those of `wanted` that are among `columns`, in their own order.

    >>> present(QUANTITIES, ["clv_12m", "expected_spend_90d"])
    ('expected_spend_90d', 'clv_12m')
    """
    return tuple(name for name in wanted if name in columns)


def at_risk(latest: DataFrame) -> DataFrame:
    """The rows of risk HIGH and CRITICAL with `value` and `value_from`, the column that it is taken from.

    The value is next year's where it is known, else that of the next 90 days; NULL where neither is.
    """
    known = present((YEAR, SPEND), latest.columns)
    chosen = F.coalesce(*(F.when(F.col(name).isNotNull(), F.lit(name)) for name in known))
    rows = latest.where(F.col(RISK).isin(*AT_RISK))
    return rows.withColumns({"value": F.coalesce(*known), "value_from": chosen})


def by_segment(scores: DataFrame) -> DataFrame:
    """scheme, segment, customers, share, `mean_` of each probability, `sum_` of each amount, and what is at risk.

    `scores` is one date; customers without a segment of a scheme are `(none)`, so that each scheme has everyone.
    """
    chances, amounts = (present(of, scores.columns) for of in (CHANCES, QUANTITIES))
    schemes = [
        F.struct(F.lit(name).alias("scheme"), F.coalesce(F.col(name).cast("string"), F.lit(NONE)).alias("segment"))
        for name in present(SCHEMES, scores.columns)
    ]
    endangered = F.col(RISK).isin(*AT_RISK)
    read = dict.fromkeys([RISK, SPEND, *chances, *amounts])
    long = scores.select(*read, F.explode(F.array(*schemes)).alias("of")).select("of.*", *read)
    counted = long.groupBy("scheme", "segment").agg(
        F.count("*").alias("customers"),
        *((_sum(F.col(name), PARTS_OF_A_CHANCE) / _known(name)).alias(f"mean_{name}") for name in chances),
        *(_sum(F.col(name), PARTS_OF_AN_AMOUNT).alias(f"sum_{name}") for name in amounts),
        F.count_if(endangered).alias("customers_at_risk"),
        _sum(F.when(endangered, F.col(SPEND)), PARTS_OF_AN_AMOUNT).alias("spend_at_risk_90d"),
    )
    totals = counted.groupBy("scheme").agg(F.sum("customers").alias("total"))
    shares = counted.join(F.broadcast(totals), "scheme")  # a row a scheme
    return shares.withColumn("share", F.col("customers") / F.col("total")).drop("total")


def distributions(scores: DataFrame) -> DataFrame:
    """A row a score: score, customers, nulls, mean, least, greatest, deciles, histogram.

    One pass counts customers by score and fine bin; the rest reads those counts, some thousand rows a score. A decile
    is the upper edge of the fine bin that holds it, within the least and the greatest: off by less than .001 for
    probabilities, by 1 % or a cent for amounts. The outer bins of a histogram take what lies beyond them.
    """
    chances, amounts = (present(of, scores.columns) for of in (CHANCES, QUANTITIES))
    each = [_placed(name, is_chance=True) for name in chances] + [_placed(name, is_chance=False) for name in amounts]
    long = scores.select(F.explode(F.array(*each)).alias("one")).select("one.*")
    fine = long.groupBy("score", "edge", "bin").agg(
        F.count("*").alias("n"),
        F.sum("parts").alias("parts"),
        F.min("value").alias("low"),
        F.max("value").alias("high"),
    )
    # Partitions are one score's bins: bounded, whatever the customers.
    known = Window.partitionBy("score", F.col("edge").isNull())
    running = fine.withColumns(
        {
            "upto": F.sum("n").over(known.orderBy("edge")),
            "known": F.sum(F.when(F.col("edge").isNotNull(), F.col("n"))).over(known),
        }
    )
    is_chance = F.col("score").isin(*chances)
    whole = F.when(is_chance, PARTS_OF_A_CHANCE).otherwise(PARTS_OF_AN_AMOUNT)
    return running.groupBy("score").agg(
        F.sum("n").alias("customers"), (F.sum("n") - F.coalesce(F.max("known"), F.lit(0))).alias("nulls"),
        (F.sum("parts") / F.max(whole) / F.max("known")).alias("mean"),
        F.min("low").alias("least"), F.max("high").alias("greatest"),
        F.when(F.max("known") > 0, F.array(*map(_decile, TENTHS))).alias("deciles"),
        F.when(F.max(is_chance), _histogram(EDGES_OF_A_CHANCE))
        .otherwise(_histogram(EDGES_OF_AN_AMOUNT)).alias("histogram"),
    )  # fmt: skip


def _parts(value: Column, whole: int) -> Column:
    return F.round(value * whole).cast("bigint")


def _sum(value: Column, whole: int) -> Column:
    return F.sum(_parts(value, whole)) / F.lit(whole)


def _known(name: str) -> Column:
    return F.nullif(F.count(name), F.lit(0))


def _placed(name: str, *, is_chance: bool) -> Column:
    """Of one score: its name, the upper edge of its fine bin, the number of its coarse one, its parts, the value."""
    value = F.col(name).cast("double")
    edges, whole = (EDGES_OF_A_CHANCE, PARTS_OF_A_CHANCE) if is_chance else (EDGES_OF_AN_AMOUNT, PARTS_OF_AN_AMOUNT)
    return F.struct(
        F.lit(name).alias("score"),
        (F.ceil(value * FINE_BINS) / F.lit(FINE_BINS) if is_chance else _upper_amount(value)).alias("edge"),
        reduce(lambda at, edge: at + (value >= edge).cast("int"), edges[1:-1], F.lit(0)).alias("bin"),
        _parts(value, whole).alias("parts"),
        value.alias("value"),
    )


def _upper_amount(value: Column) -> Column:
    """The least amount times the power of `GROWTH` that is no smaller; a smaller amount to the cent."""
    power = F.ceil(F.log(F.abs(value) / LEAST_AMOUNT) / F.log(F.lit(GROWTH)))
    upper = F.signum(value) * LEAST_AMOUNT * F.pow(F.lit(GROWTH), power)
    return F.round(F.when(F.abs(value) > LEAST_AMOUNT, upper).otherwise(value), 2)


def _decile(tenth: int) -> Column:
    """The edge of the first bin up to which there is that many tenths of the customers with a score."""
    first = F.min(F.when(F.col("upto") * 10 >= F.col("known") * tenth, F.col("edge")))
    return F.least(F.greatest(first, F.min("low")), F.max("high"))


def _histogram(edges: Sequence[float]) -> Column:
    return F.array(*(
        F.struct(F.lit(low).alias("from"), F.lit(high).alias("to"),
                 F.coalesce(F.sum(F.when(F.col("bin") == at, F.col("n"))), F.lit(0)).alias("customers"))
        for at, (low, high) in enumerate(pairwise(edges))
    ))  # fmt: skip
