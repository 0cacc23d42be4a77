"""Models of the six learned heads for a benchmark of scoring: boosted trees of the default size, fitted on a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.algorithms.boosted import XGBoost
from models.algorithms.contract import Rows
from models.algorithms.objectives import NUMBER, PROBABILITY
from models.algorithms.parameters import XGBoostParameters
from models.bundle import Bundle
from models.calibrate import Calibrator
from models.heads import HEADS, Head
from models.logistic import Floats, sigmoid
from models.matrix import feature_matrix
from models.registry import Registered
from models.scale import Scale

LEVELS = {"churn": -0.5, "purchase": 0.8, "decline": -0.3, "active": 1.2, "spend": 0.5, "orders": 0.3}
"""What the outcomes of a head follow beside features: a sign and a size of its own."""


@dataclass(frozen=True)
class Sample:
    """Rows that all heads learn from."""

    rows: pa.Table
    features: tuple[str, ...]
    fingerprint: str


def fitted(sample: Sample, parameters: XGBoostParameters, *, seed: int) -> dict[str, Registered[Bundle]]:
    """By head, a bundle of as many trees as `parameters` say; its scores are not calibrated."""
    matrix = feature_matrix(sample.rows, sample.features)
    return {name: Registered(_bundle(head, sample, matrix, parameters, seed), "1") for name, head in HEADS.items()}


def _bundle(head: Head, sample: Sample, matrix: np.ndarray, parameters: XGBoostParameters, seed: int) -> Bundle:
    labels = _outcomes(head, sample, np.random.default_rng([seed, len(head.name)]))
    algorithm = XGBoost(parameters, NUMBER if head.is_amount else PROBABILITY)
    # Stopped by the rows that it learns from it does not stop: the benchmark's models have all their trees.
    rows = Rows(matrix, labels, matrix, labels, sample.features)
    return Bundle(
        head=head.name, label=head.label, horizon_days=head.horizon_days, features=sample.features,
        feature_fingerprint=sample.fingerprint, training_fingerprint="benchmark",
        model=algorithm.fit(rows, seed=seed).model.save(), calibrator=Scale() if head.is_amount else Calibrator(),
        dates={}, metrics={}, kind=head.kind,
    )  # fmt: skip


def _outcomes(head: Head, sample: Sample, rng: np.random.Generator) -> Floats:
    """1 or 0, or a root, (n,): by recency and orders, and by chance."""
    recency, orders = (sample.rows[name].fill_null(0).cast(pa.float64()).to_numpy()
                       for name in ("recency_days", "orders_count_365d"))  # fmt: skip
    level = LEVELS[head.name] * (np.log1p(orders) - np.log1p(recency) / 3)
    if head.is_amount:
        return np.asarray(np.exp(level + rng.normal(0, 0.5, len(level))))
    return np.asarray(rng.random(len(level)) < sigmoid(level), dtype=np.float64)
