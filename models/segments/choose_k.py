"""How many clusters: the most whose smallest is no splinter and whose borders stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.segments.settings import SegmentSettings

Labels = NDArray[np.intp]


@dataclass(frozen=True)
class Candidate:
    """What a number of clusters showed; adjusted Rand indices (Hubert and Arabie 1985), 1 for the same partition.

    `over_seeds` is the mean of all pairs of fits that differ in their seed; `over_time` compares the fit with one of
    some weeks earlier on the same customers. `cost` is the mean squared distance to the nearest centroid, in squared
    standard deviations. `silhouette` and that of noise of the same covariance are means over a sample.
    """

    k: int
    smallest_share: float
    over_seeds: float
    over_time: float
    cost: float
    silhouette: float
    noise_silhouette: float

    def faults(self, limits: SegmentSettings) -> list[str]:
        """Which rules it breaks, in words; none where it may be chosen."""
        rules = (
            ("smallest cluster", self.smallest_share, limits.smallest_share),
            ("agreement over seeds", self.over_seeds, limits.agreement_over_seeds),
            ("agreement over time", self.over_time, limits.agreement_over_time),
        )
        return [f"{name} {found:.3f} < {least:g}" for name, found, least in rules if found < least]


def chosen(candidates: Sequence[Candidate], limits: SegmentSettings) -> int | None:
    """The largest k without a fault; None where all have one: then nothing says that there are clusters at all."""
    return max((one.k for one in candidates if not one.faults(limits)), default=None)


def agreement(labelings: Sequence[Labels]) -> float:
    """The mean adjusted Rand index of all pairs; needs two at least.

    >>> agreement([np.array([0, 0, 1]), np.array([1, 1, 0])])
    1.0
    """
    from sklearn.metrics import adjusted_rand_score

    return float(np.mean([adjusted_rand_score(one, other) for one, other in combinations(labelings, 2)]))


def smallest_share(sizes: Sequence[int], *, k: int) -> float:
    """The share of the smallest of `k` clusters; 0 where one of them is empty.

    >>> smallest_share([30, 10], k=2), smallest_share([30, 10], k=3)
    (0.25, 0.0)
    """
    return min(sizes) / sum(sizes) if len(sizes) == k else 0.0
