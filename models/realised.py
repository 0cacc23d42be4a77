"""Scores as they were written, against what then happened."""

from __future__ import annotations

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.customer_draw import SHARES, draw_column
from models.evaluate import Metrics, evaluate

PURPOSE = "realised sample"


def judged(rows: DataFrame, *, probability: str, outcome: str, at_most: int) -> Metrics:
    """Metrics of column `probability` against column `outcome` (0 or 1), over rows where both are known.

    More than `at_most` rows are sampled by customer, so that the driver holds two doubles a sampled row.
    """
    known = rows.select("customer_id", probability, outcome).dropna()
    total = known.count()
    if total > at_most:
        known = known.where(draw_column(F.col("customer_id"), purpose=PURPOSE) < SHARES * at_most // total)
    read = known.select(F.col(outcome).alias("y"), F.col(probability).alias("p")).toArrow()  # at most ~ at_most rows
    return evaluate(np.asarray(read["y"], dtype=np.float64), np.asarray(read["p"], dtype=np.float64))
