"""How often each value of a customer occurs in each query's window: for modes, quantiles and distinct sketches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
MOST_PAIRS = 4_000_000
"""Pairs of a query and a value that are held at a time: bounds the memory of a task to some 150 MB."""


@dataclass(frozen=True)
class Counts:
    """Counts of some queries: `query` (k,), the first pair of each `start` (k,), `code` and `count` (p,) of the pairs.

    The pairs of a query lie together, codes ascending; a code that does not occur in the window has count 0.
    The events of a pair are `Tally.order[begin : begin + count]`.
    """

    query: Ints
    start: Ints
    code: Ints
    count: Ints
    begin: Ints

    def per_query(self, reduced: np.ufunc, values: Ints) -> Ints:
        """`reduced` over the pairs of each query, (k,)."""
        return reduced.reduceat(values, self.start)

    def spread(self, per_query: Ints) -> Ints:
        """A value a query, repeated for its pairs, (p,)."""
        return np.repeat(per_query, np.diff(np.append(self.start, len(self.code))))

    def first_where(self, holds: npt.NDArray[np.bool_]) -> Ints:
        """The first pair of each query that `holds` is true for (p,); it must be for one, (k,)."""
        at = np.flatnonzero(holds)
        return at[np.searchsorted(at, self.start, side="left")]


class Tally:
    """Occurrences of codes by customer: one search per query, customer's distinct code and window edge."""

    def __init__(self, rank: Ints, code: Ints) -> None:
        """rank: (n,) ascending customers; code: (n,) what is counted, in the order of time within a customer."""
        self.order = np.lexsort((code, rank))
        sorted_rank, sorted_code = rank[self.order], code[self.order]
        is_first = np.ones(len(rank), dtype=bool)
        is_first[1:] = (sorted_rank[1:] != sorted_rank[:-1]) | (sorted_code[1:] != sorted_code[:-1])
        group = np.cumsum(is_first) - 1
        self.stride = len(rank) + 1
        self.key = group * self.stride + self.order
        self.group_rank, self.group_code = sorted_rank[is_first], sorted_code[is_first]

    def counts(self, rank: Ints, lo: Ints, hi: Ints) -> Iterator[Counts]:
        """Counts within positions `[lo, hi)` for queries of customers `rank`, all (q,); empty windows are left out."""
        first = np.searchsorted(self.group_rank, rank, side="left")
        number = np.searchsorted(self.group_rank, rank, side="right") - first
        asked = np.flatnonzero((hi > lo) & (number > 0))
        until = np.cumsum(number[asked])
        begin = 0
        while begin < len(asked):
            done = int(until[begin - 1]) if begin else 0
            end = max(begin + 1, int(np.searchsorted(until, done + MOST_PAIRS, side="right")))
            yield self._pairs(asked[begin:end], first, number, (lo, hi))
            begin = end

    def _pairs(self, asked: Ints, first: Ints, number: Ints, bounds: tuple[Ints, Ints]) -> Counts:
        many = number[asked]
        start = np.cumsum(many) - many
        group = np.repeat(first[asked] - start, many) + np.arange(int(many.sum()))
        lo, hi = (self._before(group, np.repeat(edge[asked], many)) for edge in bounds)
        return Counts(asked, start, self.group_code[group], hi - lo, lo)

    def _before(self, group: Ints, position: Ints) -> Ints:
        return np.searchsorted(self.key, group * self.stride + position, side="left")
