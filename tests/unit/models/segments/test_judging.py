"""The whole choice on made-up customers: blobs are found and counted, and noise has no number of clusters."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from models.segments.buyers import Population
from models.segments.choose_k import chosen
from models.segments.fitting import Fit, Fits, judged
from models.segments.measures import Scales, logarithms
from tests.unit.models.segments.models import LIMITS as SHIPPED

LIMITS = SHIPPED.model_copy(update={"k_most": 6})

CUTS = ((0.0, 1.0),) * 3


def population(measures: np.ndarray) -> Population:
    logs = logarithms(measures)
    return Population(len(measures), Scales(tuple(logs.mean(axis=0)), tuple(logs.std(axis=0, ddof=1))), CUTS, "")


def fit(z: np.ndarray, *, k: int, seed: int) -> Fit:
    found = KMeans(k, n_init=LIMITS.starts, random_state=seed).fit(z)
    return Fit(found.cluster_centers_, tuple(np.bincount(found.labels_).tolist()), found.inertia_ / len(z))


def choose(now: np.ndarray, then: np.ndarray) -> tuple[int | None, dict]:
    both = population(now), population(then)
    z, z_then = (one.scales.z(measures) for one, measures in zip(both, (now, then), strict=True))
    fits = [Fits(k, tuple(fit(z, k=k, seed=seed) for seed in range(2)), fit(z_then, k=k, seed=9)) for k in LIMITS.ks]
    found = judged(fits, now, both, limits=LIMITS, seed=1)
    return chosen(found, LIMITS), {one.k: one for one in found}


def measures_of(logs: np.ndarray) -> np.ndarray:
    return np.column_stack([np.expm1(logs[:, 0]), np.expm1(logs[:, 1]), np.exp(logs[:, 2])])


def shop(rng, centres, *, size: int = 60) -> np.ndarray:
    return measures_of(np.repeat(centres, size, axis=0) + rng.normal(0, 0.15, (size * len(centres), 3)))


def test_blobs_are_counted_and_stand_out_of_noise(rng):
    centres = np.array([[2.0, 1, 3], [5, 1, 3], [2, 3, 3], [5, 1, 7], [2, 3, 7]])
    k, found = choose(shop(rng, centres), shop(rng, centres))
    assert k == 5
    assert found[5].over_seeds == found[5].over_time == 1.0
    assert found[5].silhouette > found[5].noise_silhouette + 0.3
    assert found[5].smallest_share == 0.2


def test_noise_has_no_stable_number_of_clusters(rng):
    noise = [measures_of(np.array([4.0, 3, 5]) + rng.normal(0, 0.5, (250, 3))) for _ in range(2)]
    k, found = choose(*noise)
    assert k is None
    assert all(one.over_time < LIMITS.agreement_over_time for one in found.values())
