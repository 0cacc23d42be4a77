"""A seeded generator and a small real booster for the tests of this folder."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost

from models.bundle import Bundle
from models.calibrate import Calibrator


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20111209)


@pytest.fixture
def bundle(rng: np.random.Generator) -> Bundle:
    """A churn model of the features a, b, c with some NULLs among its training rows."""
    matrix = rng.normal(size=(400, 3)).astype(np.float32)
    labels = (matrix[:, 0] + 0.5 * matrix[:, 1] > 0).astype(float)
    matrix[::5, 1] = np.nan
    booster = xgboost.train({"objective": "binary:logistic", "seed": 1}, xgboost.DMatrix(matrix, labels), 8)
    return Bundle(
        head="churn",
        label="churn_60d",
        horizon_days=60,
        features=("a", "b", "c"),
        feature_fingerprint="features-1",
        training_fingerprint="training-1",
        booster=bytes(booster.save_raw("ubj")),
        calibrator=Calibrator(0.9, -0.1, "unseasonal", "", 100),
        dates={"test": "2011-10-10"},
        metrics={"auc": 0.75},
        baseline={"name": "a", "auc": 0.7},
    )
