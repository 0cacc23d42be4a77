"""How much of an amount the trees say, and which scale to trust: judged at earlier dates, each as if the present."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.algorithms.contract import Algorithm, Matrix
from models.amounts import mean_absolute_error, sum_ratio
from models.calibrate import NONE, SEASON, UNCALIBRATED
from models.calibration_backtest import fitted_on, least, rolling_dates, season_rates
from models.logistic import Floats
from models.scale import LAST, SCALES, Scale, fit_scale, fit_season_scale, last_year
from models.training_rows import Sample

log = logging.getLogger(__name__)

WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""The trees' shares that backtests choose from, the first of equals; the rest is the last year's spend."""


@dataclass(frozen=True)
class Known:
    """Rows as a scale sees them, (n,) each: as-of, expected root, what came, and net spend of the year before."""

    days: NDArray[np.datetime64]
    margins: Floats
    amounts: Floats
    before: Floats

    @classmethod
    def of(cls, rows: Sample, margins: Callable[[Matrix], Floats], features: Sequence[str]) -> Known:
        """`rows`, whose labels are amounts, with what a model's `margins` say of them."""
        return cls(rows.days, margins(rows.matrix), rows.labels, last_year(rows.matrix, features))

    def at(self, *days: date) -> tuple[Floats, Floats, Floats]:
        """Margins, amounts and spend before of the rows of these as-ofs, one date after the other."""
        at = np.concatenate([np.flatnonzero(self.days == np.datetime64(day)) for day in days])
        return self.margins[at], self.amounts[at], self.before[at]


@dataclass(frozen=True)
class ScaleBacktest:
    """One scale of one blend at one as-of that stood in for the present.

    `sum_ratio` is forecast over actual, `mae` the error, currency; `mae_of_blend` that of the same `weight` with both
    parts brought to the sum that came, which no scale can change: None where a part expects nothing.
    """

    as_of: str
    method: str
    status: str
    rows: int
    sum_ratio: float | None
    mae: float
    weight: float = 1.0
    mae_of_blend: float | None = None

    @property
    def off(self) -> float:
        """How far the sum is off, either way: |log of the ratio|."""
        return abs(float(np.log(self.sum_ratio))) if self.sum_ratio else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a table or JSON."""
        return asdict(self)


def backtest_scales(
    rows: Sample, *, features: Sequence[str], algorithm: Algorithm, horizon_days: int, at_most: int, trial_rows: int,
    seed: int, categorical: tuple[int, ...] = (),
) -> list[ScaleBacktest]:  # fmt: skip
    """All weights and scales at up to `at_most` rolling as-ofs of `rows`, whose labels are amounts.

    Dates as in `backtest`; each costs one fit, whatever is tried there.
    """
    found = []
    horizon = timedelta(days=horizon_days)
    roots = replace(rows, labels=np.sqrt(rows.labels))
    for present, calibrating, fitted in rolling_dates(rows.days, horizon, at_most=at_most):
        model = fitted_on(roots, fitted, features=features, algorithm=algorithm, categorical=categorical, seed=seed,
                          trial_rows=trial_rows)  # fmt: skip
        if model is None:
            continue
        known, rates = Known.of(rows, model.margins, features), season_rates(rows, features, until=present - horizon)
        for weight, method in product(WEIGHTS, SCALES):
            one = scale_by(method, known, weight=weight, calibrating=calibrating, fitted=fitted, rates=rates,
                           home=present)  # fmt: skip
            found.append(_judged(method, weight, one, known, present))
    return found


def _judged(method: str, weight: float, scale: Scale, known: Known, present: date) -> ScaleBacktest:
    margins, came, before = known.at(present)
    forecast, blend = scale.apply(margins, before), fit_scale(margins, came, before, weight=weight)
    found = ScaleBacktest(
        present.isoformat(), method, scale.status, len(came), sum_ratio(came, forecast),
        mean_absolute_error(came, forecast), weight,
        None if blend.status == UNCALIBRATED else mean_absolute_error(came, blend.apply(margins, before)),
    )  # fmt: skip
    log.info("scale %s at %s, weight %s: sum ratio %s, blend off by %s", method, present, weight, found.sum_ratio,
             found.mae_of_blend)  # fmt: skip
    return found


def scale_by(
    method: str, known: Known, *, weight: float, calibrating: date, fitted: Sequence[date], rates: dict[str, float],
    home: date,
) -> Scale:  # fmt: skip
    """The scale of `method` for a blend of `weight`, from the rows of the calibration, or from the fitted ones."""
    if method == LAST:
        return fit_scale(*known.at(calibrating), weight=weight)
    if method == NONE:
        return Scale(reason="asked for")
    return fit_season_scale(*known.at(*fitted), rates=rates, fitted=fitted, home=home, weight=weight)


def chosen_weight(found: Sequence[ScaleBacktest]) -> float:
    """The weight of least mean error of its blend over the as-ofs; all trees where nothing could be tried."""
    losses = {str(weight): by_date for weight, by_date in errors_of_blends(found).items()}
    return float(least(losses, order=[str(weight) for weight in WEIGHTS]) or WEIGHTS[0])


def errors_of_blends(found: Sequence[ScaleBacktest]) -> dict[float, dict[str, float]]:
    """By weight and as-of, the error of the blend, where there is one."""
    errors: dict[float, dict[str, float]] = {}
    for one in found:
        if one.mae_of_blend is not None:
            errors.setdefault(one.weight, {})[one.as_of] = one.mae_of_blend
    return errors


def chosen_scale(found: Sequence[ScaleBacktest], *, asked: str = "") -> str:
    """The scale whose sum is least off in the mean over the as-ofs at which all compared ones exist; the last without.

    `asked` is a calibration that the settings name instead: "seasonal" and "none" mean the same here, others the last.
    """
    if asked:
        return asked if asked in (SEASON, NONE) else LAST
    losses: dict[str, dict[str, float]] = {}
    for one in found:
        if one.status != UNCALIBRATED:
            losses.setdefault(one.method, {})[one.as_of] = one.off
    return least(losses, order=SCALES) or LAST
