"""Amounts from what a model of square roots says and last year's, in sum as a later period, or as the season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibrate import SEASON, SEASONAL, UNCALIBRATED, Seasonal, a_year_before, following
from models.logistic import Floats

SCALED, LAST, SEASONAL_LAST = "scaled", "last", "seasonal_last"
SCALES = (LAST, SEASONAL_LAST, SEASON)
"""What backtests choose from, of equals the first; squares alone are no expectation, whatever the season."""


@dataclass(frozen=True)
class Scale(Seasonal):
    """amount = factor x season x (weight x max(0, margin) squared + (1 - weight) x per_spent x last year's amount).

    A margin is the expected square root of the amount, the season exp(shift). `per_spent` is what the squares sum to
    for each unit of last year's, so that the `weight` of the trees moves no sum: with 1 they are all there is.

    `status` is "scaled" (the sum of the last mature as-of), "seasonal" (that times what the season did a year before
    from there on, or the sum of the fitted rows times what the season was a year before over its mean on the fitted
    as-ofs; `seasons` are logarithms of mean amounts) or "uncalibrated"
    (factor 1; `reason` says why). A factor keeps the order and the shares of customers, and moves their sum.
    """

    factor: float = 1.0
    status: str = UNCALIBRATED
    reason: str = "not fitted"
    rows: int = 0
    weight: float = 1.0
    per_spent: float = 0.0

    def at(self, as_of: date) -> Scale:
        """The scale for rows of another as-of: only a seasonal one differs, by what happened a year before."""
        return replace(self, **self.moved_to(as_of)) if self.seasons else self

    def blended(self, weight: float, *, margins: Floats, spent: Floats) -> Scale:
        """The same with the last year's amounts by `weight`, both of one sum on these rows: the newest known, (n,).

        >>> Scale(2.0).blended(0.5, margins=np.array([3.0, 1.0]), spent=np.array([5.0, 15.0])).per_spent
        0.5

        Itself where one of the two is nothing.
        """
        trees, before = float(_squares(margins).sum()), float(spent.sum())
        known = weight < 1 and trees > 0 and before > 0
        return replace(self, weight=weight, per_spent=trees / before) if known else self

    def apply(self, margins: Floats, spent: Floats | None = None) -> Floats:
        """Amounts, float64 of the shape of `margins`; `spent` are the last year's, which a blend needs.

        >>> Scale(2.0).apply(np.array([-1.0, 3.0])).tolist()
        [0.0, 18.0]
        >>> Scale(2.0, weight=0.5, per_spent=0.25).apply(np.array([-1.0, 3.0]), np.array([8.0, 4.0])).tolist()
        [2.0, 10.0]
        """
        level, squares = self.factor * float(np.exp(self.shift)), _squares(margins)
        if self.weight == 1:
            return level * squares
        if spent is None:
            raise ValueError(
                f"the weight of the trees is {self.weight}; the rest, the last year's amounts, is not given"
            )
        return level * (self.weight * squares + (1 - self.weight) * self.per_spent * spent)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON keeps digit for digit."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scale:
        """The scale that `to_dict` described."""
        return cls(**values)


def last_year(matrix: NDArray[np.float32], features: Sequence[str], *, of: str) -> Floats:
    """The column `of`, float64 (n,), of float32 rows (n, d) in `features`; NULL or below 0 is nothing.

    Zeros where it is no feature: then there is no blend.

    >>> last_year(np.array([[1, 5], [2, -3], [3, np.nan]], dtype=np.float32), ["a", "b"], of="b").tolist()
    [5.0, 0.0, 0.0]
    """
    if of not in features:
        return np.zeros(len(matrix))
    return np.maximum(np.nan_to_num(np.asarray(matrix[:, list(features).index(of)], dtype=np.float64)), 0.0)


def fit_scale(margins: Floats, amounts: Floats) -> Scale:
    """The factor with which the forecasts of these rows, both (n,), sum to what came.

    >>> fit_scale(np.array([1.0, 2.0]), np.array([0.0, 2.5])).factor
    0.5
    """
    forecast, came = float(Scale().apply(margins).sum()), float(np.sum(amounts))
    if came <= 0 or forecast <= 0:
        return Scale(reason=f"nothing came in {len(amounts)} rows", rows=len(amounts))
    return Scale(came / forecast, SCALED, "", len(amounts))


def fit_seasonal_last(
    margins: Floats, amounts: Floats, *, rates: Mapping[str, float], calibrating: date, home: date
) -> Scale:  # fmt: skip
    """The factor of the rows of `calibrating`, moved by what the season did a year before from there to `home`.

    rates: as those of `fit_season_scale`. The factor alone where a year before one of the two is not known.
    """
    whole = fit_scale(margins, amounts)
    return replace(whole, **following(_logarithms(rates), since=calibrating, home=home, resting=whole.status))


def fit_season_scale(
    margins: Floats, amounts: Floats, *, rates: Mapping[str, float], fitted: Sequence[date], home: date
) -> Scale:  # fmt: skip
    """The factor of the fitted rows, both (n,), and the season of `home`.

    rates: by ISO as-of the mean amount among customers who ordered within 90 days. Uncalibrated where no as-of within
    14 days of `home` - 364 days is known, or no fitted one.
    """
    whole = fit_scale(margins, amounts)
    seasons = _logarithms(rates)
    levels = [seasons[day.isoformat()] for day in fitted if day.isoformat() in seasons]
    if whole.status != SCALED:
        return whole
    if a_year_before(seasons, home) is None or not levels:
        return Scale(reason=f"no as-of about a year before {home} is known", rows=len(amounts))
    return replace(whole, status=SEASONAL, seasons=seasons, level=float(np.mean(levels)), home=home.isoformat())


def _logarithms(rates: Mapping[str, float]) -> dict[str, float]:
    return {day: float(np.log(rate)) for day, rate in rates.items() if rate > 0}


def _squares(margins: Floats) -> Floats:
    return np.maximum(np.asarray(margins, dtype=np.float64), 0.0) ** 2
