"""Cut points that outlive the customers whom they were found among: an erasure changes nobody else's place."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.population import population_table
from featurestore.record_tables import put_records
from featurestore.tables import Warehouse
from featurestore.views import FeatureView

KEPT, KEYS = "kept_since", ("as_of_date", "feature")


def keep_cut_points(warehouse: Warehouse, view: str, days: Collection[date], erasure_id: str) -> None:
    """Keep the recorded cut points of a view at `days`, from which customers go, for all later builds."""
    table = population_table(view)
    names = table.column_names
    rows = [
        {**row, KEPT: erasure_id} for row in warehouse.records(table.name, names)
        if row[KEPT] is None and row["as_of_date"] in days
    ]  # fmt: skip
    if rows:
        put_records(warehouse, table, [[row[name] for name in names] for row in rows], keys=KEYS)


def with_kept(
    warehouse: Warehouse, view: FeatureView, cuts: DataFrame, *, features: Collection[str] | None = None,
    all_dates: bool = False,
) -> DataFrame:  # fmt: skip
    """`cuts` (see `population.cut_points`) with those in their place that are kept, of `features` (None: of all).

    `all_dates`: with what is kept of dates that `cuts` do not tell of, too.
    """
    table = population_table(view.name)
    if all(row[KEPT] is None for row in warehouse.records(table.name, (KEPT,))):
        return cuts
    kept = warehouse.read(table.name).where(F.col(KEPT).isNotNull()).select(*table.column_names)
    if features is not None:
        kept = kept.where(F.col("feature").isin(sorted(features)))
    if not all_dates:
        kept = kept.join(cuts.select(*KEYS), [*KEYS], "left_semi")
    return cuts.join(kept.select(*KEYS), [*KEYS], "left_anti").unionByName(kept)
