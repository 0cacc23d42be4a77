"""The aggregates, each read off the sweep's positions: prefix sums, sparse tables, counts of intervals.

All arithmetic is on integers; the last division is one correctly rounded double.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from featurestore.active_days import gaps, streaks
from featurestore.arithmetic import SparseMaximum, divided, integers, refuse_overflow, running, wide_enough
from featurestore.definitions import Aggregate, Feature
from featurestore.frequencies import distinct_approx, mode, quantile
from featurestore.groups import grouped, spans
from featurestore.sweep import DAY_US, Answer, Ints, Rows, Sweep, prefix


def answer(sweep: Sweep, feature: Feature) -> Answer:
    """The values of `feature`, one per query of the sweep."""
    fold, rows = FOLDS[feature.aggregate], sweep.rows_of(feature)
    return fold(sweep, rows, feature) if feature.per is None else grouped(fold, sweep, rows, feature)


def _count(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    return integers(hi - lo)


def _window_sums(sweep: Sweep, rows: Rows, feature: Feature) -> tuple[Ints, Ints]:
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    sums = rows.once("sums", lambda: prefix(refuse_overflow(rows)))
    return sums[hi] - sums[lo], hi - lo


def _sum(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    return integers(_window_sums(sweep, rows, feature)[0], rows.scale)


def _mean(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    total, count = _window_sums(sweep, rows, feature)
    return divided(total, count * 10**rows.scale)


def _extreme(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    sign = -1 if feature.aggregate is Aggregate.MIN else 1
    table = rows.once(f"extreme{sign}", lambda: SparseMaximum(sign * rows.values, rows.rank))
    return Answer(sign * table.maximum(lo, hi), hi > lo, rows.scale)


def _distinct_of(code: Callable[[Rows], Ints]) -> Callable[[Sweep, Rows, Feature], Answer]:
    """Distinct codes in a window: an occurrence counts while it is its code's latest one and still inside.

    That is for window ends in `(t, min(next occurrence, t + days)]`: an interval per event, no set.
    """

    def fold(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
        order, following = rows.once(f"next{code.__name__}", lambda: _next_occurrence(rows, code(rows)))
        rank, time = rows.rank[order], rows.time[order]
        days = feature.window.days
        until = following if days is None else np.minimum(following, time + days * DAY_US)
        return integers(sweep.interval_counts(rank, time, until, window=feature.window))

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


def _end(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """The first or last value by (event_time, event_id)."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    at, valid = (lo if feature.aggregate is Aggregate.FIRST else hi - 1), hi > lo
    values = np.zeros(len(lo), np.int64)
    values[valid] = rows.values[at[valid]]
    return Answer(values, valid, rows.scale, rows.measure.levels)


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
    Aggregate.GAP_MEAN: gaps,
    Aggregate.GAP_STD: gaps,
    Aggregate.GAP_MAX: gaps,
    Aggregate.STD: _std,
    Aggregate.FIRST: _end,
    Aggregate.LAST: _end,
    Aggregate.MODE: mode,
    Aggregate.MODE_SHARE: mode,
    Aggregate.QUANTILE_APPROX: quantile,
    Aggregate.DISTINCT_APPROX: distinct_approx,
    Aggregate.STREAK_LONGEST: streaks,
    Aggregate.STREAK_LAST: streaks,
    Aggregate.SPAN_SUM: spans,
    Aggregate.SPAN_MEAN: spans,
}
NEEDS_ORDER = {Aggregate.MODE, Aggregate.MODE_SHARE}
"""Aggregates that compare values: the codes of a text must ascend with the text."""
