"""The sweep: every aggregate of a block of customers at all instants, read off their sorted histories.

Events lie sorted by (customer, time). A window of a query is a pair of positions `[lo, hi)` into
them, found by binary search on one packed key per event; prefix sums, sparse tables and counts of
intervals then give each aggregate in time linear in events plus queries. All arithmetic is on
integers, so no order of events, block or partition changes a digit; the last division is one
correctly rounded double.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from featurestore.definitions import Aggregate, Condition, Feature, Window
from featurestore.errors import DataContractError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DAY_US = 86_400_000_000
KEY_BITS = 62
LARGEST_SUM = 10**18
"""Scaled integers below this fit decimal(18, 2) and int64 alike; a larger sum raises."""
EXACT_DOUBLE = 2**53


@dataclass(frozen=True)
class Measure:
    """A column of events as integers: `values` (n,) int64, `valid` (n,) bool, `scale` decimal digits."""

    values: Ints
    valid: Bools
    scale: int = 0


@dataclass(frozen=True)
class Answer:
    """Values of one feature, one per query: integers of `scale` digits, or doubles; `valid` False is NULL."""

    values: npt.NDArray[Any]
    valid: Bools
    scale: int = 0


@dataclass(frozen=True)
class Histories:
    """Events of a block of customers: `rank` (n,) 0.. and `time` (n,) microseconds, sorted by both."""

    rank: Ints
    time: Ints
    measures: dict[str, Measure]


@dataclass(frozen=True)
class Queries:
    """Instants asked for: `rank` (q,) and `time` (q,) microseconds, sorted by both."""

    rank: Ints
    time: Ints


def customers_that_fit(span_us: int) -> int:
    """How many customers one block may hold when all its instants lie within `span_us` microseconds.

    >>> customers_that_fit(10 * 365 * DAY_US)
    4096
    """
    return 1 << max(0, KEY_BITS - max(1, int(span_us).bit_length()) - 1)


class Sweep:
    """Answers `Feature` folds for `queries` over `histories`; positions are shared between features."""

    def __init__(self, histories: Histories, queries: Queries, *, reach_days: int) -> None:
        """`reach_days`: the most that any window's edge lies away from its query's instant, lifetime aside."""
        self.histories, self.queries = histories, queries
        times = np.concatenate([histories.time, queries.time])
        self.origin = int(times.min()) if len(times) else 0
        span = (int(times.max()) - self.origin if len(times) else 0) + reach_days * DAY_US
        self.stride = 1 << span.bit_length() + 1
        self.key = histories.rank * self.stride + (histories.time - self.origin)
        self._bounds: dict[Window, tuple[Ints, Ints]] = {}
        self._rows: dict[tuple[Any, ...], Rows] = {}

    @cached_property
    def start(self) -> Ints:
        """Position of the first event of each query's customer, (q,)."""
        return np.searchsorted(self.histories.rank, self.queries.rank, side="left")

    @cached_property
    def end(self) -> Ints:
        """Position after the last event of each query's customer, (q,)."""
        return np.searchsorted(self.histories.rank, self.queries.rank, side="right")

    @property
    def visible(self) -> Bools:
        """Whether the query's customer has any event before the query's instant, (q,)."""
        return self._position(self.queries.time) > self.start

    def bounds(self, window: Window) -> tuple[Ints, Ints]:
        """Positions `[lo, hi)` of the events inside `window` of each query."""
        if window not in self._bounds:
            until = self.queries.time - window.offset_days * DAY_US
            lo = self.start if window.days is None else self._position(until - window.days * DAY_US)
            self._bounds[window] = (lo, self._position(until))
        return self._bounds[window]

    def answer(self, feature: Feature) -> Answer:
        """The values of `feature`, one per query."""
        rows = self._rows_of(feature)
        return FOLDS[feature.aggregate](self, rows, feature)

    def _position(self, time: Ints) -> Ints:
        """Events of the query's customer strictly before `time`: a position, clipped to the customer."""
        return np.searchsorted(self.key, self.queries.rank * self.stride + self._clipped(time), side="left")

    def _rows_of(self, feature: Feature) -> Rows:
        identity = (feature.where, feature.measure, feature.negated)
        if identity not in self._rows:
            self._rows[identity] = self._select(feature)
        return self._rows[identity]

    def _select(self, feature: Feature) -> Rows:
        keep = np.ones(len(self.key), dtype=bool)
        for condition in feature.where:
            measure = self.histories.measures[condition.column]
            keep &= measure.valid & scaled(condition, measure.scale).holds(measure.values)
        values, scale = np.zeros(len(self.key), np.int64), 0
        if feature.measure is not None:
            measure = self.histories.measures[feature.measure]
            keep &= measure.valid
            values, scale = measure.values, measure.scale
        index = np.flatnonzero(keep)
        kept = -values[index] if feature.negated else values[index]
        return Rows(self.histories.rank[index], self.histories.time[index], kept, scale, prefix(keep.astype(np.int64)))

    def instants(self, window: Window) -> Ints:
        """Packed keys of the ends of `window`, one per query, ascending within a customer."""
        return self.queries.rank * self.stride + self._clipped(self.queries.time - window.offset_days * DAY_US)

    def _clipped(self, time: Ints) -> Ints:
        return np.clip(time - self.origin, 0, self.stride - 1)

    def interval_counts(self, rank: Ints, after: Ints, until: Ints, *, window: Window) -> Ints:
        """For each query, how many intervals `(after, until]` of its customer hold the end of `window`."""
        ends = self.instants(window)
        opened = np.searchsorted(ends, rank * self.stride + self._clipped(after), side="right")
        closed = np.searchsorted(ends, rank * self.stride + self._clipped(until), side="right")
        size = len(ends) + 1
        return np.cumsum(np.bincount(opened, minlength=size) - np.bincount(closed, minlength=size))[:-1]


@dataclass(frozen=True)
class Rows:
    """The events that a feature folds, in order, and `count_before` to turn positions of all into theirs."""

    rank: Ints
    time: Ints
    values: Ints
    scale: int
    count_before: Ints
    _memo: dict[str, Any] = field(default_factory=dict, compare=False)

    def bounds(self, positions: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
        return self.count_before[positions[0]], self.count_before[positions[1]]

    @property
    def day(self) -> Ints:
        """UTC day number of each row."""
        return np.floor_divide(self.time, DAY_US)

    @property
    def month(self) -> Ints:
        """UTC month number of each row."""
        return self.time.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """`make()`, computed once per selection of rows whatever the number of windows."""
        if name not in self._memo:
            self._memo[name] = make()
        return self._memo[name]

    def gaps(self) -> Ints:
        """Days between a row's day and the previous row's day of the same customer; 0 where there is none."""
        days, gap = self.day, np.zeros(len(self.rank), np.int64)
        same = self.rank[1:] == self.rank[:-1]
        gap[1:][same] = np.diff(days)[same]
        return gap


def prefix(values: Ints) -> Ints:
    """Sums of the first 0, 1, 2, ... values; int64 wraps, which differences undo."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def scaled(condition: Condition, scale: int) -> Condition:
    """The condition with its constant in the measure's scaled integers."""
    return Condition(condition.column, condition.operator, condition.value * 10**scale) if scale else condition


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
