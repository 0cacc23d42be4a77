"""A small head that was really trained, without Spark: rows with known truth, a native fit, its judgement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from models.algorithms.contract import Rows
from models.bundle import Bundle
from models.calibrate import Calibrator, fit_platt
from models.calibration_backtest import Backtest
from models.guard.findings import Finding, Verdict
from models.heads import CHURN
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.splits import CALIBRATE, FIT, STOP, TEST, plan_splits
from models.thresholds import Values
from models.train import _judged, _valued
from models.trained import TrainedHead
from models.training_rows import Sample, SplitCount

PLAN = plan_splits(date(2011, 12, 9), horizon_days=60, source_start=date(2010, 7, 1))
VALUES = Values(saved=100, save_rate=0.1, contact=1, offer=5, redeemed_anyway=0.2, assumed=True)
FEATURES = ("recency_days", "recency_copy", "money", "noise")
FAMILIES = {"recency_days": "recency", "recency_copy": "recency", "money": "value"}
SIZES = {FIT: 1200, STOP: 300, CALIBRATE: 400, TEST: 500}


def small_trained() -> TrainedHead:
    """Four features, two of them the same with noise; the outcome follows recency and money."""
    rng = np.random.default_rng(11)
    samples = {split: _sample(split, rng, rows) for split, rows in SIZES.items()}
    fit, stop = samples[FIT], samples[STOP]
    algorithm = TrainingParameters(trees=25, learning_rate=0.3, early_stopping_rounds=5, max_depth=3).algorithm_of()
    fitted = algorithm.fit(Rows(fit.matrix, fit.labels, stop.matrix, stop.labels, FEATURES), seed=1)
    raw = Bundle(
        head=CHURN.name, label=CHURN.label, horizon_days=60, features=FEATURES, feature_fingerprint="features-1",
        training_fingerprint="training-1", model=fitted.model.save(), calibrator=Calibrator(), dates=PLAN.describe(),
        metrics={}, guard="passed, 1 reported",
    )  # fmt: skip
    then = samples[CALIBRATE]
    counts = {split: SplitCount(len(one.labels), int(one.labels.sum())) for split, one in samples.items()}
    calibrator = fit_platt(raw.margins(then.matrix), then.labels)
    judged = _judged(raw, calibrator, fit=fitted, counts=counts, samples=samples, plan=PLAN)
    finding = Finding("G5", "recency_days", 0.72, 0.7, False, "recency_days correlates with the label")
    tried = [Backtest("2011-06-12", method, "", 300, 0.5, 0.03, 0.01) for method in ("platt", "none")]
    return replace(_valued(judged, samples, VALUES, PLAN), backtests=tried, samples=samples,
                   verdict=Verdict((finding,), {}))  # fmt: skip


def _sample(split: str, rng: np.random.Generator, rows: int) -> Sample:
    recency, money = rng.exponential(60, rows), rng.lognormal(3, 1, rows)
    labels = (rng.random(rows) < sigmoid(recency / 20 - 2 - 0.5 * np.log(money / 20))).astype(float)
    matrix = np.column_stack([recency, recency + rng.normal(0, 15, rows), money, rng.normal(size=rows)])
    matrix[::17, 2] = np.nan
    day = {FIT: PLAN.fitted[0], STOP: PLAN.stopping, CALIBRATE: PLAN.calibration, TEST: PLAN.test}[split]
    segments = np.where(recency > 60, "At Risk", "Loyal Customers").astype(object)
    segments[:5] = None
    customers = np.array([f"c{at}" for at in range(rows)], dtype=object)
    return Sample(split, matrix.astype(np.float32), labels, rows, customers,
                  np.full(rows, np.datetime64(day)), segments)  # fmt: skip
