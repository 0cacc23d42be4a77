"""Warped time: events come at a constant rate in u, and with a yearly season in days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from featurestore.simulation.randomness import Floats

_HARMONICS = 12
_KNOTS_A_DAY = 64


@dataclass(frozen=True)
class Season:
    """The rate exp(strength * cos(2 pi (d - peak) / year)) / I0(strength), whose mean over a year is 1."""

    strength: float = 0.35
    peak: float = 325.0
    year: float = 365.25

    def warped(self, days: npt.ArrayLike) -> Floats:
        """u(d), the integral of the rate from day 0 to d, exact to about 1e-12 days.

        By the Jacobi-Anger expansion exp(A cos x) = I0(A) + 2 sum I_k(A) cos(k x), integrated term by term.

        >>> round(float(Season().warped(365.25)), 9)
        365.25
        """
        d = np.asarray(days, dtype=np.float64)
        total = d.copy()
        for k in range(1, _HARMONICS + 1):
            pace = 2 * np.pi * k / self.year
            weight = 2 * special.iv(k, self.strength) / special.iv(0, self.strength) / pace
            total = total + weight * (np.sin(pace * (d - self.peak)) + np.sin(pace * self.peak))
        return np.asarray(total, dtype=np.float64)

    def days(self, warped: npt.ArrayLike, *, until: int) -> Floats:
        """The day d in [0, until] with u(d) = `warped`: monotone, off by less than 0.03 seconds.

        >>> season = Season()
        >>> bool(abs(season.days(season.warped(123.456), until=1100) - 123.456) < 3e-7)
        True
        """
        grid, image = _table(self, until)
        return np.asarray(np.interp(np.asarray(warped, dtype=np.float64), image, grid), dtype=np.float64)


@lru_cache(maxsize=8)
def _table(season: Season, until: int) -> tuple[Floats, Floats]:
    # Linear interpolation is off by at most step^2 / 8 * max|d''(u)|, about 2.6e-7 days for strength .35.
    grid = np.linspace(0.0, float(until), until * _KNOTS_A_DAY + 1)
    return grid, season.warped(grid)
