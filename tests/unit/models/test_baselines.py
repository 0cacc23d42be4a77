"""The best single feature: chosen on training rows, judged on test rows."""

from __future__ import annotations

import numpy as np
import pytest

from models.baselines import compare_baselines, fit_baseline
from models.evaluate import evaluate

FEATURES = ("noise", "recency_days", "orders_count_365d")


@pytest.fixture
def rows(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    recency = rng.exponential(100.0, 4_000)
    labels = (rng.random(4_000) < 1 / (1 + recency / 40)).astype(float)
    orders = labels + rng.poisson(3.0, 4_000)
    return np.column_stack([rng.normal(size=4_000), recency, orders]).astype(np.float32), labels


def test_the_strongest_on_training_rows_is_first_whatever_its_direction(rows) -> None:
    matrix, labels = rows
    found = compare_baselines(
        matrix[:2_000], labels[:2_000], test=matrix[2_000:], test_labels=labels[2_000:], features=FEATURES
    )
    assert [(one.name, one.role) for one in found] == [
        ("recency_days", "best"),
        ("orders_count_365d", "forced"),
    ]
    best = found[0].metrics
    assert best.n == 2_000 and best.auc is not None and best.auc > 0.65
    constant = evaluate(labels[2_000:], np.full(2_000, labels[:2_000].mean()))
    assert best.log_loss < constant.log_loss
    assert best.ece10 < 0.05


def test_test_labels_do_not_choose(rows) -> None:
    matrix, labels = rows
    turned = compare_baselines(matrix, labels, test=matrix, test_labels=matrix[:, 0] > 0, features=FEATURES)
    assert turned[0].name == "recency_days"


def test_nulls_take_the_side_that_training_rows_show() -> None:
    values = np.array([np.nan, np.nan, np.nan, 5.0, 6.0, 7.0] * 50)
    labels = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0] * 50)
    baseline = fit_baseline("days", values, labels)
    known, unknown = baseline.predict(np.array([6.0, np.nan]))
    assert unknown > known and baseline.missing == 8.0


def test_log_scale_beats_rank_where_the_truth_is_a_power(rng: np.random.Generator) -> None:
    values = rng.lognormal(3.0, 2.0, 5_000)
    labels = (rng.random(5_000) < 1 / (1 + 20 / values)).astype(float)
    assert fit_baseline("money", values, labels).scale == "log"


@pytest.mark.parametrize("labels", [np.zeros(4), np.ones(4)])
def test_one_class_or_only_nulls_has_no_baseline(labels: np.ndarray) -> None:
    matrix = np.arange(8.0).reshape(4, 2)
    assert compare_baselines(matrix, labels, test=matrix, test_labels=labels, features=("a", "b")) == []
    empty = np.full((4, 1), np.nan)
    half = np.array([0.0, 1.0, 0.0, 1.0])
    assert compare_baselines(empty, half, test=empty, test_labels=half, features=("a",)) == []


def test_no_test_rows_give_a_reason(rows) -> None:
    matrix, labels = rows
    found = compare_baselines(matrix, labels, test=matrix[:0], test_labels=labels[:0], features=FEATURES)
    assert found[0].metrics.reason == "no rows"
