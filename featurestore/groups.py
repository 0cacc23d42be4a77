"""Aggregates over groups of a customer's events: sums per order and what they spread over, spans from first to last.

A group is what the window holds of the events with one key. Where all events of a group share an instant, no
window can cut it: it is then one event at that instant, and the plain aggregates fold it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurestore.arithmetic import divided, refuse_overflow, wide_enough
from featurestore.definitions import Aggregate, Feature
from featurestore.sweep import DAY_US, Answer, Bools, Ints, Rows, Sweep, prefix
from featurestore.tally import Counts, Tally

Fold = Callable[[Sweep, Rows, Feature], Answer]
FOREVER = np.iinfo(np.int64).max // 2


def grouped(fold: Fold, sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """`fold` over the sums of the groups of `rows`, exact where a window cuts a group, too."""
    groups: Groups = rows.once("groups", lambda: Groups(rows))
    found = fold(sweep, groups.as_events, feature)
    scattered = np.isin(sweep.queries.rank, groups.scattered_customers)
    if not scattered.any():
        return found
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    values, valid = found.values.copy(), found.valid & ~scattered
    for counts in groups.tally.counts(sweep.queries.rank, lo, np.where(scattered, hi, lo)):
        values[counts.query], valid[counts.query] = _cut(feature.aggregate, groups.sums(counts), counts, rows)
    return Answer(values, valid, found.scale)


class Groups:
    """The events of `rows` by key: each customer's groups, and which customers have one that lasts."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.order = np.lexsort((rows.key, rows.rank))
        rank, key, time = rows.rank[self.order], rows.key[self.order], rows.time[self.order]
        starts = np.ones(len(rank), dtype=bool)
        starts[1:] = (rank[1:] != rank[:-1]) | (key[1:] != key[:-1])
        self.start = np.flatnonzero(starts)
        end = np.append(self.start[1:], len(rank)) - 1
        lasts = time[end] > time[self.start] if len(rank) else np.zeros(0, dtype=bool)
        self.scattered_customers = np.unique(rank[self.start[lasts]])

    @cached_property
    def as_events(self) -> Rows:
        """Each group as one event at the instant of its first, its value the sum."""
        rows, values = self.rows, refuse_overflow(self.rows)
        total = np.add.reduceat(values[self.order], self.start) if len(self.start) else values
        first = self.order[self.start]
        at = np.argsort(first)
        begins = np.zeros(len(rows.rank), np.int64)
        begins[first] = 1
        total, first = total[at], first[at]
        return Rows(rows.rank[first], rows.time[first], total, rows.measure, prefix(begins)[rows.count_before], total)

    @cached_property
    def tally(self) -> Tally:
        return Tally(self.rows.rank, self.rows.key)

    @cached_property
    def _running(self) -> Ints:
        return prefix(self.rows.values[self.tally.order])

    def sums(self, counts: Counts) -> Ints:
        """The sum of what the window holds of each pair's group, (p,)."""
        found: Ints = self._running[counts.begin + counts.count] - self._running[counts.begin]
        return found


def _cut(aggregate: Aggregate, sums: Ints, counts: Counts, rows: Rows) -> tuple[NDArray[Any], NDArray[Any]]:
    """The aggregate over the sums of each query's groups that occur in its window; whether there is one."""
    occurs = counts.count > 0
    if aggregate in (Aggregate.MIN, Aggregate.MAX):
        low = aggregate is Aggregate.MIN
        outside = np.iinfo(np.int64).max if low else np.iinfo(np.int64).min
        reduced = counts.per_query(np.minimum if low else np.maximum, np.where(occurs, sums, outside))
        return reduced, np.ones(len(reduced), dtype=bool)
    wide = wide_enough(replace(rows, values=sums, rank=counts.spread(np.arange(len(counts.start)))))
    n = counts.per_query(np.add, occurs.astype(np.int64))
    total = np.add.reduceat(wide, counts.start)
    if aggregate is Aggregate.MEAN:
        mean = divided(total, n * 10**rows.scale)
        return mean.values, mean.valid
    n = n.astype(wide.dtype)
    spread = n * np.add.reduceat(wide * wide, counts.start) - total * total
    variance = divided(spread, n * (n - 1) * 100**rows.scale)
    return np.sqrt(variance.values), variance.valid


def spans(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """Time from the first to the last event of each value inside the window: the sum, or the mean of the values
    with two events at least.

    A step from one event of a value to its next one counts while both lie inside: for window ends in
    `(t, t_before + days]`. A value has two events inside while its latest one and the one before it do.
    """
    steps: Steps = rows.once("steps", lambda: Steps(rows))
    days = feature.window.days
    leaves = np.full(len(steps.time), FOREVER) if days is None else steps.before + days * DAY_US
    inside = leaves > steps.time
    total = steps.counted(sweep, leaves, feature, chosen=inside, weight=steps.time - steps.before)
    if feature.aggregate is Aggregate.SPAN_SUM:
        return divided(total, np.full(len(total), DAY_US))
    until = np.minimum(leaves, steps.following)
    n = steps.counted(sweep, until, feature, chosen=until > steps.time)
    return divided(total, n * DAY_US)


class Steps:
    """Steps from an event of a value to the next one of the same customer and value: `before` and `time` (k,)."""

    def __init__(self, rows: Rows) -> None:
        order = np.lexsort((rows.time, rows.values, rows.rank))
        rank, value, time = rows.rank[order], rows.values[order], rows.time[order]
        same = (rank[1:] == rank[:-1]) & (value[1:] == value[:-1])
        following = np.full(len(time), FOREVER)
        following[:-1][same] = time[1:][same]
        at = np.flatnonzero(same) + 1
        self.rank, self.before, self.time, self.following = rank[at], time[at - 1], time[at], following[at]

    def counted(
        self, sweep: Sweep, until: Ints, feature: Feature, *, chosen: Bools, weight: Ints | None = None
    ) -> Ints:
        """How many of the `chosen` steps (or how much `weight`) each query's window end finds in `(time, until]`."""
        heavy = None if weight is None else weight[chosen]
        return sweep.interval_counts(
            self.rank[chosen], self.time[chosen], until[chosen], window=feature.window, weight=heavy
        )
