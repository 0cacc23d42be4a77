"""How far apart clusters are, beside how far apart those of structureless data would be."""

from __future__ import annotations

import numpy as np

from models.logistic import Floats
from models.segments.choose_k import Labels

RESTARTS = 5


def silhouette(z: Floats, labels: Labels) -> float:
    """The mean silhouette (Rousseeuw 1987) of a sample (n, d); -1 where there is only one cluster, or one each."""
    from sklearn.metrics import silhouette_score

    found = len(np.unique(labels))
    return float(silhouette_score(z, labels)) if 1 < found < len(z) else -1.0


def noise_like(z: Floats, *, seed: int) -> Floats:
    """Normal values (n, d) with the means and covariances of `z`: what a silhouette must exceed to say anything."""
    chance = np.random.default_rng(seed)
    return chance.multivariate_normal(z.mean(axis=0), np.cov(z, rowvar=False), size=len(z))


def clustered(z: Floats, *, k: int, seed: int) -> Labels:
    """The clusters of a sample on the driver, the best of some starts."""
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(k, n_init=RESTARTS, random_state=seed).fit_predict(z), dtype=np.intp)
