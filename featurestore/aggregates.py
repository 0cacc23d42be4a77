"""The aggregates, each read off the sweep's positions: prefix sums, sparse tables, counts of intervals.

All arithmetic is on integers; the last division is one correctly rounded double.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurestore.definitions import Aggregate, Feature
from featurestore.errors import DataContractError
from featurestore.sketches import KEPT_HASHES, bucket, estimate, hash_of, middle
from featurestore.sweep import DAY_US, Answer, Ints, Rows, Sweep, prefix
from featurestore.tally import Counts, Tally

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


def _std(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """Sample standard deviation: n sum(x^2) - sum(x)^2 in integers, wide ones where 64 bits might not do."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    values = rows.once("std_values", lambda: wide_enough(rows))
    sums = rows.once("std_sums", lambda: running(values))
    squares = rows.once("std_squares", lambda: running(values * values))
    n = (hi - lo).astype(values.dtype)
    total = sums[hi] - sums[lo]
    spread = n * (squares[hi] - squares[lo]) - total * total
    variance = divided(spread, n * (n - 1) * 100**rows.scale)
    return Answer(np.sqrt(variance.values), variance.valid)


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


def _end(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """The first or last value by (event_time, event_id)."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    at, valid = (lo if feature.aggregate is Aggregate.FIRST else hi - 1), hi > lo
    values = np.zeros(len(lo), np.int64)
    values[valid] = rows.values[at[valid]]
    return Answer(values, valid, rows.scale, rows.measure.levels)


def _tally(sweep: Sweep, rows: Rows, feature: Feature, name: str, code: Callable[[], Ints]) -> Iterator[Counts]:
    tally: Tally = rows.once(f"tally_{name}", lambda: Tally(rows.rank, code()))
    return tally.counts(sweep.queries.rank, *rows.bounds(sweep.bounds(feature.window)))


def _mode(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """The most frequent value, the smallest of several; or its share of the values."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    best, most = np.zeros(len(lo), np.int64), np.zeros(len(lo), np.int64)
    for counts in _tally(sweep, rows, feature, "values", lambda: rows.values):
        highest = counts.per_query(np.maximum, counts.count)
        best[counts.query] = counts.code[counts.first_where(counts.count == counts.spread(highest))]
        most[counts.query] = highest
    if feature.aggregate is Aggregate.MODE_SHARE:
        return divided(most, hi - lo)
    return Answer(best, hi > lo, rows.scale, rows.measure.levels)


def _quantile(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """The middle of the bucket that holds the smallest value with the asked share at or below it."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    found = np.zeros(len(lo), np.int64)
    for counts in _tally(sweep, rows, feature, "buckets", lambda: bucket(rows.values)):
        upto = np.cumsum(counts.count)
        before = (upto - counts.count)[counts.start]
        wanted = before + rank_of_quantile(feature.quantile or 1.0, (hi - lo)[counts.query])
        found[counts.query] = counts.code[counts.first_where((upto >= counts.spread(wanted)) & (counts.count > 0))]
    return Answer(middle(found) / 10**rows.scale, hi > lo)


def rank_of_quantile(quantile: float, n: Ints) -> Ints:
    """How many of `n` values lie at or below their discrete quantile at least: ceil(quantile n), exactly.

    >>> rank_of_quantile(0.9, np.array([10, 11])).tolist()
    [9, 10]
    """
    share = Fraction(str(quantile))
    return -(-n * share.numerator // share.denominator)


def _distinct_approx(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    found = np.zeros(len(sweep.queries.rank), np.int64)
    for counts in _tally(sweep, rows, feature, "hashes", lambda: hashes(rows)):
        occurs = counts.count > 0
        distinct, end = counts.per_query(np.add, occurs.astype(np.int64)), np.append(counts.start, len(occurs))
        for at in np.flatnonzero(distinct > KEPT_HASHES):
            own = slice(end[at], end[at + 1])
            kept = counts.code[own][occurs[own]][:KEPT_HASHES]  # the codes of a query ascend
            distinct[at] = estimate(int(kept[-1]))
        found[counts.query] = distinct
    return _ints(found)


def hashes(rows: Rows) -> Ints:
    """A hash of each value, of its text where it has one."""
    codes, place = np.unique(rows.values, return_inverse=True)
    levels = rows.measure.levels
    named = codes.tolist() if levels is None else levels.take(codes).to_pylist()
    return np.fromiter((hash_of(value) for value in named), np.int64, len(codes))[place]


def _streaks(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """Runs of consecutive active UTC days, clipped to the days inside the window: the longest or the last one."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    day, runs = rows.day, rows.once("runs", lambda: Runs(rows.rank, rows.day))
    length, valid = np.zeros(len(lo), np.int64), hi > lo
    first, last = lo[valid], hi[valid] - 1
    if feature.aggregate is Aggregate.STREAK_LAST:
        length[valid] = day[last] - np.maximum(runs.first_day[last], day[first]) + 1
        return _ints(length)
    cut = np.minimum(runs.end[first], hi[valid])  # behind the run that the window's edge may cut
    longest = rows.once("longest_run", lambda: SparseMaximum(day - runs.first_day + 1, rows.rank))
    length[valid] = np.maximum(day[cut - 1] - day[first] + 1, longest.maximum(cut, hi[valid]))
    return _ints(length)


class Runs:
    """Of each row, the first day of its run of consecutive days and the position behind the run's last row."""

    def __init__(self, rank: Ints, day: Ints) -> None:
        starts = np.ones(len(rank), dtype=bool)
        starts[1:] = (rank[1:] != rank[:-1]) | (day[1:] - day[:-1] > 1)
        at = np.flatnonzero(starts)
        run = np.cumsum(starts) - 1
        self.first_day = day[at][run] if len(at) else day
        self.end = np.append(at[1:], len(rank))[run] if len(at) else day


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
    Aggregate.STD: _std,
    Aggregate.FIRST: _end,
    Aggregate.LAST: _end,
    Aggregate.MODE: _mode,
    Aggregate.MODE_SHARE: _mode,
    Aggregate.QUANTILE_APPROX: _quantile,
    Aggregate.DISTINCT_APPROX: _distinct_approx,
    Aggregate.STREAK_LONGEST: _streaks,
    Aggregate.STREAK_LAST: _streaks,
}
NEEDS_ORDER = {Aggregate.MODE, Aggregate.MODE_SHARE}
"""Aggregates that compare values: the codes of a text must ascend with the text."""
