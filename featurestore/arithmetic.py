"""Exact arithmetic that several aggregates share: sums that cannot overflow unseen, one rounding, maxima of ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurestore.errors import DataContractError
from featurestore.sweep import Answer, Ints, Rows

LARGEST_SUM = 10**18
"""Scaled integers below this fit decimal(18, 2) and int64 alike; a larger sum raises."""
EXACT_DOUBLE = 2**53


def integers(values: Ints, scale: int = 0) -> Answer:
    """Integers that are never NULL."""
    return Answer(values, np.ones(len(values), dtype=bool), scale)


def refuse_overflow(rows: Rows) -> Ints:
    """The values, unless a customer's absolute sum leaves what decimal(18,2) holds."""
    if len(rows.values) and float(np.abs(rows.values).max()) * len(rows.values) >= LARGEST_SUM:
        largest = np.bincount(rows.rank, weights=np.abs(rows.values.astype(np.float64))).max()
        if largest >= LARGEST_SUM:
            raise DataContractError(
                f"a sum of one customer's events reaches {largest:.3g} scaled units; "
                f"decimal(18,2) holds {LARGEST_SUM:.0e}."
            )
    return rows.values


def divided(total: Ints, by: Ints) -> Answer:
    """total / by, each one correctly rounded double; NULL where `by` is 0."""
    valid = (by > 0).astype(bool)
    if total.dtype == object or by.dtype == object:
        exact = valid
        quotient = np.zeros(len(total))
    else:
        quotient = np.divide(total, np.where(valid, by, 1), dtype=np.float64)
        exact = ((np.abs(total) >= EXACT_DOUBLE) | (by >= EXACT_DOUBLE)) & valid
    for i in np.flatnonzero(exact):
        quotient[i] = int(total[i]) / int(by[i])  # Python rounds a quotient of any two integers once
    return Answer(quotient, valid)


def wide_enough(rows: Rows) -> NDArray[Any]:
    """The values as int64, or as Python integers where n^2 x^2 of one customer could exceed 63 bits."""
    if not len(rows.values):
        return rows.values
    largest, most = int(np.abs(rows.values).max()), int(np.bincount(rows.rank).max())
    fits = (max(largest, 10**rows.scale) * most) ** 2 < 2**62
    return rows.values if fits else rows.values.astype(object)


def running(values: NDArray[Any]) -> NDArray[Any]:
    """Sums of the first 0, 1, 2, ... values, in the type of the values."""
    return np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])


class SparseMaximum:
    """Maximum over any `[lo, hi)` from two overlapping power-of-two blocks; levels end at the longest history."""

    def __init__(self, values: Ints, rank: Ints) -> None:
        longest = int(np.bincount(rank).max()) if len(rank) else 0
        self.levels = [values]
        while (1 << len(self.levels)) <= longest:
            width = 1 << (len(self.levels) - 1)
            below = self.levels[-1]
            level = below.copy()
            np.maximum(below[:-width], below[width:], out=level[:-width])
            self.levels.append(level)

    def maximum(self, lo: Ints, hi: Ints) -> Ints:
        """The maximum of each `[lo, hi)`; 0 where it is empty."""
        result = np.zeros(len(lo), np.int64)
        length = hi - lo
        for k, level in enumerate(self.levels):
            at = np.flatnonzero((length >> k) == 1)
            result[at] = np.maximum(level[lo[at]], level[hi[at] - (1 << k)])
        return result
