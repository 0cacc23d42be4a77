"""Where a model is better or worse: its figures by segment of customers and by date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models.amounts import AmountMetrics
from models.evaluate import Metrics
from models.logistic import Floats

FEWEST = 30
NOT_NAMED = "no segment"
Judge = Callable[[Floats, Floats], Metrics | AmountMetrics]
"""Figures of forecasts against outcomes, given as outcomes and forecasts."""


@dataclass(frozen=True)
class Group:
    """The rows of one name: `metrics`, and the means of forecasts and of what `happened`, with its standard `error`."""

    name: str
    metrics: Metrics | AmountMetrics
    happened: float
    forecast: float
    error: float

    def off_by_more_than(self, least: float) -> bool:
        """Whether forecast and outcome are that far apart, and further than two errors."""
        return abs(self.forecast - self.happened) > max(2 * self.error, least)


def by_name(names: Iterable[object], labels: Floats, forecasts: Floats, *, judge: Judge) -> tuple[Group, ...]:
    """One group a name, the largest first; those of fewer than `FEWEST` rows together, as "others".

    >>> from models.evaluate import evaluate
    >>> found = by_name(["a"] * 40 + ["b"] * 3, np.tile([0.0, 1.0], 22)[:43], np.full(43, 0.5), judge=evaluate)
    >>> [(one.name, one.metrics.n) for one in found]
    [('a', 40), ('others', 3)]
    """
    named = np.array([NOT_NAMED if one is None else str(one) for one in names], dtype=object)
    known, counts = np.unique(named, return_counts=True)
    small = set(known[counts < FEWEST])
    named = np.array(["others" if one in small else one for one in named], dtype=object)
    found = [_group(name, labels[named == name], forecasts[named == name], judge) for name in sorted(set(named))]
    return tuple(sorted(found, key=lambda one: (one.name == "others", -one.metrics.n)))


def _group(name: str, labels: Floats, forecasts: Floats, judge: Judge) -> Group:
    error = float(labels.std() / np.sqrt(len(labels)))
    return Group(name, judge(labels, forecasts), float(labels.mean()), float(forecasts.mean()), error)


@dataclass(frozen=True)
class Confusion:
    """Customers contacted or not at a threshold, against what then happened."""

    threshold: float
    contacted_with: int
    contacted_without: int
    left_with: int
    left_without: int

    @property
    def precision(self) -> float | None:
        """Share of those contacted who have the outcome."""
        contacted = self.contacted_with + self.contacted_without
        return self.contacted_with / contacted if contacted else None

    @property
    def recall(self) -> float | None:
        """Share of those with the outcome who are contacted."""
        having = self.contacted_with + self.left_with
        return self.contacted_with / having if having else None


def confusion(labels: Floats, probabilities: Floats, threshold: float) -> Confusion:
    """Counts at a threshold; a probability equal to it is contacted.

    >>> confusion(np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.9, 0.1]), 0.5).precision
    0.5
    """
    contacted, having = probabilities >= threshold, labels > 0
    counts: Sequence[int] = [int(np.sum(one & other)) for one in (contacted, ~contacted) for other in (having, ~having)]
    return Confusion(threshold, *counts)
