"""All algorithms on the same rows and the same folds: whose probabilities are best on what they have not seen."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from featurestore.customer_draw import SHARES, draw
from models.algorithms.contract import Algorithm, Matrix, Rows
from models.calibrate import fit_platt
from models.calibration_backtest import rows_at
from models.errors import CannotTrain
from models.evaluate import Metrics, evaluate
from models.intervals import Interval, paired_intervals
from models.logistic import Floats
from models.splits import is_stopping_customer
from models.training_rows import Sample, drawn

log = logging.getLogger(__name__)

CUSTOMER_FOLDS = 3
ROLLING, GROUPED = "rolling origin", "customers"
Folds = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]


@dataclass(frozen=True)
class Ranked:
    """One algorithm over all folds of a kind; `log_loss_gain` is what the best has over it, None for the best itself.

    `metrics` are those of the held-out rows of all folds together, after a line through the stopping rows of each;
    `worst_log_loss` is that of its worst fold, `seconds` those of all its fits.
    """

    algorithm: str
    folds: str
    metrics: Metrics
    worst_log_loss: float
    seconds: float
    log_loss_gain: Interval | None = None


def compare(
    rows: Sample, *, features: Sequence[str], algorithms: Sequence[Algorithm], horizon_days: int, folds: int,
    at_most: int, seed: int, categorical: tuple[int, ...] = (), progress: Callable[[str], None] = log.info,
) -> list[Ranked]:  # fmt: skip
    """Rank by log loss, best first, over rolling origins and then over folds of whole customers.

    rows: any splits but the test. Rolling origin: up to `folds` as-ofs are held out in turn, learned from as-ofs whose
    labels end by then. Customers: three parts, held out in turn at all as-ofs, which flatters (it knows the season).
    Every algorithm learns from the same at most `at_most` rows of a fold, drawn by customer; a tenth of the customers
    stops fits and sets the line. Raises CannotTrain where the rows allow no fold.
    """
    found: list[Ranked] = []
    for kind, parts in ((ROLLING, rolling_folds(rows, timedelta(days=horizon_days), at_most=folds)),
                        (GROUPED, customer_folds(rows))):  # fmt: skip
        usable = [part for part in parts if both_outcomes(rows, *part)]
        if not usable:
            raise CannotTrain(f"the rows allow no fold of kind '{kind}' with both outcomes on both sides.\n"
                              "  Train on a longer history, or on more customers.")  # fmt: skip
        found += _ranked(kind, usable, rows, features=tuple(features), algorithms=algorithms, at_most=at_most,
                         seed=seed, categorical=categorical, progress=progress)  # fmt: skip
    return found


def rolling_folds(rows: Sample, horizon: timedelta, *, at_most: int | None = None) -> Folds:
    """(learned, held out) positions: an as-of against all whose labels end at or before it, newest first."""
    days = np.unique(rows.days)
    held_out = [day for day in days[::-1] if np.any(days <= day - np.timedelta64(horizon))][:at_most]
    return [(np.flatnonzero(rows.days <= day - np.timedelta64(horizon)), np.flatnonzero(rows.days == day))
            for day in held_out]  # fmt: skip


def customer_folds(rows: Sample, *, parts: int = CUSTOMER_FOLDS) -> Folds:
    """(learned, held out) positions: customers in so many parts by a hash of their ids."""
    part = np.array([draw(one, purpose="comparison folds") * parts // SHARES for one in rows.customers])
    return [(np.flatnonzero(part != at), np.flatnonzero(part == at)) for at in range(parts)]


def both_outcomes(rows: Sample, *sides: NDArray[np.intp]) -> bool:
    """Whether the rows at each of these positions have both outcomes: no fit and no AUC without."""
    return all(len(set(rows.labels[side])) == 2 for side in sides)


def _ranked(
    kind: str, folds: Folds, rows: Sample, *, features: tuple[str, ...], algorithms: Sequence[Algorithm], at_most: int,
    seed: int, categorical: tuple[int, ...], progress: Callable[[str], None],
) -> list[Ranked]:  # fmt: skip
    given = [
        (fold_rows(rows, drawn(rows, learned, at_most=at_most, seed=seed), features=features, categorical=categorical),
         held_out) for learned, held_out in folds
    ]  # fmt: skip
    every = np.concatenate([held_out for _, held_out in given])
    labels, customers = rows.labels[every], rows.customers[every]
    forecasts, ranked = {}, []
    for algorithm in algorithms:
        started = time.perf_counter()
        parts = [forecast(algorithm, learned, rows.matrix[held_out], seed=seed) for learned, held_out in given]
        seconds = time.perf_counter() - started
        losses = [evaluate(rows.labels[at], p).log_loss or 0.0 for (_, at), p in zip(given, parts, strict=True)]
        forecasts[algorithm.name] = np.concatenate(parts)
        metrics = evaluate(labels, forecasts[algorithm.name])
        ranked.append(Ranked(algorithm.name, kind, metrics, max(losses), seconds))
        progress(f"{kind}: {algorithm.name} log loss {metrics.log_loss:.4f}, {seconds:.0f} s")
    first, *others = sorted(ranked, key=lambda one: (one.metrics.log_loss or 0.0, one.algorithm))
    best = forecasts[first.algorithm]
    gains = {one.algorithm: paired_intervals(labels, best, forecasts[one.algorithm], customers, seed=seed)
             for one in others}  # fmt: skip
    return [first, *(Ranked(one.algorithm, kind, one.metrics, one.worst_log_loss, one.seconds,
                            gains[one.algorithm]["log_loss_gain"]) for one in others)]  # fmt: skip


def forecast(algorithm: Algorithm, learned: Rows, matrix: Matrix, *, seed: int) -> Floats:
    """Probabilities of the rows of `matrix`, after a line through the stopping rows of `learned`."""
    model = algorithm.fit(learned, seed=seed).model
    line = fit_platt(model.margins(learned.stop_matrix), learned.stop_labels)
    return line.apply(model.margins(matrix))


def fold_rows(
    rows: Sample, at: NDArray[np.intp], *, features: tuple[str, ...], categorical: tuple[int, ...] = ()
) -> Rows:  # fmt: skip
    """The rows at these positions to learn from, a tenth of their customers to stop the fit and to set its scale."""
    stops = np.array([is_stopping_customer(one) for one in rows.customers[at]])
    fitted, stopping = at[~stops], at[stops]
    if not both_outcomes(rows, fitted, stopping):
        raise CannotTrain("a fold has one outcome only among its fitted or its stopping rows.\n"
                          "  Compare on more rows: --set training.trial_rows=N.")  # fmt: skip
    return rows_at(rows, fitted, stopping, features=features, categorical=categorical)
