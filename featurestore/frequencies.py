"""Aggregates that count how often each value occurs: the mode and its share, quantiles, distinct estimates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from featurestore.arithmetic import divided, integers
from featurestore.definitions import Aggregate, Feature
from featurestore.sketches import KEPT_HASHES, bucket, estimate, hash_of, middle
from featurestore.sweep import Answer, Ints, Rows, Sweep
from featurestore.tally import Counts, Tally


def _tally(sweep: Sweep, rows: Rows, feature: Feature, name: str, code: Callable[[], Ints]) -> Iterator[Counts]:
    tally: Tally = rows.once(f"tally_{name}", lambda: Tally(rows.rank, code()))
    return tally.counts(sweep.queries.rank, *rows.bounds(sweep.bounds(feature.window)))


def mode(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """The most frequent value, the smallest of several; or its share of the values."""
    lo, hi = rows.bounds(sweep.bounds(feature.window))
    best, most = rows.once(f"modes_{feature.window.name}", lambda: _modes(sweep, rows, feature))
    if feature.aggregate is Aggregate.MODE_SHARE:
        return divided(most, hi - lo)
    return Answer(best, hi > lo, rows.scale, rows.measure.levels)


def _modes(sweep: Sweep, rows: Rows, feature: Feature) -> tuple[Ints, Ints]:
    """The most frequent value of each query's window and how often it occurs, 0 and 0 where there is none."""
    lo, _ = sweep.bounds(feature.window)
    best, most = np.zeros(len(lo), np.int64), np.zeros(len(lo), np.int64)
    for counts in _tally(sweep, rows, feature, "values", lambda: rows.values):
        highest = counts.per_query(np.maximum, counts.count)
        best[counts.query] = counts.code[counts.first_where(counts.count == counts.spread(highest))]
        most[counts.query] = highest
    return best, most


def quantile(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
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


def distinct_approx(sweep: Sweep, rows: Rows, feature: Feature) -> Answer:
    """Distinct values by their smallest hashes: exact up to KEPT_HASHES of them."""
    found = np.zeros(len(sweep.queries.rank), np.int64)
    for counts in _tally(sweep, rows, feature, "hashes", lambda: hashes(rows)):
        occurs = counts.count > 0
        distinct, end = counts.per_query(np.add, occurs.astype(np.int64)), np.append(counts.start, len(occurs))
        for at in np.flatnonzero(distinct > KEPT_HASHES):
            own = slice(end[at], end[at + 1])
            kept = counts.code[own][occurs[own]][:KEPT_HASHES]  # the codes of a query ascend
            distinct[at] = estimate(int(kept[-1]))
        found[counts.query] = distinct
    return integers(found)


def hashes(rows: Rows) -> Ints:
    """A hash of each value, of its text where it has one."""
    codes, place = np.unique(rows.values, return_inverse=True)
    levels = rows.measure.levels
    named = codes.tolist() if levels is None else levels.take(codes).to_pylist()
    return np.fromiter((hash_of(value) for value in named), np.int64, len(codes))[place]
