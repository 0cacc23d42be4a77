"""Scores as they were written, against what then happened, and against the best that could be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.customer_draw import SHARES, draw_column
from models.amounts import AmountMetrics, evaluate_amounts
from models.evaluate import Metrics, evaluate, paired_auc_error
from models.logistic import Floats

PURPOSE = "realised sample"
Figures = TypeVar("Figures", Metrics, AmountMetrics)


@dataclass(frozen=True)
class Realised(Generic[Figures]):
    """`written` scores judged on known outcomes; `oracle` on the same rows where the truth is known.

    `auc_difference_error` is the paired standard error of the difference of the two AUCs, of probabilities.
    """

    written: Figures
    oracle: Figures | None = None
    auc_difference_error: float | None = None


def judged(
    rows: DataFrame, *, forecast: str, outcome: str, at_most: int, truth: str | None = None
) -> Realised[Metrics]:
    """Probabilities `forecast` (and `truth`, if given) against `outcome` (0 or 1), over rows where all are known."""
    expected, happened, true = _read(rows, (forecast, outcome, truth), at_most=at_most)
    written = evaluate(happened, expected)
    if true is None:
        return Realised(written)
    return Realised(written, evaluate(happened, true), paired_auc_error(happened, expected, true))


def judged_amounts(
    rows: DataFrame, *, forecast: str, outcome: str, at_most: int, truth: str | None = None
) -> Realised[AmountMetrics]:
    """As `judged`, of expected amounts and what came, both in one unit."""
    expected, happened, true = _read(rows, (forecast, outcome, truth), at_most=at_most)
    return Realised(evaluate_amounts(happened, expected), None if true is None else evaluate_amounts(happened, true))


def _read(
    rows: DataFrame, columns: tuple[str, str, str | None], *, at_most: int
) -> tuple[Floats, Floats, Floats | None]:  # fmt: skip
    """The columns, each (n,), over rows where all are known.

    More than `at_most` rows are sampled by customer, so that the driver holds three doubles a sampled row.
    """
    named = {f"value_{at}": name for at, name in enumerate(columns) if name is not None}
    known = rows.select("customer_id", *[F.col(name).alias(short) for short, name in named.items()]).dropna()
    total = known.count()
    if total > at_most:
        known = known.where(draw_column(F.col("customer_id"), purpose=PURPOSE) < SHARES * at_most // total)
    read = known.select(*named).toArrow()  # at most ~ at_most rows
    found = [np.asarray(read[short], dtype=np.float64) for short in named]
    return found[0], found[1], found[2] if len(found) > 2 else None
