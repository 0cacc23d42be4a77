"""Every aggregate as start, add, merge, finish: the fold that any engine may run, event by event or in parts.

`merge` is associative and commutative with `start()` as identity, so any split of the events gives the same
answer; the sweep gives it too, for many customers and instants at once. A state is a plain value that can be
stored. It is of constant size for counts, sums, ends and sketches; for the others it is the set of days or the
count of each value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np

from featurestore.definitions import Aggregate, Feature
from featurestore.sketches import KEPT_HASHES, bucket, estimate, hash_of, middle

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Event:
    """What a fold sees of an event that qualifies: `time` (microseconds UTC), its `event_id`, its measure.

    `value` is an integer (scaled where the measure is a decimal) or a text; 0 for a fold without measure.
    `key` tells the groups of a fold `per` a column apart.
    """

    time: int
    event_id: str
    value: Any = 0
    key: Any = None

    @property
    def day(self) -> int:
        """UTC day number."""
        return self.time // DAY_US


@dataclass(frozen=True)
class Fold:
    """One aggregate: the state `of` one event, the `merge` of two states, and what a state says at an instant.

    `finish(state, as_of)`, as_of in microseconds, is an int (of the measure's scale), a float, a text or None.
    """

    start: Callable[[], Any]
    of: Callable[[Event], Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[[Any, int], Any]

    def add(self, state: Any, event: Event) -> Any:
        """The state after one more event."""
        return self.merge(state, self.of(event))

    def fold(self, events: Iterable[Event]) -> Any:
        """The state of all `events`, in any order."""
        return reduce(self.add, events, self.start())


def fold_of(feature: Feature, *, scale: int = 0) -> Fold:
    """The fold of `feature`, whose measure has `scale` decimal digits.

    >>> from featurestore.definitions import LIFETIME
    >>> count = fold_of(Feature("n", Aggregate.COUNT, LIFETIME, "bigint", "", ""))
    >>> count.finish(count.fold([Event(1, "a"), Event(2, "b")]), 3)
    2
    """
    folds = FOLDS if feature.per is None else GROUPED_FOLDS
    return folds[feature.aggregate](feature, 10**scale)


def _over(total: int, by: int) -> float | None:
    """total / by, rounded once; None where `by` is 0."""
    return total / by if by else None


def _summing(finish: Callable[..., Any]) -> Callable[[Feature, int], Fold]:
    """State (n, sum, sum of squares), integers of any size; `finish` takes them and the unit."""

    def made(feature: Feature, unit: int) -> Fold:
        def of(event: Event) -> tuple[int, int, int]:
            value = 0 if isinstance(event.value, str) else int(event.value)
            return 1, -value if feature.negated else value, value * value

        def merge(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(a + b for a, b in zip(one, other, strict=True))

        return Fold(lambda: (0, 0, 0), of, merge, lambda state, _: finish(*state, unit))

    return made


def _spread(n: int, total: int, squares: int, unit: int) -> float | None:
    variance = _over(n * squares - total * total, n * (n - 1) * unit * unit) if n > 1 else None
    return None if variance is None else sqrt(variance)


def _ending(
    key: Callable[[Event], Any] | None, pick: Any, finish: Callable[[Any, int], Any]
) -> Callable[[Feature, int], Fold]:
    """State: the event that `pick` (min or max) takes by `key`, or by its value, as (key, time, value), or None.

    Equal keys are told apart by time, so that the state does not depend on the order of merges.
    """

    def made(feature: Feature, _: int) -> Fold:
        def of(event: Event) -> tuple[Any, int, Any]:
            value = -event.value if feature.negated else event.value
            return (value if key is None else key(event)), event.time, value

        def merge(one: Any, other: Any) -> Any:
            if one is None or other is None:
                return other if one is None else one
            return pick(one, other, key=lambda state: state[:2])

        return Fold(lambda: None, of, merge, lambda state, as_of: None if state is None else finish(state, as_of))

    return made


def _value(event: Event) -> Any:
    return event.value


def _place(event: Event) -> tuple[int, str]:
    """Its place in the total order of a customer's events."""
    return event.time, event.event_id


def _read_value(state: tuple[Any, int, Any], _: int) -> Any:
    return state[2]


def _days_ago(state: tuple[Any, int, Any], as_of: int) -> float:
    return (as_of - state[1]) / DAY_US


def _collecting(of: Callable[[Event], Any], finish: Callable[[frozenset[Any]], Any]) -> Callable[[Feature, int], Fold]:
    """State: a set."""

    def made(*_: Any) -> Fold:
        return Fold(frozenset, lambda event: frozenset([of(event)]), frozenset.union, lambda state, _: finish(state))

    return made


def _month(event: Event) -> tuple[int, int]:
    when = datetime.fromtimestamp(event.time // 1_000_000, UTC)
    return when.year, when.month


def _gaps(days: frozenset[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(sorted(days))]


def _gap_mean(days: frozenset[int]) -> float | None:
    return _over(sum(_gaps(days)), len(days) - 1) if days else None


def _gap_std(days: frozenset[int]) -> float | None:
    gaps = _gaps(days)
    return _spread(len(gaps), sum(gaps), sum(gap * gap for gap in gaps), 1)


def _streaks(days: frozenset[int]) -> list[int]:
    """Lengths of the runs of consecutive days, in order of time."""
    lengths: list[int] = []
    for gap in [0, *_gaps(days)] if days else []:
        if gap == 1:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


def _counting(
    of: Callable[[Any], Any], finish: Callable[[Counter[Any], Feature, int], Any]
) -> Callable[[Feature, int], Fold]:
    """State: how often each value, or what `of` makes of it, occurs."""

    def made(feature: Feature, unit: int) -> Fold:
        def one(event: Event) -> Counter[Any]:
            return Counter([of(-event.value if feature.negated else event.value)])

        return Fold(Counter, one, lambda a, b: a + b, lambda state, _: finish(state, feature, unit))

    return made


def _most_frequent(counts: Counter[Any], *_: Any) -> Any:
    """The smallest of the most frequent values."""
    return min(counts, key=lambda value: (-counts[value], value), default=None)


def _share_of_most_frequent(counts: Counter[Any], *_: Any) -> float | None:
    return _over(max(counts.values(), default=0), counts.total())


def _quantile(buckets: Counter[int], feature: Feature, unit: int) -> float | None:
    wanted, upto = Fraction(str(feature.quantile)) * buckets.total(), 0
    for one in sorted(buckets):
        upto += buckets[one]
        if upto >= wanted:
            return float(middle(np.array([one]))[0]) / unit
    return None


def _bucket(value: int) -> int:
    return int(bucket(np.array([value]))[0])


def _spanning(finish: Callable[[list[tuple[int, int, int]]], Any]) -> Callable[[Feature, int], Fold]:
    """State: each value with its events' number, first and last time, where `finish` takes those of all values."""

    def joined(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
        return one[0] + other[0], min(one[1], other[1]), max(one[2], other[2])

    def merge(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
        both = {value: joined(one[value], other[value]) for value in one.keys() & other.keys()}
        return {**one, **other, **both}

    def made(*_: Any) -> Fold:
        return Fold(dict, lambda event: {event.value: (1, event.time, event.time)}, merge,
                    lambda state, _: finish(list(state.values())))  # fmt: skip

    return made


def _span_mean(spans: list[tuple[int, int, int]]) -> float | None:
    lengths = [last - first for n, first, last in spans if n > 1]
    return _over(sum(lengths), len(lengths) * DAY_US)


def _grouping(finish: Callable[[list[int], int], Any]) -> Callable[[Feature, int], Fold]:
    """State: the sum of each group, by its key; `finish` takes the sums and the unit."""

    def made(feature: Feature, unit: int) -> Fold:
        def of(event: Event) -> dict[Any, int]:
            return {event.key: -event.value if feature.negated else event.value}

        def merge(one: dict[Any, int], other: dict[Any, int]) -> dict[Any, int]:
            return {**one, **{key: one.get(key, 0) + value for key, value in other.items()}}

        return Fold(dict, of, merge, lambda state, _: finish(list(state.values()), unit))

    return made


def _sketching(*_: Any) -> Fold:
    """State: the smallest hashes seen, one more than KEPT_HASHES at most: the one more says that there are more."""

    def merge(one: frozenset[int], other: frozenset[int]) -> frozenset[int]:
        return frozenset(sorted(one | other)[: KEPT_HASHES + 1])

    def finish(kept: frozenset[int], _: int) -> int:
        return len(kept) if len(kept) <= KEPT_HASHES else estimate(sorted(kept)[KEPT_HASHES - 1])

    return Fold(frozenset, lambda event: frozenset([hash_of(event.value)]), merge, finish)


FOLDS: dict[Aggregate, Callable[[Feature, int], Fold]] = {
    Aggregate.COUNT: _summing(lambda n, total, squares, unit: n),
    Aggregate.SUM: _summing(lambda n, total, squares, unit: total),
    Aggregate.MEAN: _summing(lambda n, total, squares, unit: _over(total, n * unit)),
    Aggregate.STD: _summing(_spread),
    Aggregate.MIN: _ending(None, min, _read_value),
    Aggregate.MAX: _ending(None, max, _read_value),
    Aggregate.FIRST: _ending(_place, min, _read_value),
    Aggregate.LAST: _ending(_place, max, _read_value),
    Aggregate.DAYS_SINCE_FIRST: _ending(_place, min, _days_ago),
    Aggregate.DAYS_SINCE_LAST: _ending(_place, max, _days_ago),
    Aggregate.DISTINCT: _collecting(_value, len),
    Aggregate.ACTIVE_DAYS: _collecting(lambda event: event.day, len),
    Aggregate.ACTIVE_MONTHS: _collecting(_month, len),
    Aggregate.GAP_MEAN: _collecting(lambda event: event.day, _gap_mean),
    Aggregate.GAP_STD: _collecting(lambda event: event.day, _gap_std),
    Aggregate.GAP_MAX: _collecting(lambda event: event.day, lambda days: max(_gaps(days), default=None)),
    Aggregate.STREAK_LONGEST: _collecting(lambda event: event.day, lambda days: max(_streaks(days), default=0)),
    Aggregate.STREAK_LAST: _collecting(lambda event: event.day, lambda days: (_streaks(days) or [0])[-1]),
    Aggregate.MODE: _counting(lambda value: value, _most_frequent),
    Aggregate.MODE_SHARE: _counting(lambda value: value, _share_of_most_frequent),
    Aggregate.QUANTILE_APPROX: _counting(_bucket, _quantile),
    Aggregate.DISTINCT_APPROX: _sketching,
    Aggregate.SPAN_SUM: _spanning(lambda spans: sum(last - first for _, first, last in spans) / DAY_US),
    Aggregate.SPAN_MEAN: _spanning(_span_mean),
}
GROUPED_FOLDS: dict[Aggregate, Callable[[Feature, int], Fold]] = {
    Aggregate.MIN: _grouping(lambda sums, _: min(sums, default=None)),
    Aggregate.MAX: _grouping(lambda sums, _: max(sums, default=None)),
    Aggregate.MEAN: _grouping(lambda sums, unit: _over(sum(sums), len(sums) * unit)),
    Aggregate.STD: _grouping(lambda sums, unit: _spread(len(sums), sum(sums), sum(v * v for v in sums), unit)),
}
