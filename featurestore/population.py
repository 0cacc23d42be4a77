"""Places among all customers of a snapshot: exact cut points, stored, and the scores that they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from featurestore.definitions import PERCENTILES, Cell, Derived, Ranked
from featurestore.frames import arrow_function
from featurestore.schemas import Column
from featurestore.tables import Table
from featurestore.views import FeatureView


def population_table(view: str) -> Table:
    """Declaration of `population_<view>`."""
    return Table(
        f"population_{view}",
        (
            Column("as_of_date", "date", "Snapshot whose customers were ranked"),
            Column("feature", "string", "Feature that was ranked"),
            Column("cutpoints", "array<double>", "Exact discrete quantiles at 20, 40, 60 and 80 %, ascending"),
            Column("percentiles", "array<double>", "Exact discrete quantiles at 1, 2, ..., 99 %, ascending"),
            Column("n", "bigint", "Customers with a value"),
            Column(
                "kept_since",
                "string",
                "Erasure that took customers from the date: rebuilds use these cut points; NULL for none",
            ),
        ),
        comment=f"Cut points of the population-ranked features of view {view}",
    )


def cut_points(snapshots: DataFrame, ranked: Sequence[Ranked]) -> DataFrame:
    """as_of_date, feature, cutpoints, percentiles, n for each date and ranked feature of `snapshots`.

    The cut at q is the smallest value with at least q of the customers at or below it (the discrete
    quantile), found by sorting: a sort spills to disk, a histogram of all values in one task does not.
    """
    names = dict.fromkeys(one.feature for one in ranked)
    pairs = [F.struct(F.lit(name).alias("feature"), F.col(name).cast("double").alias("value")) for name in names]
    values = (
        snapshots.select("as_of_date", F.explode(F.array(*pairs)).alias("pair")).select("as_of_date", "pair.*").dropna()
    )
    keys = ("as_of_date", "feature")
    counts = values.groupBy(*keys).agg(F.count("*").alias("n"))
    ordered = values.withColumn("place", F.row_number().over(Window.partitionBy(*keys).orderBy("value")))
    # A row is the cut of every k with ceil(k n / 100) = place; of several where customers are fewer than cuts.
    cuts = _cuts_up_to(F.col("place")) - _cuts_up_to(F.col("place") - 1)
    at_cut = ordered.join(F.broadcast(counts), [*keys]).withColumn("cuts", cuts.cast("int")).where("cuts > 0")
    repeated = F.flatten(F.collect_list(F.array_repeat("value", F.col("cuts"))))
    grouped = at_cut.groupBy(*keys, "n").agg(F.array_sort(repeated).alias("percentiles"))
    fifths = F.array(*[F.get("percentiles", F.lit(at)) for at in _positions(parts=5)])
    return grouped.withColumns({"cutpoints": fifths, "kept_since": F.lit(None).cast("string")}).select(
        *population_table("").column_names
    )


def _cuts_up_to(place: SparkColumn) -> SparkColumn:
    """How many of the 99 cuts lie at or below a place: floor(100 place / n), and not the maximum itself."""
    return F.least(F.floor(F.lit(PERCENTILES) * place / F.col("n")), F.lit(PERCENTILES - 1))


def _positions(*, parts: int) -> list[int]:
    """Where the cut points of `parts` lie among the percentiles, see `placing.coarser`."""
    step = PERCENTILES // parts
    return list(range(step - 1, PERCENTILES - 1, step))


def with_scores(snapshots: DataFrame, cuts: DataFrame, *, ranked: Sequence[Ranked]) -> DataFrame:
    """`snapshots` with a column per ranked feature; `cuts` as from `cut_points` (a few rows per date)."""
    names: list[Any] = list(dict.fromkeys(one.feature for one in ranked))
    wide = cuts.groupBy("as_of_date").pivot("feature", names).agg(F.first("percentiles"))
    renamed = wide.select("as_of_date", *[F.col(name).alias(f"cuts_{name}") for name in names])
    joined = snapshots.join(F.broadcast(renamed), "as_of_date", "left")
    return joined.select("*", *[score(r).alias(r.name) for r in ranked]).drop(*[f"cuts_{name}" for name in names])


def score(ranked: Ranked) -> SparkColumn:
    """The place of a row's value, by the percentiles in column `cuts_<feature>`."""
    percentiles = F.col(f"cuts_{ranked.feature}")
    if ranked.parts == PERCENTILES:
        cuts = percentiles
    else:
        cuts = F.array(*[F.get(percentiles, F.lit(at)) for at in _positions(parts=ranked.parts)])
        cuts = F.when(percentiles.isNotNull(), cuts)
    return place(F.col(ranked.feature), cuts, low_is_good=ranked.low_is_good)


def among_population(rows: DataFrame, cuts: DataFrame, view: FeatureView) -> DataFrame:
    """`rows` of the folds and derived features of `view` with its places, its cell and what derives from those."""
    return judged_by(with_scores(rows, cuts, ranked=view.ranked), cell=view.cell, judged=view.judged)


def place(value: SparkColumn, cutpoints: SparkColumn, *, low_is_good: bool = False) -> SparkColumn:
    """`placing.placed` on columns: 1 + number of cut points below the value (above it where low is good), an int."""
    number = value.cast("double")

    def counts(cut: SparkColumn) -> SparkColumn:
        return cut > number if low_is_good else cut < number

    counted = F.size(F.filter(cutpoints, counts)) + F.lit(1)
    return F.when(number.isNotNull() & cutpoints.isNotNull(), counted).cast("int")


def placed_at(rows: DataFrame, population: DataFrame, *, ranked: Sequence[Ranked], as_of: str = "as_of") -> DataFrame:
    """`rows` of any instants (column `as_of`, a timestamp) with a column per ranked feature.

    Each row is placed by the newest of the population dates at or before its instant, NULL before the first.
    `population` is `population_<view>`: a few rows a date. As many rows come out as go in.
    """
    names: list[Any] = list(dict.fromkeys(one.feature for one in ranked))
    known = population.where(F.col("percentiles").isNotNull())
    wide = known.groupBy("as_of_date").pivot("feature", names).agg(F.first("percentiles"))
    until = F.lead("as_of_date").over(Window.orderBy("as_of_date"))  # one partition: a row a date
    lasting = wide.select(
        F.col("as_of_date").cast("timestamp").alias("_since"), until.cast("timestamp").alias("_until"),
        *[F.col(name).alias(f"cuts_{name}") for name in names],
    )  # fmt: skip
    instant = rows[as_of]
    current = (instant >= lasting["_since"]) & (lasting["_until"].isNull() | (instant < lasting["_until"]))
    joined = rows.join(F.broadcast(lasting), current, "left")
    scored = joined.select("*", *[score(one).alias(one.name) for one in ranked])
    return scored.drop("_since", "_until", *[f"cuts_{name}" for name in names])


def segment(cell: Cell) -> SparkColumn:
    """The name of the cell that a row's scores fall into; NULL without scores."""
    rows = F.array(*[F.array(*[F.lit(name) for name in row]) for row in cell.grid])
    mean = F.floor((F.col("f_score") + F.col("m_score") + F.lit(1)) / 2).cast("int")
    return F.get(F.get(rows, F.col("r_score") - 1), mean - 1).alias(cell.name)


def judged_by(scored: DataFrame, *, cell: Cell | None, judged: Sequence[Derived]) -> DataFrame:
    """`scored` with what is read off the places of its rows: the cell, and what derives from them."""
    if cell is not None:
        scored = scored.select("*", segment(cell))
    for one in judged:
        scored = scored.withColumn(one.name, arrow_function(one.on_arrays, one.type)(*one.inputs))
    return scored
