"""Which cluster of a refit is which of the fit before: the same id only where a centroid has hardly moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.logistic import Floats


@dataclass(frozen=True)
class Matched:
    """By place of the new centroids: the `id` each gets, and how far it is from the one it was paired with.

    `moved` is in standard deviations of the new fit, None for a centroid that was paired with none. `next_id` is the
    first that no cluster has ever had.
    """

    ids: tuple[int, ...]
    moved: tuple[float | None, ...]
    next_id: int


def first_ids(k: int) -> Matched:
    """The ids of a fit without a predecessor: 1 to k.

    >>> first_ids(2)
    Matched(ids=(1, 2), moved=(None, None), next_id=3)
    """
    return Matched(tuple(range(1, k + 1)), (None,) * k, k + 1)


def matched(new: Floats, old: Floats, *, old_ids: tuple[int, ...], next_id: int, within: float) -> Matched:
    """Pair centroids (k, 3) and (m, 3), both in the new fit's standard scores, so that all pairs together are closest.

    The pairing is the Hungarian method's (Kuhn 1955). A pair closer than `within` keeps its id; every other new
    cluster gets one that was never used, so that an id never changes its meaning unseen.
    """
    from scipy.optimize import linear_sum_assignment

    distances = np.linalg.norm(new[:, None, :] - old[None, :, :], axis=2)
    pairs = dict(zip(*(places.tolist() for places in linear_sum_assignment(distances)), strict=True))
    ids: list[int] = []
    moved: list[float | None] = []
    for place in range(len(new)):
        partner = pairs.get(place)
        distance = None if partner is None else float(distances[place, partner])
        moved.append(distance)
        if partner is not None and distance is not None and distance < within:
            ids.append(old_ids[partner])
        else:
            ids.append(next_id)
            next_id += 1
    return Matched(tuple(ids), tuple(moved), next_id)
