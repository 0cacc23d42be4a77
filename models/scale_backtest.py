"""Which scale of amounts to trust: each fitted and judged again at earlier dates, as if each were the present."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from models.algorithms.contract import Algorithm
from models.amounts import evaluate_amounts
from models.calibrate import NONE, SEASON, UNCALIBRATED
from models.calibration_backtest import least, margins_at, rolling_dates, season_rates
from models.logistic import Floats
from models.scale import LAST, SCALES, Scale, fit_scale, fit_season_scale
from models.training_rows import Sample

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScaleBacktest:
    """One scale at one as-of that stood in for the present: its `sum_ratio`, forecast over actual, and `mae`."""

    as_of: str
    method: str
    status: str
    rows: int
    sum_ratio: float | None
    mae: float

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
    """All scales at up to `at_most` rolling as-ofs of `rows`, whose labels are amounts; dates as in `backtest`."""
    found = []
    horizon = timedelta(days=horizon_days)
    roots, amounts = replace(rows, labels=np.sqrt(rows.labels)), amounts_by_day(rows)
    for present, calibrating, fitted in rolling_dates(rows.days, horizon, at_most=at_most):
        margins = margins_at(roots, fitted, (calibrating, present, *fitted), features=features, algorithm=algorithm,
                             categorical=categorical, seed=seed, trial_rows=trial_rows)  # fmt: skip
        if margins is None:
            continue
        rates = season_rates(rows, features, until=present - horizon)
        for method in SCALES:
            one = scale_by(method, margins, amounts, calibrating=calibrating, fitted=fitted, rates=rates, home=present)
            came = amounts[present]
            figures = evaluate_amounts(came, one.apply(margins[present]))
            log.info("scale %s at %s: sum ratio %s", method, present, figures.sum_ratio)
            found.append(ScaleBacktest(present.isoformat(), method, one.status, len(came), figures.sum_ratio,
                                       figures.mae or 0.0))  # fmt: skip
    return found


def amounts_by_day(rows: Sample) -> dict[date, Floats]:
    """The amounts of each as-of, in the order of the rows."""
    return {day.item(): rows.labels[rows.days == day] for day in np.unique(rows.days)}


def scale_by(
    method: str, margins: dict[date, Floats], amounts: dict[date, Floats], *, calibrating: date,
    fitted: Sequence[date], rates: dict[str, float], home: date,
) -> Scale:  # fmt: skip
    """The scale of `method`, from margins and amounts by as-of: those of the calibration, or of the fitted ones."""
    if method == LAST:
        none = np.empty(0)
        return fit_scale(margins.get(calibrating, none), amounts.get(calibrating, none))
    if method == NONE:
        return Scale(reason="asked for")
    learned, came = (np.concatenate([by_day[day] for day in fitted]) for by_day in (margins, amounts))
    return fit_season_scale(learned, came, rates=rates, fitted=fitted, home=home)


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
