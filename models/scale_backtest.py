"""How much of an amount the trees say, and which scale to trust: judged at earlier dates, each as if the present."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from models.algorithms.contract import Algorithm
from models.amounts import mean_absolute_error, sum_ratio
from models.calibrate import NONE, SEASON, SEASONAL, SEASONAL_PLATT, UNCALIBRATED
from models.calibration_backtest import least, margins_at, rolling_dates
from models.logistic import Floats
from models.scale import (
    LAST,
    SCALES,
    SEASONAL_LAST,
    Scale,
    fit_scale,
    fit_season_scale,
    fit_seasonal_last,
    last_year,
)
from models.seasons import season_rates
from models.training_rows import Sample

log = logging.getLogger(__name__)

WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""The trees' shares that backtests choose from, the first of equals; the rest is the last year's amount."""


@dataclass(frozen=True)
class ScaleBacktest:
    """One scale and weight at one as-of that stood in for the present: `sum_ratio`, forecast over actual, and `mae`.

    `mae_at_sum` is the error once the forecasts are brought to the sum that came: that of the `weight`, whatever the
    scale. None where nothing came or was forecast.
    """

    as_of: str
    method: str
    status: str
    rows: int
    sum_ratio: float | None
    mae: float
    weight: float = 1.0
    mae_at_sum: float | None = None

    @property
    def off(self) -> float:
        """How far the sum is off, either way: |log of the ratio|."""
        return abs(float(np.log(self.sum_ratio))) if self.sum_ratio else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a table or JSON."""
        return asdict(self)


def backtest_scales(
    rows: Sample, *, features: Sequence[str], before: str, algorithm: Algorithm, horizon_days: int, at_most: int,
    trial_rows: int, seed: int, categorical: tuple[int, ...] = (),
) -> list[ScaleBacktest]:  # fmt: skip
    """All scales and weights at up to `at_most` rolling as-ofs of `rows`, whose labels are amounts.

    `before` is the feature of last year's. Dates as in `backtest`; each costs one fit.
    """
    found = []
    horizon = timedelta(days=horizon_days)
    roots, amounts = replace(rows, labels=np.sqrt(rows.labels)), by_day(rows, rows.labels)
    spent = by_day(rows, last_year(rows.matrix, features, of=before))
    for present, calibrating, fitted in rolling_dates(rows.days, horizon, at_most=at_most):
        margins = margins_at(roots, fitted, (calibrating, present, *fitted), features=features, algorithm=algorithm,
                             categorical=categorical, seed=seed, trial_rows=trial_rows, shifted=False)  # fmt: skip
        if margins is None:
            continue
        rates = season_rates(rows, features, until=present - horizon)
        for method in SCALES:
            one = scale_by(method, margins, amounts, calibrating=calibrating, fitted=fitted, rates=rates, home=present)
            if method == SEASONAL_LAST and one.status != SEASONAL:  # the last factor once more
                continue
            for weight in WEIGHTS:
                blend = one.blended(weight, margins=margins[calibrating], spent=spent[calibrating])
                # Other than asked for where there was nothing to blend in.
                if blend.weight == weight:
                    forecast = blend.apply(margins[present], spent[present])
                    found.append(_judged(blend, method, forecast, amounts[present], present))
    return found


def _judged(scale: Scale, method: str, forecast: Floats, came: Floats, present: date) -> ScaleBacktest:
    ratio = sum_ratio(came, forecast)
    log.info("scale %s at %s, weight %s: sum ratio %s", method, present, scale.weight, ratio)
    return ScaleBacktest(
        present.isoformat(), method, scale.status, len(came), ratio, mean_absolute_error(came, forecast), scale.weight,
        None if ratio is None else mean_absolute_error(came, forecast / ratio),
    )  # fmt: skip


def by_day(rows: Sample, values: Floats) -> dict[date, Floats]:
    """`values` of the rows, (n,), by as-of, in the order of the rows."""
    return {day.item(): values[rows.days == day] for day in np.unique(rows.days)}


def scale_by(
    method: str, margins: dict[date, Floats], amounts: dict[date, Floats], *, calibrating: date,
    fitted: Sequence[date], rates: Mapping[str, float], home: date,
) -> Scale:  # fmt: skip
    """The scale of `method`, from margins and amounts by as-of: those of the calibration, or of the fitted ones."""
    none = np.empty(0)
    last = margins.get(calibrating, none), amounts.get(calibrating, none)
    if method == SEASONAL_LAST:
        return fit_seasonal_last(*last, rates=rates, calibrating=calibrating, home=home)
    if method == LAST:
        return fit_scale(*last)
    if method == NONE:
        return Scale(reason="asked for")
    learned, came = (np.concatenate([by_day[day] for day in fitted]) for by_day in (margins, amounts))
    return fit_season_scale(learned, came, rates=rates, fitted=fitted, home=home)


def errors_by_weight(found: Sequence[ScaleBacktest]) -> dict[float, dict[str, float]]:
    """By weight and as-of, the error at the sum that came, where there is one."""
    errors: dict[float, dict[str, float]] = {}
    for one in found:
        if one.mae_at_sum is not None:
            errors.setdefault(one.weight, {})[one.as_of] = one.mae_at_sum
    return errors


def chosen_weight(found: Sequence[ScaleBacktest]) -> float:
    """The weight of least mean error at the sum that came; the trees alone where nothing could be tried."""
    losses = {str(weight): by_date for weight, by_date in errors_by_weight(found).items()}
    return float(least(losses, order=[str(weight) for weight in WEIGHTS]) or WEIGHTS[0])


def chosen_scale(found: Sequence[ScaleBacktest], *, asked: str = "", is_season_known: bool = False) -> str:
    """The scale whose sum is least off in the mean over the as-ofs at which all compared ones exist; the last without.

    `asked` is a calibration that the settings name instead: "seasonal_platt" follows the season from the last one on,
    "seasonal" and "none" mean the same here, others the last. The last that follows the season is taken unjudged where
    the season is known now and was at no as-of (docs/adr/0035).
    """
    if asked:
        return {SEASONAL_PLATT: SEASONAL_LAST, SEASON: SEASON, NONE: NONE}.get(asked, LAST)
    losses: dict[str, dict[str, float]] = {}
    for one in found:
        if one.status != UNCALIBRATED:
            losses.setdefault(one.method, {})[one.as_of] = one.off
    if is_season_known and SEASONAL_LAST not in losses:
        return SEASONAL_LAST
    return least(losses, order=SCALES) or LAST
