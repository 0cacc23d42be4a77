"""What each feature, and each family of features, adds to a row's log-odds: exactly, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.algorithms.contract import Explained, Matrix
from models.algorithms.on_one_machine import FittedPipeline
from models.bundle import Bundle
from models.logistic import Floats
from models.reasons.linear import linear_terms

Explain = Callable[[Matrix], Floats]


def explain_of(bundle: Bundle) -> Explain | None:
    """Rows to what each feature adds to their uncalibrated log-odds, float64 (n, d); None where nothing exact is known.

    Of trees these are TreeSHAP values (Lundberg, Erion and Lee, 2018: "Consistent individualized feature attribution
    for tree ensembles"), of a linear model coefficient x (value - mean of the rows it learned from); both add up,
    with a constant, to the log-odds.
    """
    fitted = bundle.fitted
    if isinstance(fitted, Explained):
        return fitted.contributions
    return linear_terms(fitted.pipeline) if isinstance(fitted, FittedPipeline) else None


@dataclass(frozen=True)
class Strongest:
    """Reasons of n rows flat, row by row and the largest first: `offsets` (n + 1,) say where each row's begin.

    `features` are places of the strongest feature of each family, `contributions` those of the whole family.
    """

    offsets: NDArray[np.int32]
    rows: NDArray[np.intp]
    features: NDArray[np.intp]
    contributions: Floats


def strongest(found: Floats, families: Sequence[str], *, most: int, least: float) -> Strongest:
    """Up to `most` families a row by absolute sum, none below `least`, of `found` float64 (n, d); `families` (d,).

    The strongest feature of a family is the one that moves the row furthest in the direction of the family.
    Of equal families the one that comes first among the features.

    >>> one = strongest(np.array([[1.0, -3.0, 0.5, 0.0]]), ["a", "a", "b", "c"], most=3, least=0.01)
    >>> one.features.tolist(), one.contributions.tolist(), one.offsets.tolist()
    ([1, 2], [-2.0, 0.5], [0, 2])
    """
    members = _members(families)
    sums = np.column_stack([found[:, at].sum(axis=1) for at in members.values()])
    size = np.abs(sums)
    order = np.argsort(-size, axis=1, kind="stable")[:, :most]
    kept = np.take_along_axis(size, order, axis=1) >= max(least, np.finfo(np.float64).tiny)
    rows, slots = np.nonzero(kept)
    chosen = order[rows, slots]
    features = np.empty(len(rows), dtype=np.intp)
    for place, at in enumerate(members.values()):
        mine = np.flatnonzero(chosen == place)
        of_rows = rows[mine]
        directed = found[np.ix_(of_rows, at)] * np.sign(sums[of_rows, place])[:, None]
        features[mine] = at[np.argmax(directed, axis=1)] if len(mine) else []
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    return Strongest(offsets, rows, features, sums[rows, chosen])


def _members(families: Sequence[str]) -> Mapping[str, NDArray[np.intp]]:
    """Family to the places of its features, in the order of first appearance."""
    named = np.array(families, dtype=object)
    return {family: np.flatnonzero(named == family) for family in dict.fromkeys(families)}
