"""Gaps between a customer's active UTC days and runs of them, clipped to what lies inside a window."""

from __future__ import annotations

import numpy as np

from featurestore.arithmetic import SparseMaximum, divided, integers
from featurestore.definitions import Aggregate, Feature
from featurestore.sweep import Answer, Ints, Rows, Sweep, prefix


def gaps(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
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


def streaks(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """Runs of consecutive active UTC days, clipped to the days inside the window: the longest or the last one."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    day, runs = rows.day, rows.once("runs", lambda: Runs(rows.rank, rows.day))
    length, valid = np.zeros(len(lo), np.int64), hi > lo
    first, last = lo[valid], hi[valid] - 1
    if feature.aggregate is Aggregate.STREAK_LAST:
        length[valid] = day[last] - np.maximum(runs.first_day[last], day[first]) + 1
        return integers(length)
    cut = np.minimum(runs.end[first], hi[valid])  # behind the run that the window's edge may cut
    longest = rows.once("longest_run", lambda: SparseMaximum(day - runs.first_day + 1, rows.rank))
    length[valid] = np.maximum(day[cut - 1] - day[first] + 1, longest.maximum(cut, hi[valid]))
    return integers(length)


class Runs:
    """Of each row, the first day of its run of consecutive days and the position behind the run's last row."""

    def __init__(self, rank: Ints, day: Ints) -> None:
        starts = np.ones(len(rank), dtype=bool)
        starts[1:] = (rank[1:] != rank[:-1]) | (day[1:] - day[:-1] > 1)
        at = np.flatnonzero(starts)
        run = np.cumsum(starts) - 1
        self.first_day = day[at][run] if len(at) else day
        self.end = np.append(at[1:], len(rank))[run] if len(at) else day
