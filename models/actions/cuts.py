"""The top of a ranking under a limit, exactly, over any number of rows: histograms narrow the place of the cut.

Nothing is sorted and no window is opened: a round counts the rows of at most `BINS` bins in one aggregation, and goes
on inside the one bin in which the limit is passed, until that holds few enough rows to be looked at one by one. Memory
is `BINS` counts a limit, and at the end `LAST` rows a limit, on the driver; nothing grows with the rows. A round cuts
the range by `BINS`, so that places of 124 bits take at most eleven; typically it is one, and the look at the last bin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

GROUP, PLACE, WEIGHT = "_group", "_place", "_weight"
BINS = 4_096
LAST = 10_000


@dataclass(frozen=True)
class Search:
    """Where a cut may be: all places from `high` on are in and weigh `taken`, of which `limit` may be; below `low` out.

    `rows` lie between. When `is_done`, `high` is the cut.
    """

    limit: int
    low: int
    high: int
    rows: int
    taken: int = 0
    is_done: bool = False

    @property
    def width(self) -> int:
        """Places in a bin."""
        return -(-(self.high - self.low) // BINS)

    def narrowed(self, bins: Mapping[int, tuple[int, int]]) -> Search:
        """The search inside the highest bin that the limit does not allow whole; `bins` is number to (rows, weight)."""
        taken = self.taken
        for number in sorted(bins, reverse=True):
            rows, weight = bins[number]
            if taken + weight > self.limit:
                low = self.low + number * self.width
                high = min(low + self.width, self.high)
                # A bin of one place stands or falls as a whole.
                return Search(self.limit, low, high, rows, taken, is_done=high - low == 1)
            taken += weight
        return replace(self, high=self.low, taken=taken, is_done=True)

    def finished(self, rows: Iterable[tuple[int, int]]) -> Search:
        """The end of the search, given (place, weight) of each row that lies between."""
        weights: dict[int, int] = defaultdict(int)
        for place, weight in rows:
            weights[place] += weight
        taken, cut = self.taken, self.high
        for place in sorted(weights, reverse=True):
            if taken + weights[place] > self.limit:
                break
            taken, cut = taken + weights[place], place
        return replace(self, high=cut, taken=taken, is_done=True)


Searches = Mapping[str, Search]
Bins = Mapping[str, Mapping[int, tuple[int, int]]]
"""Group to number of a bin to its rows and their weight."""
Rows = Mapping[str, list[tuple[int, int]]]
"""Group to place and weight of each row."""


def cuts(rows: DataFrame, searches: Searches, *, last: int = LAST) -> dict[str, int]:
    """By group, the place from which on rows are in: the longest top of the ranking that weighs at most the limit.

    `rows` has the columns `_group` string, `_place` decimal(38,0), unique in a group (rows of one place are in or out
    together), and `_weight` bigint, at least 0; it is read once a round, so it should be cheap to read.
    """
    found = settled(searches, counted=partial(_counted, rows), seen=partial(_seen, rows), last=last)
    return {name: one.high for name, one in found.items()}


def settled(
    searches: Mapping[str, Search], *, counted: Callable[[Searches], Bins], seen: Callable[[Searches], Rows], last: int
) -> dict[str, Search]:
    """The searches, done, by what `counted` says of the bins and `seen` of the rows of those that are not."""
    found = dict(searches)
    while many := {name: one for name, one in found.items() if not one.is_done and one.rows > last}:
        bins = counted(many)
        found |= {name: one.narrowed(bins.get(name, {})) for name, one in many.items()}
    if few := {name: one for name, one in found.items() if not one.is_done}:
        rows = seen(few)
        found |= {name: one.finished(rows.get(name, ())) for name, one in few.items()}
    return found


def _counted(rows: DataFrame, searches: Searches) -> Bins:
    """Rows and weight by group and bin; collects at most `BINS` rows a search."""
    bins = {name: f"({PLACE} - {one.low}BD) div {one.width}BD" for name, one in searches.items()}
    number = F.coalesce(*[F.when(_between(name, one), F.expr(bins[name])) for name, one in searches.items()])
    counted = _inside(rows, searches).groupBy(GROUP, number.alias("bin"))
    found: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for row in counted.agg(F.count(F.lit(1)).alias("rows"), F.sum(WEIGHT).alias("weight")).collect():
        found[row[GROUP]][row["bin"]] = (row["rows"], row["weight"])
    return found


def _seen(rows: DataFrame, searches: Searches) -> Rows:
    """The rows that lie between, at most `LAST` a search."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in _inside(rows, searches).select(GROUP, PLACE, WEIGHT).collect():
        found[row[GROUP]].append((int(row[PLACE]), row[WEIGHT]))
    return found


def _inside(rows: DataFrame, searches: Searches) -> DataFrame:
    inside = [_between(name, one) for name, one in searches.items()]
    return rows.where(F.coalesce(*[F.when(one, F.lit(True)) for one in inside], F.lit(False)))


def _between(name: str, one: Search) -> Column:
    return (F.col(GROUP) == name) & F.expr(f"{PLACE} >= {one.low}BD AND {PLACE} < {one.high}BD")
