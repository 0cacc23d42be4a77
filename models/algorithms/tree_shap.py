"""Exact TreeSHAP from tables: what a tree adds to a row's features follows from which of its splits send it left.

The values are those of Lundberg, Erion and Lee (2018), path-dependent, as XGBoost's `pred_contribs` gives them. For a
leaf of value v whose path asks k features, with z_i the share of the training rows (by cover) that follow the path at
the splits on feature i, and o_i = 1 where the row does, else 0, feature j gets

    v (o_j - z_j)  sum over S of  |S|! (k - |S| - 1)! / k!  prod(i in S) o_i  prod(i not in S) z_i

where S runs over the parts of the other features. All o follow from the outcomes of a few splits, so that each group of
at most `MOST_SPLITS` of them is one table, looked up for all rows at once (Yang, 2021, "Fast TreeSHAP", keeps such
tables for each leaf). Every row's values depend on that row alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.algorithms.contract import Matrix
from models.logistic import Floats

if TYPE_CHECKING:
    from xgboost import Booster

MOST_SPLITS = 8
"""A table has a column for each of their outcomes, 256 at most: a byte says which."""
DEEPEST = 6
"""Tables of 300 trees hold some 10 MB at depth 4 and 40 MB at depth 6; beyond that they are no longer small."""
# Rows at a time: what is worked on stays near the processor.
_ROWS = 8192


@dataclass(frozen=True)
class Split:
    """Goes left where a feature is below `threshold`, and where it is missing if `missing_left`."""

    feature: int
    threshold: np.float32
    missing_left: bool


@dataclass(frozen=True)
class Group:
    """Splits, and what the leaves that they lead to add: `table` float64 (features, 2 ** splits), bit i for split i."""

    splits: tuple[Split, ...]
    features: tuple[int, ...]
    table: Floats


def groups_of(booster: Booster) -> tuple[Group, ...] | None:
    """All tables of a booster of numbers; None where it has deeper trees than `DEEPEST`, or is no sum of trees."""
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    if model["name"] != "gbtree":
        return None
    trees = [_Tree(one) for one in model["model"]["trees"]]
    if any(tree.has_categories or tree.depth() > DEEPEST for tree in trees):
        return None
    return tuple(group for tree in trees for group in tree.groups())


def contributions(groups: Sequence[Group], matrix: Matrix) -> Floats:
    """What each feature adds to the log-odds of each row, float64 (n, d), of a float32 matrix (n, d)."""
    found = np.empty(matrix.shape)
    for start in range(0, len(matrix), _ROWS):
        found[start : start + _ROWS] = _of_few(groups, matrix[start : start + _ROWS])
    return found


def _of_few(groups: Sequence[Group], matrix: Matrix) -> Floats:
    columns = np.ascontiguousarray(matrix.T)
    # A missing value is below every threshold, or below none.
    sides = {False: columns, True: np.where(np.isnan(columns), np.float32(-np.inf), columns)}
    found = np.zeros(columns.shape)
    for group in groups:
        outcome = np.zeros(len(matrix), dtype=np.uint8)
        for at, split in enumerate(group.splits):
            left = sides[split.missing_left][split.feature] < split.threshold
            outcome |= left.view(np.uint8) << np.uint8(at)
        places = outcome.astype(np.intp)
        for feature, values in zip(group.features, group.table, strict=True):
            found[feature] += values.take(places)
    return found.T


class _Tree:
    """A tree as XGBoost writes it."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.left, self.right = told["left_children"], told["right_children"]
        self.features, self.conditions = told["split_indices"], np.array(told["split_conditions"], dtype=np.float32)
        self.missing_left, self.cover = told["default_left"], np.array(told["sum_hessian"])
        self.has_categories = bool(told["categories"])

    def depth(self, node: int = 0) -> int:
        """Splits on the longest path."""
        return 0 if self._is_leaf(node) else 1 + max(self.depth(child) for child in self._children(node))

    def groups(self, node: int = 0, path: tuple[tuple[int, bool], ...] = ()) -> Iterator[Group]:
        """Groups of all leaves below a node, whose `path` names the splits above it and whether they go left."""
        if self._is_leaf(node) and not path:
            return
        above, below = [split for split, _ in path], self._splits(node)
        if len(above) + len(below) <= MOST_SPLITS:
            yield self._group([*above, *below], list(self._leaves(node, path)))
            return
        for child, goes_left in zip(self._children(node), (True, False), strict=True):
            yield from self.groups(child, (*path, (node, goes_left)))

    def _group(self, splits: list[int], leaves: list[tuple[int, tuple[tuple[int, bool], ...]]]) -> Group:
        features = sorted({self.features[split] for split in splits})
        outcomes = np.arange(2 ** len(splits))
        goes_left = {split: (outcomes >> at & 1).astype(np.bool_) for at, split in enumerate(splits)}
        table = np.zeros((len(features), len(outcomes)))
        for leaf, path in leaves:
            asked = sorted({self.features[split] for split, _ in path})
            follows = np.zeros(len(outcomes), dtype=np.intp)
            shares = []
            for at, feature in enumerate(asked):
                own = [(split, left) for split, left in path if self.features[split] == feature]
                follows |= np.all([goes_left[split] == left for split, left in own], axis=0).astype(np.intp) << at
                shares.append(float(np.prod([self._share(split, goes_left=left) for split, left in own])))
            terms = float(self.conditions[leaf]) * shapley_terms(shares)
            for at, feature in enumerate(asked):
                table[features.index(feature)] += terms[at, follows]
        told = [Split(self.features[at], self.conditions[at], bool(self.missing_left[at])) for at in splits]
        return Group(tuple(told), tuple(features), table)

    def _leaves(
        self, node: int, path: tuple[tuple[int, bool], ...]
    ) -> Iterator[tuple[int, tuple[tuple[int, bool], ...]]]:  # fmt: skip
        if self._is_leaf(node):
            yield node, path
            return
        for child, goes_left in zip(self._children(node), (True, False), strict=True):
            yield from self._leaves(child, (*path, (node, goes_left)))

    def _splits(self, node: int) -> list[int]:
        if self._is_leaf(node):
            return []
        return [node, *(split for child in self._children(node) for split in self._splits(child))]

    def _share(self, split: int, *, goes_left: bool) -> float:
        """Of the cover of a split, that of one side."""
        return float(self.cover[self._children(split)[0 if goes_left else 1]] / self.cover[split])

    def _children(self, node: int) -> tuple[int, int]:
        return self.left[node], self.right[node]

    def _is_leaf(self, node: int) -> bool:
        return self.left[node] < 0


def shapley_terms(shares: Sequence[float]) -> Floats:
    """What a leaf of value 1 adds to each of its k features, float64 (k, 2 ** k); bit i says whether o_i is 1.

    `shares` are z_i. With one feature it is o - z:

    >>> shapley_terms([0.25]).tolist()
    [[-0.25, 0.75]]
    """
    count = len(shares)
    ones: NDArray[np.float64] = (np.arange(2**count) >> np.arange(count)[:, None] & 1).astype(np.float64)
    weights = np.array([factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)])
    found = np.empty((count, 2**count))
    for own in range(count):
        # Coefficients of t of the product of (z + o t) over the other features: those of size s are sums over S.
        sums = np.zeros((count, 2**count))
        sums[0] = 1.0
        for other in range(count):
            if other != own:
                sums[1:] = sums[1:] * shares[other] + sums[:-1] * ones[other]
                sums[0] *= shares[other]
        found[own] = (ones[own] - shares[own]) * (weights @ sums)
    return found
