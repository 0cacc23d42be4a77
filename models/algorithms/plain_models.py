"""What Spark has fitted, as plain arrays behind scikit-learn's interface: scored by NumPy, on any machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from models.logistic import Floats, sigmoid

_IF = re.compile(r"If \(feature (\d+) <= (\S+)\)")
_TREE = re.compile(r"Tree \d+ \(weight (\S+)\):")
_LEAF = -1


class FittedElsewhere(ClassifierMixin, BaseEstimator):
    """The last step of a pipeline that comes with its numbers: nothing is fitted here."""

    def fit(self, x: Floats, y: Floats) -> Self:
        """Changes nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


class LinearOdds(FittedElsewhere):
    """P(1) = sigmoid(x coefficients + intercept).

    >>> LinearOdds().of(np.array([1.0, -1.0]), 0.5).predict_proba(np.array([[2.0, 2.5]]))[:, 1].tolist()
    [0.5]
    """

    def of(self, coefficients: Floats, intercept: float) -> Self:
        """With float64 (d,) coefficients."""
        self.coefficients_, self.intercept_ = np.asarray(coefficients, dtype=np.float64), float(intercept)
        return self

    def predict_proba(self, x: Floats) -> Floats:
        """Float64 (n, 2)."""
        return _both(sigmoid(x @ self.coefficients_ + self.intercept_))


class TreeOdds(FittedElsewhere):
    """A weighted sum of trees: the probability itself, or, where `is_log_odds`, twice the sum as log-odds.

    Friedman's (2001) two-class boosting fits half of the log-odds. The trees lie in one array after another: `feature_`
    (-1 in a leaf), `threshold_`, `left_` and `right_` (places of the children), `value_` of leaves, `roots_`.
    """

    def of(self, described: str, *, is_log_odds: bool) -> Self:
        """Read from what Spark's `toDebugString` says of a tree, or of many with their weights.

        >>> text = "If (feature 0 <= 0.5)\\n Predict: 0.25\\nElse (feature 0 > 0.5)\\n Predict: 0.75"
        >>> TreeOdds().of(text, is_log_odds=False).predict_proba(np.array([[0.0], [1.0]]))[:, 1].tolist()
        [0.25, 0.75]
        """
        nodes = _Nodes()
        weights, roots = [], []
        for weight, lines in _trees(described):
            weights.append(weight)
            roots.append(nodes.add(lines))
        self.is_log_odds = is_log_odds
        self.roots_, self.weights_ = np.array(roots), np.array(weights)
        self.feature_, self.left_, self.right_ = (np.array(one) for one in (nodes.feature, nodes.left, nodes.right))
        self.threshold_, self.value_ = np.array(nodes.threshold), np.array(nodes.value)
        return self

    def predict_proba(self, x: Floats) -> Floats:
        """Float64 (n, 2)."""
        summed = np.zeros(len(x))
        for root, weight in zip(self.roots_, self.weights_, strict=True):
            summed += weight * self.value_[self._leaves(x, int(root))]
        return _both(sigmoid(2 * summed) if self.is_log_odds else summed)

    def _leaves(self, x: Floats, root: int) -> NDArray[np.intp]:
        places = np.full(len(x), root)
        rows = np.arange(len(x))
        while len(rows):
            rows = rows[self.feature_[places[rows]] != _LEAF]
            at = places[rows]
            goes_left = x[rows, self.feature_[at]] <= self.threshold_[at]
            places[rows] = np.where(goes_left, self.left_[at], self.right_[at])
        return places


class _Nodes:
    """Nodes in the order in which they are read."""

    def __init__(self) -> None:
        self.feature: list[int] = []
        self.threshold: list[float] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.value: list[float] = []

    def add(self, lines: Iterator[str]) -> int:
        """The place of the node that `lines` begin with, after all below it."""
        line = next(lines)
        place = len(self.feature)
        for column, empty in ((self.feature, _LEAF), (self.left, _LEAF), (self.right, _LEAF)):
            column.append(empty)
        self.threshold.append(0.0)
        self.value.append(0.0)
        if line.startswith("Predict: "):
            self.value[place] = float(line.removeprefix("Predict: "))
            return place
        found = _IF.fullmatch(line)
        if found is None:
            raise ValueError(f"no node of a tree of numbers: {line}")
        self.feature[place], self.threshold[place] = int(found[1]), float(found[2])
        self.left[place] = self.add(lines)
        if not next(lines).startswith("Else "):
            raise ValueError(f"a node without its other side: {line}")
        self.right[place] = self.add(lines)
        return place


def _trees(described: str) -> Iterator[tuple[float, Iterator[str]]]:
    """Weight and lines of each tree; a tree alone weighs 1."""
    lines = [line.strip() for line in described.splitlines()]
    told = [line for line in lines if line.startswith(("If ", "Else ", "Predict: ", "Tree "))]
    starts = [at for at, line in enumerate(told) if line.startswith("Tree ")]
    if not starts:
        yield 1.0, iter(told)
        return
    for start, end in zip(starts, [*starts[1:], len(told)], strict=True):
        found = _TREE.fullmatch(told[start])
        if found is None:
            raise ValueError(f"no tree with its weight: {told[start]}")
        yield float(found[1]), iter(told[start + 1 : end])


def mean_of(trees: TreeOdds) -> TreeOdds:
    """The same trees with weights that add up to 1: a forest's mean."""
    trees.weights_ = trees.weights_ / trees.weights_.sum()
    return trees


def _both(ones: Floats) -> Floats:
    return np.column_stack([1 - ones, ones])
