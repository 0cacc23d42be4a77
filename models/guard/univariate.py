"""G2 and G3: one feature alone that tells the outcome too well, or far better than all others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.evaluate import area_under_roc
from models.guard.evidence import Evidence, Part, partners
from models.guard.findings import Finding
from models.logistic import Floats

FOLDS = 3
_DEPTH, _SMALLEST_LEAF = 3, 10


def strengths(part: Part) -> Floats:
    """The AUC of each column alone, float64 (d,), .5 where there is none.

    The larger of the folded AUC of the values (NaN as the lowest) and that of a tree of depth 3 out of fold; folds
    are of whole customers.
    """
    folds = list(customer_folds(part.customers, count=FOLDS))
    return np.array([_strength(part.matrix[:, at], part.labels, folds) for at in range(part.matrix.shape[1])])


def customer_folds(customers: NDArray[np.object_], *, count: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Pairs of learned and held-out positions; all rows of a customer are on one side."""
    _, who = np.unique(customers.astype(str), return_inverse=True)
    fold = np.random.default_rng(0).permutation(who.max() + 1)[who] % count
    for held_out in range(count):
        yield np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)


def _strength(values: NDArray[np.floating], labels: Floats, folds: list[tuple[NDArray, NDArray]]) -> float:
    filled = np.where(np.isnan(values), -np.inf, values)
    if np.all(filled == filled[0]):
        return 0.5
    straight = area_under_roc(labels, np.asarray(filled, dtype=np.float64))
    bent = area_under_roc(labels, _out_of_fold(values, labels, folds))
    if straight is None or bent is None:
        return 0.5
    return max(straight, 1 - straight, bent)


def _out_of_fold(values: NDArray[np.floating], labels: Floats, folds: list[tuple[NDArray, NDArray]]) -> Floats:
    from sklearn.tree import DecisionTreeClassifier

    column = np.where(np.isfinite(values), values, np.nan).reshape(-1, 1)
    found = np.full(len(labels), labels.mean())
    for learned, held_out in folds:
        if 0 < labels[learned].sum() < len(learned):
            tree = DecisionTreeClassifier(max_depth=_DEPTH, min_samples_leaf=_SMALLEST_LEAF, random_state=0)
            tree.fit(column[learned], labels[learned])
            found[held_out] = tree.predict_proba(column[held_out])[:, 1]
    return found


def too_strong_alone(evidence: Evidence, alone: Floats) -> list[Finding]:
    """G2: blocks where the feature is unverified, else reports."""
    limit = evidence.settings.univariate_auc
    return [
        Finding("G2", name, float(auc), limit, not evidence.is_verified(name),
                f"'{name}' alone has an AUC of {auc:.3f} (limit {limit:g})")
        for name, auc in zip(evidence.features, alone, strict=True) if auc >= limit
    ]  # fmt: skip


def far_above_the_rest(evidence: Evidence, alone: Floats) -> list[Finding]:
    """G3: the strongest feature against the strongest of another family that is no copy of it."""
    best = int(np.argmax(alone))
    name, auc, settings = evidence.features[best], float(alone[best]), evidence.settings
    if auc < settings.standout_auc:
        return []
    own = set(partners(evidence.fit.matrix, [best], alike=settings.alike)[best])
    others = [
        float(other) for at, other in enumerate(alone)
        if at not in own and evidence.family(evidence.features[at]) != evidence.family(name)
    ]  # fmt: skip
    margin = auc - max(others, default=0.5)
    if margin < settings.standout_margin:
        return []
    words = f"'{name}' alone has an AUC of {auc:.3f}, {margin:.3f} above the best of any other family"
    return [Finding("G3", name, margin, settings.standout_margin, not evidence.is_verified(name), words)]
