"""Levels of risk that people read instead of a probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.logistic import Floats

RISK_LEVELS = ((0.8, "CRITICAL"), (0.6, "HIGH"), (0.4, "MEDIUM"))
"""The least probability of a level, the highest first."""
LOWEST_RISK = "LOW"


def level_places(probabilities: Floats) -> NDArray[np.intp]:
    """The place of each probability's level, 0 for the lowest, intp (n,).

    >>> level_places(np.array([0.39, 0.4, 0.6, 0.79, 0.8])).tolist()
    [0, 1, 2, 2, 3]
    """
    return np.searchsorted(sorted(least for least, _ in RISK_LEVELS), probabilities, side="right")
