"""Platt calibration: log-odds of a model turned into probabilities that a later period agrees with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.logistic import Floats, fit_line, sigmoid

UNSEASONAL = "unseasonal"
UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True)
class Calibrator:
    """probability = sigmoid(slope x margin + intercept), with margins in log-odds.

    `status`: "unseasonal" (Platt on the last mature as-of) or "uncalibrated" (identity; `reason` says why).
    """

    slope: float = 1.0
    intercept: float = 0.0
    status: str = UNCALIBRATED
    reason: str = "not fitted"
    rows: int = 0

    def apply(self, margins: Floats) -> Floats:
        """Probabilities, float64 of the shape of `margins`.

        >>> Calibrator().apply(np.array([0.0])).tolist()
        [0.5]
        """
        return sigmoid(self.slope * np.asarray(margins, dtype=np.float64) + self.intercept)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON keeps digit for digit."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibrator:
        """The calibrator that `to_dict` described."""
        return cls(**values)


def fit_platt(margins: Floats, labels: Floats) -> Calibrator:
    """Platt's sigmoid fitted on margins (log-odds) and 0/1 labels, both of shape (n,).

    Targets are (N+ + 1)/(N+ + 2) and 1/(N- + 2) instead of 1 and 0 (Platt 1999, eq. 4), so that separable
    rows still give finite odds. No rows, one class, or a slope that would turn the order round: identity,
    "uncalibrated".
    """
    margins, labels = np.asarray(margins, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    rows, positives = len(labels), int(labels.sum())
    if rows == 0:
        return Calibrator(reason="no calibration rows")
    if positives in (0, rows):
        return Calibrator(reason=f"all {rows} calibration rows have one class", rows=rows)
    if np.ptp(margins) == 0:
        return Calibrator(reason="the model gives all calibration rows one margin", rows=rows)
    target = np.where(labels > 0, (positives + 1) / (positives + 2), 1 / (rows - positives + 2))
    slope, intercept = fit_line(margins, target)
    if slope <= 0:
        return Calibrator(reason=f"the slope {slope:.3g} would reverse the order", rows=rows)
    return Calibrator(slope, intercept, UNSEASONAL, "", rows)
