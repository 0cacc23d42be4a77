"""Clusters in words: the bands of a centroid among all customers, by a fixed dictionary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from models.segments.measures import Triple

Cuts = tuple[float, float]
LOW, MIDDLE, HIGH = range(3)
WHO = {
    (LOW, LOW): "Newcomers",
    (LOW, MIDDLE): "Returning customers",
    (LOW, HIGH): "Loyal regulars",
    (MIDDLE, LOW): "Undecided triers",
    (MIDDLE, MIDDLE): "Cooling customers",
    (MIDDLE, HIGH): "Slipping regulars",
    (HIGH, LOW): "One-time visitors",
    (HIGH, MIDDLE): "Lost customers",
    (HIGH, HIGH): "Lost regulars",
}
"""By the bands of recency (low: lately) and order days."""
SPENDING = {LOW: "small baskets", MIDDLE: "medium baskets", HIGH: "large baskets"}


def band(value: float, cuts: Cuts) -> int:
    """LOW up to the first cut, HIGH above the second.

    >>> band(1, (1, 4)), band(4, (1, 4)), band(5, (1, 4))
    (0, 1, 2)
    """
    return sum(value > cut for cut in cuts)


def persona(centroid: Triple, terciles: tuple[Cuts, Cuts, Cuts]) -> str:
    """The name of a centroid (days, days, currency) among customers with those terciles.

    >>> persona((12.0, 9.0, 80.0), ((30, 200), (2, 5), (100, 400)))
    'Loyal regulars, small baskets'
    """
    recency, frequency, value = (band(one, cuts) for one, cuts in zip(centroid, terciles, strict=True))
    return f"{WHO[recency, frequency]}, {SPENDING[value]}"


def personas(centroids: Sequence[Triple], terciles: tuple[Cuts, Cuts, Cuts]) -> list[str]:
    """A name for each centroid, no two the same: the second of a name is "... 2", in order."""
    seen: Counter[str] = Counter()
    found = []
    for centroid in centroids:
        name = persona(centroid, terciles)
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found
