"""Small real bundles for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xgboost

from models.bundle import Bundle
from models.calibrate import Calibrator
from models.heads import CHURN, Head
from models.registry import Registry


def small_bundle(head: Head = CHURN, *, features: Sequence[str] = ("a", "b", "c"), sign: float = 1.0) -> Bundle:
    """A model fitted natively on three normal features; the outcome rises with `sign` times the first."""
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(400, len(features))).astype(np.float32)
    labels = (sign * matrix[:, 0] + 0.5 * matrix[:, 1] > 0).astype(float)
    matrix[::5, 1] = np.nan
    booster = xgboost.train({"objective": "binary:logistic", "seed": 1}, xgboost.DMatrix(matrix, labels), 8)
    return Bundle(
        head=head.name,
        label=head.label,
        horizon_days=head.horizon_days,
        features=tuple(features),
        feature_fingerprint="features-1",
        training_fingerprint="training-1",
        model=bytes(booster.save_raw("ubj")),
        calibrator=Calibrator(0.9, -0.1, "unseasonal", "", 100),
        dates={"test": "2011-10-10"},
        metrics={"auc": 0.75},
        baselines=({"name": "a", "auc": 0.7},),
    )


def registry_in(folder: Path) -> Registry:
    """A registry in an SQLite store and files of a folder."""
    return Registry(f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts"))
