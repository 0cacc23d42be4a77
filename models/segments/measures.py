"""The three measures that clusters are found in, and the frozen scales that make them comparable.

Recency, order days and order value are skewed by orders of magnitude: raw z-scores find one tiny cluster of the
largest customers. So z of log(1 + recency), log(1 + order days), log(order value).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.logistic import Floats

RECENCY, ORDER_DAYS, ORDER_VALUE = "recency_days", "order_days_lifetime", "order_value_mean_lifetime"
MEASURES = (RECENCY, ORDER_DAYS, ORDER_VALUE)
"""Features of the view `orders`: days, UTC days with an order, and mean gross value of an order, above 0."""
Triple = tuple[float, float, float]
DIGITS = 6
"""Decimals that are kept of scales and centroids: below them the order of a distributed sum shows."""


@dataclass(frozen=True)
class Scales:
    """Means and standard deviations of the logarithms, over the customers of a fit."""

    means: Triple
    sds: Triple

    def z(self, measures: Floats) -> Floats:
        """Standard scores (n, 3) of measures (n, 3) in days, days, currency.

        >>> Scales((0.0, 0.0, 0.0), (1.0, 1.0, 2.0)).z(np.array([[0.0, 0.0, np.e]])).tolist()
        [[0.0, 0.0, 0.5]]
        """
        return np.asarray((logarithms(measures) - self.means) / self.sds)

    def measures(self, z: Floats) -> Floats:
        """What `z` was made from: measures (n, 3) of standard scores (n, 3)."""
        logs = z * np.array(self.sds) + self.means
        return np.column_stack([np.expm1(logs[:, 0]), np.expm1(logs[:, 1]), np.exp(logs[:, 2])])


def logarithms(measures: Floats) -> Floats:
    """log(1 + recency), log(1 + order days), log(order value), each (n,), as columns."""
    return np.column_stack([np.log1p(measures[:, 0]), np.log1p(measures[:, 1]), np.log(measures[:, 2])])


def nearest(z: Floats, centroids: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The place (n,) of the nearest of `centroids` (k, 3) to each of `z` (n, 3); the first of equals.

    >>> nearest(np.array([[0.0, 0, 0], [2, 2, 2]]), np.array([[1.0, 1, 1], [3, 3, 3]])).tolist()
    [0, 0]
    """
    # A distance at a time: (n, k, 3) values would be three times what a task holds for nothing.
    distances = np.stack([((z - centroid) ** 2).sum(axis=1) for centroid in centroids], axis=1)
    return np.asarray(distances.argmin(axis=1), dtype=np.intp)
