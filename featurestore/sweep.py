"""The sweep: every aggregate of a block of customers at all instants, read off their sorted histories.

Events lie sorted by (customer, time). A window of a query is a pair of positions `[lo, hi)` into
them, found by binary search on one packed key per event; prefix sums, sparse tables and counts of
intervals then give each aggregate in time linear in events plus queries. All arithmetic is on
integers, so no order of events, block or partition changes a digit; the last division is one
correctly rounded double.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from featurestore.definitions import Condition, Feature, Window

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DAY_US = 86_400_000_000
KEY_BITS = 62


@dataclass(frozen=True)
class Measure:
    """A column of events as integers: `values` (n,) int64, `valid` (n,) bool, `scale` decimal digits.

    The values of a text column are codes, which mean nothing outside the block; `code_of` gives the code of
    a text, -1 for one that the block does not hold.
    """

    values: Ints
    valid: Bools
    scale: int = 0
    code_of: Callable[[str], int] = lambda _: -1
    levels: Any = None
    """Of a text column, the Arrow array of texts that the codes are positions in."""

    def where(self, condition: Condition) -> Bools:
        """(n,) whether the condition holds; never for NULL."""
        held: Bools = replace(condition, value=self.coded(condition.value)).holds(self.values)
        return self.valid & held

    def coded(self, constant: int | bool | str) -> int:
        """The constant as the integer that stands for it in `values`."""
        return self.code_of(constant) if isinstance(constant, str) else constant * 10**self.scale


NO_MEASURE = Measure(np.zeros(0, np.int64), np.zeros(0, bool))


@dataclass(frozen=True)
class Answer:
    """Values of one feature, one per query: integers of `scale` digits, or doubles; `valid` False is NULL."""

    values: npt.NDArray[Any]
    valid: Bools
    scale: int = 0
    levels: Any = None


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
    """Windows of `queries` as positions in `histories`, and the rows a feature folds; shared between features."""

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

    def bounds(self, window: Window) -> tuple[Ints, Ints]:
        """Positions `[lo, hi)` of the events inside `window` of each query."""
        if window not in self._bounds:
            until = self.queries.time - window.offset_days * DAY_US
            lo = self.start if window.days is None else self._position(until - window.days * DAY_US)
            self._bounds[window] = (lo, self._position(until))
        return self._bounds[window]

    def _position(self, time: Ints) -> Ints:
        """Events of the query's customer strictly before `time`: a position, clipped to the customer."""
        return np.searchsorted(self.key, self.queries.rank * self.stride + self._clipped(time), side="left")

    def rows_of(self, feature: Feature) -> Rows:
        """The events that `feature` folds, selected once for all its windows."""
        identity = (feature.where, feature.measure, feature.negated, feature.per)
        if identity not in self._rows:
            self._rows[identity] = self._select(feature)
        return self._rows[identity]

    def _select(self, feature: Feature) -> Rows:
        keep = np.ones(len(self.key), dtype=bool)
        for condition in feature.where:
            keep &= self.histories.measures[condition.column].where(condition)
        measure = NO_MEASURE if feature.measure is None else self.histories.measures[feature.measure]
        if measure is not NO_MEASURE:
            keep &= measure.valid
        key = NO_MEASURE if feature.per is None else self.histories.measures[feature.per]
        if key is not NO_MEASURE:
            keep &= key.valid
        index = np.flatnonzero(keep)
        values = np.zeros(len(index), np.int64) if measure is NO_MEASURE else measure.values[index]
        return Rows(
            self.histories.rank[index],
            self.histories.time[index],
            -values if feature.negated else values,
            measure,
            prefix(keep.astype(np.int64)),
            values if key is NO_MEASURE else key.values[index],
        )

    def instants(self, window: Window) -> Ints:
        """Packed keys of the ends of `window`, one per query, ascending within a customer."""
        return self.queries.rank * self.stride + self._clipped(self.queries.time - window.offset_days * DAY_US)

    def _clipped(self, time: Ints) -> Ints:
        return np.clip(time - self.origin, 0, self.stride - 1)

    def interval_counts(
        self, rank: Ints, after: Ints, until: Ints, *, window: Window, weight: Ints | None = None
    ) -> Ints:
        """For each query, how many intervals `(after, until]` of its customer hold the end of `window`.

        `weight` (n,) counts an interval as that many; no interval ends before it begins.
        """
        ends = self.instants(window)
        opened = np.searchsorted(ends, rank * self.stride + self._clipped(after), side="right")
        closed = np.searchsorted(ends, rank * self.stride + self._clipped(until), side="right")
        size = len(ends) + 1
        if weight is None:
            return np.cumsum(np.bincount(opened, minlength=size) - np.bincount(closed, minlength=size))[:-1]
        change = np.zeros(size, np.int64)  # bincount would add in doubles
        np.add.at(change, opened, weight)
        np.subtract.at(change, closed, weight)
        return np.cumsum(change)[:-1]


@dataclass(frozen=True)
class Rows:
    """The events that a feature folds, in order, and `count_before` to turn positions of all into theirs."""

    rank: Ints
    time: Ints
    values: Ints
    measure: Measure
    count_before: Ints
    key: Ints
    """Codes of the groups that are summed first; the values themselves for a fold without groups."""
    _memo: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def scale(self) -> int:
        """Decimal digits of the values."""
        return self.measure.scale

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
        """Days between a row's day and the previous row's; a customer's first row has none, and no pair asks for it."""
        return np.diff(self.day, prepend=self.day[:1])


def prefix(values: Ints) -> Ints:
    """Sums of the first 0, 1, 2, ... values; int64 wraps, which differences undo."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
