"""The fit of the segments: KMeans in Spark for every k, seed and of both dates; the choice; names; evidence."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from pyspark.ml.clustering import KMeans
from pyspark.sql import DataFrame

from models.logistic import Floats
from models.segments.buyers import Buyers, Population, Z, points, sample_of
from models.segments.choose_k import Candidate, agreement, chosen, smallest_share
from models.segments.comparison import rivals
from models.segments.matching import Matched, first_ids, matched
from models.segments.measures import DIGITS, Triple, nearest
from models.segments.personas import personas
from models.segments.record import Cluster, SegmentModel, meaning_of_measures
from models.segments.settings import SegmentSettings
from models.segments.silhouettes import clustered, noise_like, silhouette

log = logging.getLogger(__name__)

MOST_ITERATIONS, TOLERANCE = 50, 1e-4


@dataclass(frozen=True)
class Fit:
    """One KMeans: centroids (k, 3) in standard scores, the customers of each, the mean squared distance."""

    centroids: Floats
    sizes: tuple[int, ...]
    cost: float


@dataclass(frozen=True)
class Fits:
    """All fits of one k: by seed at the date, and the best of the earlier one."""

    k: int
    by_seed: tuple[Fit, ...]
    earlier: Fit

    @property
    def best(self) -> Fit:
        return min(self.by_seed, key=lambda fit: fit.cost)


@dataclass(frozen=True)
class Fitted:
    """A model and what pictures of it need: the sampled measures (n, 3)."""

    model: SegmentModel
    sample: Floats


def fit_segments(
    now: Buyers, then: Buyers, *, limits: SegmentSettings, partitions: int, seed: int,
    previous: SegmentModel | None, training_fingerprint: str,
) -> Fitted:  # fmt: skip
    """Choose k on the buyers of a date and of an earlier one, and fit; clusters keep the ids of `previous`.

    `partitions` is how many parts KMeans works on at most: a result depends on it in the last digits. Where no k is
    stable the model has no clusters.
    """
    sample = sample_of(now.rows, total=now.population.customers, at_most=limits.agreement_rows)
    all_fits = _all_fits(now, then, limits=limits, partitions=partitions, seed=seed)
    candidates = judged(all_fits, sample, (now.population, then.population), limits=limits, seed=seed)
    k = chosen(candidates, limits)
    best = next((fits.best for fits in all_fits if fits.k == k), None)
    clusters, next_id = _clusters(best, now.population, previous=previous, within=limits.same_within)
    few = now.population.scales.z(sample[: limits.sample_rows])
    others = () if best is None else tuple(rivals(few, nearest(few, best.centroids), k=len(clusters)))
    model = SegmentModel(now.as_of.isoformat(), then.as_of.isoformat(), now.population.customers,
                         now.population.scales, clusters, next_id, tuple(candidates), others, meaning_of_measures(),
                         training_fingerprint)  # fmt: skip
    return Fitted(model, sample[: limits.sample_rows])


def _all_fits(now: Buyers, then: Buyers, *, limits: SegmentSettings, partitions: int, seed: int) -> list[Fits]:
    firsts = range(seed, seed + limits.seeds * limits.starts, limits.starts)
    seeds = [range(first, first + limits.starts) for first in firsts]
    with _held(points(now, partitions=partitions)) as current, \
         _held(points(then, partitions=partitions)) as past:  # fmt: skip
        return [_fits(current, past, k=k, seeds=seeds) for k in limits.ks]


def judged(
    all_fits: Sequence[Fits], sample: Floats, populations: tuple[Population, Population], *,
    limits: SegmentSettings, seed: int,
) -> list[Candidate]:  # fmt: skip
    """What each k showed on the sampled measures, each date's fit by the scales of its own customers."""
    z, z_then = (population.scales.z(sample) for population in populations)
    few = z[: limits.sample_rows]
    noise = noise_like(few, seed=seed)
    return [
        Candidate(
            fits.k,
            smallest_share(fits.best.sizes, k=fits.k),
            agreement([nearest(z, fit.centroids) for fit in fits.by_seed]),
            agreement([nearest(z, fits.best.centroids), nearest(z_then, fits.earlier.centroids)]),
            fits.best.cost,
            silhouette(few, nearest(few, fits.best.centroids)),
            silhouette(noise, clustered(noise, k=fits.k, seed=seed)),
        )
        for fits in all_fits
    ]


def least_customers(limits: SegmentSettings) -> int:
    """How many customers a fit needs, so that the most clusters could each have some."""
    return limits.customers_per_cluster * limits.k_most


def kmeans(rows: DataFrame, *, k: int, seed: int) -> Fit:
    """KMeans of the points `z`, started by k-means|| (Bahmani et al. 2012)."""
    fitted = KMeans(featuresCol=Z, k=k, seed=seed, maxIter=MOST_ITERATIONS, tol=TOLERANCE).fit(rows)
    summary = fitted.summary
    sizes = tuple(int(size) for size in summary.clusterSizes if size)
    centroids = np.round(np.array(fitted.clusterCenters()), DIGITS)
    return Fit(centroids, sizes, float(summary.trainingCost) / sum(sizes))


def closest(rows: DataFrame, *, k: int, seeds: Sequence[int]) -> Fit:
    """The KMeans of least cost among those that start from different seeds."""
    return min((kmeans(rows, k=k, seed=seed) for seed in seeds), key=lambda fit: fit.cost)


def _fits(now: DataFrame, past: DataFrame, *, k: int, seeds: Sequence[Sequence[int]]) -> Fits:
    """One fit a group of `seeds` at the date, and one at the earlier date."""
    fits = Fits(k, tuple(closest(now, k=k, seeds=group) for group in seeds), closest(past, k=k, seeds=seeds[0]))
    log.debug("k = %d: mean squared distances %s", k, [round(fit.cost, 4) for fit in fits.by_seed])
    return fits


def _clusters(
    fit: Fit | None, population: Population, *, previous: SegmentModel | None, within: float
) -> tuple[tuple[Cluster, ...], int]:
    """The clusters of a fit by their ids, and the next free one; no cluster where there is no fit."""
    next_id = 1 if previous is None else previous.next_id
    if fit is None:
        return (), next_id
    order = np.lexsort(fit.centroids.T[::-1])  # by recency: the first ids are of those who came last
    z = fit.centroids[order]
    sizes = np.array(fit.sizes)[order]
    measures = [_triple(one) for one in population.scales.measures(z)]
    names = personas(measures, population.terciles)
    match = _matched(z, population, previous, within=within)
    found = [
        Cluster(id_, _triple(centroid), values, name, int(size), None if moved is None else round(moved, DIGITS))
        for id_, centroid, values, name, size, moved in zip(
            match.ids, z, measures, names, sizes, match.moved, strict=True
        )
    ]
    return tuple(sorted(found, key=lambda one: one.id)), match.next_id


def _matched(z: Floats, population: Population, previous: SegmentModel | None, *, within: float) -> Matched:
    if previous is None:
        return first_ids(len(z))
    known = meaning_of_measures() == previous.feature_fingerprint
    old = previous.centroids if known else previous.centroids[:0]
    ids = tuple(one.id for one in previous.clusters) if known else ()
    in_new_scores = population.scales.z(previous.scales.measures(old))
    return matched(z, in_new_scores, old_ids=ids, next_id=previous.next_id, within=within)


@contextmanager
def _held(rows: DataFrame) -> Iterator[DataFrame]:
    """Keep rows that many fits read; partitions that do not fit into memory go to disk."""
    rows.persist()
    try:
        yield rows
    finally:
        rows.unpersist()


def _triple(values: Floats) -> Triple:
    first, second, third = (round(float(value), DIGITS) for value in values)
    return first, second, third
