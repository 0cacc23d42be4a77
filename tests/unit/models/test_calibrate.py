"""Platt's sigmoid: what it recovers, and when it steps back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.calibrate import UNCALIBRATED, UNSEASONAL, Calibrator, fit_platt
from models.logistic import fit_line, sigmoid


def test_recovers_the_line_that_made_the_outcomes(rng: np.random.Generator) -> None:
    margins = rng.normal(size=40_000)
    labels = (rng.random(40_000) < sigmoid(0.5 * margins - 1.0)).astype(float)
    found = fit_platt(margins, labels)
    assert (found.slope, found.intercept) == pytest.approx((0.5, -1.0), abs=0.06)
    assert found.status == UNSEASONAL and found.rows == 40_000


def test_newton_agrees_with_the_library(rng: np.random.Generator) -> None:
    x = rng.normal(300.0, 50.0, size=2_000)
    y = (rng.random(2_000) < sigmoid((x - 310) / 40)).astype(float)
    library = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(x[:, None], y)
    assert fit_line(x, y) == pytest.approx((library.coef_[0, 0], library.intercept_[0]), rel=1e-3)


def test_the_mean_forecast_becomes_the_base_rate(rng: np.random.Generator) -> None:
    margins = rng.normal(2.0, 3.0, size=5_000)
    labels = (rng.random(5_000) < 0.3 + 0.1 * (margins > 2)).astype(float)
    assert fit_platt(margins, labels).apply(margins).mean() == pytest.approx(labels.mean(), abs=1e-3)


def test_targets_are_platts_and_not_0_and_1() -> None:
    found = fit_platt(np.array([-1.0, -1.0, 2.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert found.apply(np.array([-1.0, 2.0])) == pytest.approx([1 / 4, 3 / 4], abs=1e-6)


def test_separable_rows_give_finite_odds() -> None:
    margins = np.array([-3.0, -2.0, 2.0, 3.0])
    found = fit_platt(margins, np.array([0.0, 0.0, 1.0, 1.0]))
    probabilities = found.apply(margins)
    assert found.status == UNSEASONAL and np.isfinite([found.slope, found.intercept]).all()
    assert probabilities.min() > 0 and probabilities.max() < 1


@pytest.mark.parametrize(
    ("margins", "labels", "reason"),
    [
        ([], [], "no calibration rows"),
        ([0.1, 0.2], [1.0, 1.0], "all 2 calibration rows have one class"),
        ([0.1, 0.2], [0.0, 0.0], "all 2 calibration rows have one class"),
        ([0.1, 0.1], [0.0, 1.0], "the model gives all calibration rows one margin"),
        ([3.0, 2.0, -2.0, -3.0], [0.0, 0.0, 1.0, 1.0], "would reverse the order"),
    ],
)
def test_rows_that_allow_no_fit_leave_the_model_as_it_is(
    margins: list[float], labels: list[float], reason: str
) -> None:
    found = fit_platt(np.array(margins), np.array(labels))
    assert (found.slope, found.intercept, found.status) == (1.0, 0.0, UNCALIBRATED)
    assert reason in found.reason


def test_json_keeps_every_digit() -> None:
    one = Calibrator(1 / 3, -1e-17, UNSEASONAL, "", 7)
    assert Calibrator.from_dict(json.loads(json.dumps(one.to_dict()))) == one
