"""What the guard looks at: bounded samples of each split, and what a rebuild from truncated events gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.guard.settings import GuardSettings
from models.logistic import Floats
from models.splits import CALIBRATE, FIT, STOP, TEST

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """Rows of one split: `matrix` float32 (n, d), `labels` 0/1 (n,), `customers` (n,), `days` datetime64[D] (n,)."""

    matrix: Matrix
    labels: Floats
    customers: NDArray[np.object_]
    days: NDArray[np.datetime64]

    def first(self, at_most: int) -> Part:
        """At most so many rows, whole customers, by their place in an order that depends on ids alone."""
        if len(self.labels) <= at_most:
            return self
        _, who = np.unique(self.customers.astype(str), return_inverse=True)
        drawn = np.random.default_rng(0).permutation(who.max() + 1)[who]
        chosen = np.sort(np.argsort(drawn, kind="stable")[:at_most])
        return Part(self.matrix[chosen], self.labels[chosen], self.customers[chosen], self.days[chosen])


@dataclass(frozen=True)
class Rebuilt:
    """Values rebuilt from events before their as-of: `compared` and `different` by feature.

    A feature that is in neither could not be rebuilt: it is unverified.
    """

    compared: Mapping[str, int] = field(default_factory=dict)
    different: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Guard:
    """What a training gives the guard beside its rows."""

    settings: GuardSettings
    rebuilt: Rebuilt
    families: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """A training set as the rules read it; `families` by feature (a feature without one is its own)."""

    features: tuple[str, ...]
    parts: Mapping[str, Part]
    settings: GuardSettings
    rebuilt: Rebuilt = Rebuilt()
    families: Mapping[str, str] = field(default_factory=dict)
    is_classification: bool = True

    @property
    def fit(self) -> Part:
        return self.parts[FIT]

    @property
    def later(self) -> Part | None:
        """Rows after the fitted ones that are not the test: where a removal is judged."""
        found = (self.parts.get(name) for name in (CALIBRATE, STOP, TEST))
        return next((part for part in found if part is not None and len(set(part.labels)) == 2), None)

    def is_verified(self, feature: str) -> bool:
        """Whether events gave its values again, every one of the sample."""
        return self.rebuilt.compared.get(feature, 0) > 0 and not self.rebuilt.different.get(feature)

    def family(self, feature: str) -> str:
        """Its family, or its own name."""
        return self.families.get(feature) or feature


def ranks(matrix: Matrix) -> Floats:
    """Mid-ranks by column, NaN as the lowest value, centred and scaled to unit length; a constant column is 0.

    Float64 (n, d): the product of two columns is Spearman's rho.
    """
    from scipy.stats import rankdata

    filled = np.where(np.isnan(matrix), -np.inf, matrix)
    found = rankdata(filled, axis=0) - (len(matrix) + 1) / 2
    lengths = np.sqrt(np.sum(found**2, axis=0))
    return found / np.where(lengths > 0, lengths, 1.0)


def partners(matrix: Matrix, columns: Sequence[int], *, alike: float) -> dict[int, list[int]]:
    """For each of `columns` all columns, itself included, with |Spearman's rho| >= `alike`."""
    ranked = ranks(matrix)
    related = np.abs(ranked[:, list(columns)].T @ ranked)
    return {at: sorted({at, *np.flatnonzero(row >= alike).tolist()}) for at, row in zip(columns, related, strict=True)}
