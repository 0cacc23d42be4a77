"""A small head of amounts, really trained without Spark: rows with known truth, a native fit, its judgement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np

from models.algorithms.boosted import XGBoost
from models.algorithms.contract import Rows
from models.algorithms.objectives import NUMBER
from models.bundle import Bundle
from models.guard.findings import Finding, Verdict
from models.heads import HEADS
from models.inputs import Inputs
from models.logistic import Floats
from models.parameters import TrainingParameters
from models.report.asked import Asked
from models.scale import Scale, fit_scale
from models.scale_backtest import ScaleBacktest
from models.splits import CALIBRATE, FIT, STOP, TEST, plan_splits
from models.tasks import AMOUNT
from models.train_amounts import TrainedAmounts, _judged
from models.training_rows import Sample, SplitCount

SPEND = HEADS["spend"]
LAST_YEAR = SPEND.last_year
PLAN = plan_splits(date(2012, 12, 9), horizon_days=90, source_start=date(2010, 7, 1))
FEATURES = (LAST_YEAR, "recency_days", "noise")
ASKED = Asked(("label spend_90d: net <spend>",), date(2012, 12, 9), "GBP", "training_set_spend_90d, abc", 42,
              {LAST_YEAR: "monetary", "recency_days": "recency"}, {"trees": 40})  # fmt: skip
SIZES = {FIT: 1500, STOP: 300, CALIBRATE: 400, TEST: 600}


def small_amounts() -> TrainedAmounts:
    """Three features; the recent ones buy, about a quarter of what they bought last year."""
    rng = np.random.default_rng(12)
    samples = {split: _sample(split, rng, rows) for split, rows in SIZES.items()}
    fit, stop, then = samples[FIT], samples[STOP], samples[CALIBRATE]
    how = TrainingParameters(trees=40, learning_rate=0.2, early_stopping_rounds=5, max_depth=3).boosting()
    rows = Rows(fit.matrix, np.sqrt(fit.labels), stop.matrix, np.sqrt(stop.labels), FEATURES)
    fitted = XGBoost(how, NUMBER).fit(rows, seed=1)
    raw = Bundle(
        head=SPEND.name, label=SPEND.label, horizon_days=90, features=FEATURES, feature_fingerprint="features-1",
        training_fingerprint="training-1", model=fitted.model.save(), calibrator=Scale(), dates=PLAN.describe(),
        metrics={}, guard="passed, 1 reported", kind=AMOUNT,
        last_year=LAST_YEAR,
    )  # fmt: skip
    counts = {split: SplitCount(len(one.labels), int((one.labels > 0).sum())) for split, one in samples.items()}
    scaled = replace(raw, calibrator=fit_scale(raw.margins(then.matrix), then.labels))
    inputs = Inputs(SimpleNamespace(), SPEND.label, FEATURES, {}, counts)
    judged = _judged(scaled, raw, fit=fitted, inputs=inputs, test=samples[TEST], plan=PLAN)
    finding = Finding("G2", LAST_YEAR, 0.86, 0.85, False, "amount_sum_365d alone tells who buys")
    tried = [ScaleBacktest("2012-03-09", "last", "scaled", 300, 0.93, 50.0),
             ScaleBacktest("2012-03-09", "seasonal", "uncalibrated", 300, 0.4, 60.0)]  # fmt: skip
    return replace(judged, backtests=tried, samples=samples, verdict=Verdict((finding,), {}))


def _sample(split: str, rng: np.random.Generator, rows: int) -> Sample:
    last_year, recency = rng.lognormal(6, 1, rows), rng.uniform(0, 120, rows)
    amounts: Floats = last_year / 4 * rng.lognormal(-0.3, 0.8, rows) * (rng.random(rows) < (130 - recency) / 130)
    matrix = np.column_stack([last_year, recency, rng.normal(size=rows)])
    matrix[::17, 0] = np.nan
    day = {FIT: PLAN.fitted[0], STOP: PLAN.stopping, CALIBRATE: PLAN.calibration, TEST: PLAN.test}[split]
    segments = np.where(recency > 60, "At Risk", "Loyal Customers").astype(object)
    customers = np.array([f"c{at}" for at in range(rows)], dtype=object)
    return Sample(split, matrix.astype(np.float32), amounts, rows, customers,
                  np.full(rows, np.datetime64(day)), segments)  # fmt: skip
