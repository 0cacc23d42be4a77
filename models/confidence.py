"""How often other draws of the same customers would have given the risk level that is reported.

Sampling uncertainty only: what the model cannot know, and what changes after the date, is not in it, and a customer
whose probability is .5 may have a confidence of 1. The draws are those of a bootstrap over customers (Efron, 1979),
each customer counted Poisson(1) times (Oza and Russell, 2001), by a hash, so that every row of a customer is drawn
alike, everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, factorial

import numpy as np
from numpy.typing import NDArray

from featurestore.customer_draw import SHARES, draw
from models.algorithms.boosted import XGBoost
from models.bundle import Bundle, Resample
from models.calibrate import UNCALIBRATED, Calibrator
from models.logistic import Floats
from models.risk import level_places
from models.training_rows import Sample, drawn

log = logging.getLogger(__name__)

Calibrate = Callable[[Floats, Floats], Calibrator]
# P(a Poisson(1) number is at most k) for k = 0 to 11; beyond that a hash of 32 bits cannot tell.
_POISSON = np.cumsum([exp(-1) / factorial(k) for k in range(12)])


def confidence(bundle: Bundle, matrix: NDArray[np.float32]) -> Floats | None:
    """The share of the bundle's resamples whose level equals the reported one, float64 (n,); None without resamples.

    matrix: float32 (n, d), the inputs of the model. Each resample has a calibrator of its own.
    """
    if not bundle.resamples:
        return None
    reported = level_places(bundle.predict(matrix))
    agree = np.zeros(len(matrix))
    for one in bundle.resamples:
        other = replace(bundle, model=one.model, calibrator=one.calibrator)
        agree += level_places(other.predict(matrix)) == reported
    return agree / len(bundle.resamples)


def resamples(
    fitted: Sample, calibrating: Sample, *, bundle: Bundle, algorithm: XGBoost, trees: int, draws: int, at_most: int,
    calibrate: Calibrate, seed: int, offsets: Floats | None = None,
) -> tuple[Resample, ...]:  # fmt: skip
    """The same recipe on `draws` other draws of the customers: as many trees, fitted and calibrated on the drawn rows.

    `fitted` are the rows that the model learned from, or a sample of them; each fit reads at most `at_most`, whole
    customers first to last by a draw. From fewer rows than the model's, levels differ more than another training's
    would: confidence is then too low rather than too high, and the log says so. `offsets` (n,) are those of the
    fitted rows, if the model was given any.
    """
    kept = drawn(fitted, np.arange(len(fitted.labels)), at_most=at_most, seed=seed)
    log.log(logging.INFO if len(kept) == fitted.rows_total else logging.WARNING,
            "confidence: %d boosters of %d trees, each on a draw of the customers of %d of %d fitted rows",
            draws, trees, len(kept), fitted.rows_total)  # fmt: skip
    return tuple(
        _resample(fitted, kept, calibrating, bundle=bundle, algorithm=algorithm, trees=trees, calibrate=calibrate,
                  seed=seed, place=place, offsets=offsets)
        for place in range(draws)
    )  # fmt: skip


def _resample(
    fitted: Sample, kept: NDArray[np.intp], calibrating: Sample, *, bundle: Bundle, algorithm: XGBoost, trees: int,
    calibrate: Calibrate, seed: int, place: int, offsets: Floats | None,
) -> Resample:  # fmt: skip
    purpose = f"bootstrap {place} seed {seed}"
    times = times_drawn(fitted.customers[kept], purpose=purpose)
    model = algorithm.fit_drawn(fitted.matrix[kept], fitted.labels[kept], times=times, trees=trees, seed=seed,
                                features=bundle.features,
                                offsets=None if offsets is None else offsets[kept])  # fmt: skip
    again = np.repeat(np.arange(len(calibrating.labels)), times_drawn(calibrating.customers, purpose=purpose))
    calibrator = calibrate(model.margins(calibrating.matrix)[again], calibrating.labels[again])
    if calibrator.status == UNCALIBRATED and isinstance(bundle.calibrator, Calibrator):
        log.warning("confidence: draw %d allows no calibration (%s) and takes that of the model", place,
                    calibrator.reason)  # fmt: skip
        calibrator = bundle.calibrator
    return Resample(model.save(), calibrator, rows=len(kept))


def times_drawn(customers: Sequence[str] | NDArray[np.object_], *, purpose: str) -> NDArray[np.intp]:
    """How often each row's customer is drawn, intp (n,): a Poisson(1) number that id and purpose decide.

    >>> times_drawn(["13085", "13078", "13085"], purpose="bootstrap 0 seed 42").tolist()
    [2, 0, 2]
    """
    distinct, places = np.unique(np.asarray(customers, dtype=object).astype(str), return_inverse=True)
    shares = np.array([draw(one, purpose=purpose) for one in distinct.tolist()], dtype=np.float64) / SHARES
    return np.searchsorted(_POISSON, shares, side="right")[places]
