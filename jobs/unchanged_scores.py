"""Scores that need not be computed again: those that the same inputs, models and calibrations have given before."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.fold import CUSTOMER
from featurestore.snapshot_records import among
from featurestore.tables import Warehouse
from jobs.score_tables import SCORES
from models.score import HASH, Scorers


def base_date(warehouse: Warehouse, as_of: date) -> date | None:
    """The date itself where it is scored, else the newest scored one before it; None without either."""
    return max((day for day in warehouse.rows_by_date(SCORES.name) if day <= as_of), default=None)


def still_true(
    warehouse: Warehouse, base: date, inputs: DataFrame, *, as_of: date, run_id: str, scored_at: datetime
) -> DataFrame:
    """The scores of `base` whose customers have the same `inputs` (customer_id, inputs_hash) now, as of the new date.

    Scores that a version without hashes wrote are never among them.
    """
    before = warehouse.read(SCORES.name).where(among([base]))
    if HASH not in before.columns:
        before = before.withColumn(HASH, F.lit(None).cast("bigint"))
    now = {"as_of_date": F.lit(as_of), "run_id": F.lit(run_id), "scored_at": F.lit(scored_at).cast("timestamp")}
    return before.join(inputs, [CUSTOMER, HASH], "left_semi").withColumns(now)


def why_none(models: Scorers, base: date, as_of: date) -> str:
    """Why no score of `base` holds at `as_of`, as far as the models tell.

    A calibration that knows the season moves every score from one date to another.
    """
    heads = models.heads.items()
    moved = [name for name, one in heads if one.bundle.at(base).calibration != one.bundle.at(as_of).calibration]
    if moved:
        return f"the calibration of {', '.join(moved)} moves with the date"
    if base != as_of:
        return "features that count days, such as recency, change for everyone from one date to the next"
    return "other models, features or code have scored it"
