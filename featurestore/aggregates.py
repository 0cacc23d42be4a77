"""The aggregates, each read off the sweep's positions: prefix sums, sparse tables, counts of intervals.

All arithmetic is on integers; the last division is one correctly rounded double.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from featurestore.definitions import Aggregate, Feature
from featurestore.errors import DataContractError
from featurestore.sweep import DAY_US, Answer, Ints, Rows, Sweep, prefix

LARGEST_SUM = 10**18
"""Scaled integers below this fit decimal(18, 2) and int64 alike; a larger sum raises."""
EXACT_DOUBLE = 2**53


def answer(sweep: Sweep, feature: Feature) -> Answer:
    """The values of `feature`, one per query of the sweep."""
    return FOLDS[feature.aggregate](sweep, sweep.rows_of(feature), feature)


def _ints(values: Ints, scale: int = 0) -> Answer:
    return Answer(values, np.ones(len(values), dtype=bool), scale)


def _count(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    return _ints(hi - lo)


def _window_sums(sweep: Sweep, rows: Rows, feature: Feature) -> tuple[Ints, Ints]:
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    sums = rows.once("sums", lambda: prefix(refuse_overflow(rows)))
    return sums[hi] - sums[lo], hi - lo


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


def _sum(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    return _ints(_window_sums(sweep, rows, feature)[0], rows.scale)


def _mean(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    total, count = _window_sums(sweep, rows, feature)
    return divided(total, count * 10**rows.scale)


def divided(total: Ints, by: Ints) -> Answer:
    """total / by, each one correctly rounded double; NULL where `by` is 0."""
    valid = by > 0
    quotient = np.divide(total, np.where(valid, by, 1), dtype=np.float64)
    for i in np.flatnonzero((np.abs(total) >= EXACT_DOUBLE) & valid):
        quotient[i] = int(total[i]) / int(by[i])  # Python rounds a quotient of any two integers once
    return Answer(quotient, valid)


def _extreme(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    sign = -1 if feature.aggregate is Aggregate.MIN else 1
    table = rows.once(f"extreme{sign}", lambda: SparseMaximum(sign * rows.values, rows.rank))
    return Answer(sign * table.maximum(lo, hi), hi > lo, rows.scale)


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


def _distinct_of(code: Callable[[Rows], Ints]) -> Callable[[Sweep, Rows, Feature], Answer]:
    """Distinct codes in a window: an occurrence counts while it is its code's latest one and still inside.

    That is for window ends in `(t, min(next occurrence, t + days)]`: an interval per event, no set.
    """

    def fold(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
        order, following = rows.once(f"next{code.__name__}", lambda: _next_occurrence(rows, code(rows)))
        rank, time = rows.rank[order], rows.time[order]
        days = feature.window.days
        until = following if days is None else np.minimum(following, time + days * DAY_US)
        return _ints(sweep.interval_counts(rank, time, until, window=feature.window))

    return fold


def _next_occurrence(rows: Rows, code: Ints) -> tuple[Ints, Ints]:
    """Order by (customer, code, time), and the time of the next row of the same customer and code."""
    order = np.lexsort((rows.time, code, rows.rank))
    rank, sorted_code, time = rows.rank[order], code[order], rows.time[order]
    following = np.full(len(order), np.iinfo(np.int64).max // 2)
    same = (rank[1:] == rank[:-1]) & (sorted_code[1:] == sorted_code[:-1])
    following[:-1][same] = time[1:][same]
    return order, following


def value_code(rows: Rows) -> Ints:
    """Distinct values."""
    return rows.values


def day_code(rows: Rows) -> Ints:
    """Distinct UTC days."""
    return rows.day


def month_code(rows: Rows) -> Ints:
    """Distinct UTC calendar months."""
    return rows.month


def _days_since(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    at = hi - 1 if feature.aggregate is Aggregate.DAYS_SINCE_LAST else lo
    valid = hi > lo
    since = np.zeros(len(lo), np.float64)
    since[valid] = (sweep.queries.time[valid] - rows.time[at[valid]]) / DAY_US
    return Answer(since, valid)


def _gaps(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """Gaps between consecutive active days inside the window; both days of a gap lie inside it."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    lo = np.minimum(lo + 1, hi)
    gap = rows.once("gaps", rows.gaps)
    if feature.aggregate is Aggregate.GAP_MAX:
        longest = rows.once("gap_max", lambda: SparseMaximum(gap, rows.rank)).maximum(lo, hi)
        return Answer(longest, longest > 0)
    counts = rows.once("gap_count", lambda: prefix((gap > 0).astype(np.int64)))
    sums = rows.once("gap_sum", lambda: prefix(gap))
    n, total = counts[hi] - counts[lo], sums[hi] - sums[lo]
    if feature.aggregate is Aggregate.GAP_MEAN:
        return divided(total, n)
    squares = rows.once("gap_squares", lambda: prefix(gap * gap))
    spread = n * (squares[hi] - squares[lo]) - total * total
    variance = divided(spread, n * (n - 1))
    return Answer(np.sqrt(variance.values), variance.valid)


FOLDS: dict[Aggregate, Callable[[Sweep, Rows, Feature], Answer]] = {
    Aggregate.COUNT: _count,
    Aggregate.SUM: _sum,
    Aggregate.MEAN: _mean,
    Aggregate.MIN: _extreme,
    Aggregate.MAX: _extreme,
    Aggregate.DISTINCT: _distinct_of(value_code),
    Aggregate.ACTIVE_DAYS: _distinct_of(day_code),
    Aggregate.ACTIVE_MONTHS: _distinct_of(month_code),
    Aggregate.DAYS_SINCE_LAST: _days_since,
    Aggregate.DAYS_SINCE_FIRST: _days_since,
    Aggregate.GAP_MEAN: _gaps,
    Aggregate.GAP_STD: _gaps,
    Aggregate.GAP_MAX: _gaps,
}
