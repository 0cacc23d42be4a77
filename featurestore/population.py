"""Scores among all customers of a snapshot: exact cut points, stored, and the scores they give."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from featurestore.definitions import Cell, Ranked
from featurestore.schemas import Column
from featurestore.tables import Table

FIFTHS = (1, 2, 3, 4)


def population_table(view: str) -> Table:
    """Declaration of `population_<view>`."""
    return Table(
        f"population_{view}",
        (
            Column("as_of_date", "date", "Snapshot whose customers were ranked"),
            Column("feature", "string", "Feature that was ranked"),
            Column("cutpoints", "array<double>", "Exact discrete quantiles at 20, 40, 60 and 80 %, ascending"),
            Column("n", "bigint", "Customers with a value"),
        ),
        comment=f"Cut points of the population-ranked features of view {view}",
    )


def cut_points(snapshots: DataFrame, ranked: Sequence[Ranked]) -> DataFrame:
    """as_of_date, feature, cutpoints, n for each date and ranked feature of `snapshots`.

    The cut at q is the smallest value with at least q of the customers at or below it (the discrete
    quantile), found by sorting: a sort spills to disk, a histogram of all values in one task does not.
    """
    pairs = [
        F.struct(F.lit(r.feature).alias("feature"), F.col(r.feature).cast("double").alias("value")) for r in ranked
    ]
    values = (
        snapshots.select("as_of_date", F.explode(F.array(*pairs)).alias("pair")).select("as_of_date", "pair.*").dropna()
    )
    keys = ("as_of_date", "feature")
    counts = values.groupBy(*keys).agg(F.count("*").alias("n"))
    ordered = values.withColumn("place", F.row_number().over(Window.partitionBy(*keys).orderBy("value")))
    cuts = [F.ceil(F.col("n") * F.lit(k) / F.lit(len(FIFTHS) + 1)) for k in FIFTHS]
    at_cut = ordered.join(F.broadcast(counts), [*keys]).where(F.col("place").isin(*cuts))
    # One row may be several cuts at once when there are fewer customers than cut points.
    repeated = F.array_repeat("value", sum((F.col("place") == cut).cast("int") for cut in cuts))
    grouped = at_cut.groupBy(*keys, "n").agg(F.array_sort(F.flatten(F.collect_list(repeated))).alias("cutpoints"))
    return grouped.select(*population_table("").column_names)


def with_scores(snapshots: DataFrame, cuts: DataFrame, *, ranked: Sequence[Ranked]) -> DataFrame:
    """`snapshots` with a column per ranked feature; `cuts` as from `cut_points` (a few rows per date)."""
    wide = cuts.groupBy("as_of_date").pivot("feature", [r.feature for r in ranked]).agg(F.first("cutpoints"))
    renamed = wide.select("as_of_date", *[F.col(r.feature).alias(f"cuts_{r.feature}") for r in ranked])
    joined = snapshots.join(F.broadcast(renamed), "as_of_date", "left")
    return joined.select("*", *[score(r).alias(r.name) for r in ranked]).drop(*[f"cuts_{r.feature}" for r in ranked])


def score(ranked: Ranked) -> SparkColumn:
    """1 + number of cut points below the value (above it where low is good); equal values score equally."""
    value = F.col(ranked.feature).cast("double")

    def counts(cut: SparkColumn) -> SparkColumn:
        return cut > value if ranked.low_is_good else cut < value

    counted = F.size(F.filter(F.col(f"cuts_{ranked.feature}"), counts)) + F.lit(1)
    return F.when(value.isNotNull(), counted).cast("int")


def segment(cell: Cell) -> SparkColumn:
    """The name of the cell that a row's scores fall into; NULL without scores."""
    rows = F.array(*[F.array(*[F.lit(name) for name in row]) for row in cell.grid])
    mean = F.floor((F.col("f_score") + F.col("m_score") + F.lit(1)) / 2).cast("int")
    return F.get(F.get(rows, F.col("r_score") - 1), mean - 1).alias(cell.name)
