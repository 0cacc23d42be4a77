"""What a model of square roots says turned into amounts whose sum agrees with a later period, or with the season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from models.calibrate import SEASON, SEASONAL, UNCALIBRATED, Seasonal, a_year_before
from models.logistic import Floats

SCALED, LAST = "scaled", "last"
SCALES = (LAST, SEASON)
"""What backtests choose from; squares alone are no expectation, whatever the season makes of their sum."""


@dataclass(frozen=True)
class Scale(Seasonal):
    """amount = factor x max(0, margin) squared, the margin being the expected square root of the amount.

    `status` is "scaled" (the sum of the last mature as-of), "seasonal" (that of the fitted rows, times what the season
    was a year before over its mean on the fitted as-ofs; `seasons` are logarithms of mean amounts) or "uncalibrated"
    (factor 1; `reason` says why). A factor keeps the order and the shares of customers, and moves their sum.
    """

    factor: float = 1.0
    status: str = UNCALIBRATED
    reason: str = "not fitted"
    rows: int = 0

    def at(self, as_of: date) -> Scale:
        """The scale for rows of another as-of: only a seasonal one differs, by what happened a year before."""
        return replace(self, **self.moved_to(as_of)) if self.seasons else self

    def apply(self, margins: Floats) -> Floats:
        """Amounts, float64 of the shape of `margins`.

        >>> Scale(2.0).apply(np.array([-1.0, 3.0])).tolist()
        [0.0, 18.0]
        """
        return self.factor * float(np.exp(self.shift)) * np.maximum(np.asarray(margins, dtype=np.float64), 0.0) ** 2

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON keeps digit for digit."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scale:
        """The scale that `to_dict` described."""
        return cls(**values)


def fit_scale(margins: Floats, amounts: Floats) -> Scale:
    """The factor with which the forecasts of these rows, both (n,), sum to what came.

    >>> fit_scale(np.array([1.0, 2.0]), np.array([0.0, 2.5])).factor
    0.5
    """
    forecast, came = float(Scale().apply(margins).sum()), float(np.sum(amounts))
    if came <= 0 or forecast <= 0:
        return Scale(reason=f"nothing was spent in {len(amounts)} rows", rows=len(amounts))
    return Scale(came / forecast, SCALED, "", len(amounts))


def fit_season_scale(
    margins: Floats, amounts: Floats, *, rates: Mapping[str, float], fitted: Sequence[date], home: date
) -> Scale:  # fmt: skip
    """The factor of the fitted rows, both (n,), and the season of `home`.

    rates: by ISO as-of the mean amount among customers who ordered within 90 days. Uncalibrated where no as-of within
    14 days of `home` - 364 days is known, or no fitted one.
    """
    whole = fit_scale(margins, amounts)
    seasons = {day: float(np.log(rate)) for day, rate in rates.items() if rate > 0}
    levels = [seasons[day.isoformat()] for day in fitted if day.isoformat() in seasons]
    if whole.status != SCALED:
        return whole
    if a_year_before(seasons, home) is None or not levels:
        return Scale(reason=f"no as-of about a year before {home} is known", rows=len(amounts))
    return replace(whole, status=SEASONAL, seasons=seasons, level=float(np.mean(levels)), home=home.isoformat())
