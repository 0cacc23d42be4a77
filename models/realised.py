"""Scores as they were written, against what then happened, and against the best that could be known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.customer_draw import SHARES, draw_column
from models.evaluate import Metrics, evaluate, paired_auc_error

PURPOSE = "realised sample"


@dataclass(frozen=True)
class Realised:
    """`written` scores judged on known outcomes; `oracle` on the same rows where the true probability is known.

    `auc_difference_error` is the paired standard error of the difference of the two AUCs.
    """

    written: Metrics
    oracle: Metrics | None = None
    auc_difference_error: float | None = None


def judged(rows: DataFrame, *, probability: str, outcome: str, at_most: int, truth: str | None = None) -> Realised:
    """Column `probability` (and `truth`, if given) against column `outcome` (0 or 1), over rows where all are known.

    More than `at_most` rows are sampled by customer, so that the driver holds three doubles a sampled row.
    """
    columns = {"p": probability, "y": outcome, **({"t": truth} if truth else {})}
    known = rows.select("customer_id", *[F.col(name).alias(short) for short, name in columns.items()]).dropna()
    total = known.count()
    if total > at_most:
        known = known.where(draw_column(F.col("customer_id"), purpose=PURPOSE) < SHARES * at_most // total)
    read = known.select(*columns).toArrow()  # at most ~ at_most rows
    found = {short: np.asarray(read[short], dtype=np.float64) for short in columns}
    written = evaluate(found["y"], found["p"])
    if truth is None:
        return Realised(written)
    return Realised(written, evaluate(found["y"], found["t"]), paired_auc_error(found["y"], found["p"], found["t"]))
