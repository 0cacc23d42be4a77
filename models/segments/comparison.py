"""Two other ways to cluster, on a counted sample of one machine, beside KMeans on the same customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.logistic import Floats
from models.segments.choose_k import Labels, agreement
from models.segments.silhouettes import silhouette

NOISE = -1


@dataclass(frozen=True)
class Rival:
    """What another algorithm found: its clusters, the share it calls noise, how far it agrees with KMeans.

    `agreement` is the adjusted Rand index on all of the `rows` sampled customers, noise being a cluster of its own;
    `silhouette` is that of the customers that are no noise; `setting` says what was chosen for it, and how.
    """

    name: str
    clusters: int
    noise_share: float
    largest_share: float
    agreement: float
    silhouette: float
    rows: int
    setting: str


def rivals(z: Floats, labels: Labels, *, k: int) -> list[Rival]:
    """DBSCAN and Ward's agglomerative clustering of a sample (n, d), beside the `labels` (n,) that KMeans gave it."""
    return [_density(z, labels), _agglomerative(z, labels, k=k)]


def _density(z: Floats, labels: Labels) -> Rival:
    """DBSCAN by its authors' rules: 2 d neighbours (Sander et al. 1998), a radius at the knee of their distances."""
    from sklearn.cluster import DBSCAN

    neighbours = 2 * z.shape[1]
    radius = knee_distance(z, neighbours=neighbours)
    found = np.asarray(DBSCAN(eps=radius, min_samples=neighbours).fit_predict(z), dtype=np.intp)
    return _rival("DBSCAN", z, found, labels, f"radius {radius:.3f} at the knee, {neighbours} neighbours")


def _agglomerative(z: Floats, labels: Labels, *, k: int) -> Rival:
    from sklearn.cluster import AgglomerativeClustering

    found = np.asarray(AgglomerativeClustering(n_clusters=k, linkage="ward").fit_predict(z), dtype=np.intp)
    return _rival("agglomerative", z, found, labels, f"Ward, cut at the {k} clusters of KMeans")


def knee_distance(z: Floats, *, neighbours: int) -> float:
    """The distance to the farthest of so many neighbours where its sorted curve lies farthest below its chord."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=min(neighbours, len(z))).fit(z)
    curve = np.sort(near.kneighbors(z)[0][:, -1])
    chord = np.linspace(curve[0], curve[-1], len(curve))
    at_knee = float(curve[np.argmax(chord - curve)])
    # Customers with the same values have a distance of 0, and DBSCAN takes a radius above it.
    return max(at_knee, 1e-9)


def _rival(name: str, z: Floats, found: Labels, labels: Labels, setting: str) -> Rival:
    kept = found != NOISE
    sizes = np.unique(found[kept], return_counts=True)[1]
    return Rival(name, len(sizes), float(1 - kept.mean()), float(sizes.max(initial=0) / len(found)),
                 agreement([found, labels]), silhouette(z[kept], found[kept]), len(found), setting)  # fmt: skip
