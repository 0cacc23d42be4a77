"""Metrics against scikit-learn and by hand, and the rows that allow no figure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as reference

from models.evaluate import evaluate


def test_figures_agree_with_the_library(rng: np.random.Generator) -> None:
    p = rng.random(500).round(2)
    y = (rng.random(500) < p).astype(float)
    found = evaluate(y, p)
    assert found.auc == pytest.approx(reference.roc_auc_score(y, p))
    assert found.average_precision == pytest.approx(reference.average_precision_score(y, p))
    assert found.log_loss == pytest.approx(reference.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)))
    assert found.brier == pytest.approx(reference.brier_score_loss(y, p))
    assert found.base_rate == y.mean() and found.n == 500 and found.reason == ""


def test_lift_and_calibration_error_by_hand() -> None:
    p = np.repeat([0.9, 0.1], [2, 18])
    y = np.array([1.0, 1.0] + [1.0] * 2 + [0.0] * 16)
    found = evaluate(y, p)
    assert found.lift_top_tenth == pytest.approx(1.0 / 0.2)
    # Two rows at .9 that all happened, eighteen at .1 of which one in nine happened.
    assert found.ece10 == pytest.approx((2 * 0.1 + 18 * (1 / 9 - 0.1)) / 20)


@given(
    p=hnp.arrays(float, 40, elements=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])),
    y=hnp.arrays(float, 40, elements=st.sampled_from([0.0, 1.0])),
    seed=st.integers(0, 99),
)
def test_row_order_changes_nothing(p: np.ndarray, y: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(40)
    one, other = evaluate(y, p).figures(), evaluate(y[order], p[order]).figures()
    assert one == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_has_no_ranking_figures(value: float) -> None:
    found = evaluate(np.full(3, value), np.array([0.1, 0.5, 0.9]))
    assert (found.auc, found.average_precision, found.lift_top_tenth) == (None, None, None)
    assert found.reason == "all 3 rows have one class"
    assert found.brier is not None and np.isfinite(found.log_loss)
    assert "auc" not in found.figures()


def test_no_rows_have_a_reason() -> None:
    found = evaluate(np.array([]), np.array([]))
    assert found.reason == "no rows" and found.figures() == {"n": 0.0}


def test_a_sure_and_wrong_forecast_is_finite() -> None:
    assert np.isfinite(evaluate(np.array([0.0, 1.0]), np.array([1.0, 0.0])).log_loss)
