"""A comparison of algorithms: the same rows for all, and no label that reaches into a held-out date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest

from models.algorithms.contract import Fit, Rows
from models.compare import GROUPED, ROLLING, compare, customer_folds, rolling_folds
from models.errors import CannotTrain
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.training_rows import Sample

FEATURES = ("x", "noise")
DAYS = [date(2011, 1, 1) + timedelta(days=28 * at) for at in range(8)]
SMALL = TrainingParameters(trees=20, learning_rate=0.3, max_depth=2, min_child_weight=5)


def sample() -> Sample:
    rng = np.random.default_rng(6)
    customers = np.array([f"c{at}" for at in range(300)] * len(DAYS), dtype=object)
    days = np.repeat(np.array(DAYS, dtype="datetime64[D]"), 300)
    x = rng.normal(size=len(days))
    labels = (rng.random(len(days)) < sigmoid(3 * np.abs(x) - 2)).astype(float)
    matrix = np.column_stack([x, rng.normal(size=len(days))]).astype(np.float32)
    return Sample("fit", matrix, labels, len(labels), customers, days)


@dataclass(frozen=True)
class Watched:
    """An algorithm that keeps what it was given."""

    inner: object
    name: str
    seen: list[Rows]

    def fit(self, rows: Rows, *, seed: int) -> Fit:
        self.seen.append(rows)
        return self.inner.fit(rows, seed=seed)


def watched(name: str) -> Watched:
    return Watched(SMALL.algorithm_of(name), name, [])


def run(algorithms, rows: Sample | None = None, **changes):
    how = {"horizon_days": 60, "folds": 2, "at_most": 900, "seed": 1, "progress": lambda _: None, **changes}
    return compare(rows or sample(), features=FEATURES, algorithms=algorithms, **how)


def test_what_can_bend_beats_what_cannot_and_by_how_much_is_said() -> None:
    tree, line = watched("decision_tree"), watched("logistic_regression")
    found = run([line, tree])
    assert [(one.folds, one.algorithm) for one in found] == [
        (ROLLING, "decision_tree"),
        (ROLLING, "logistic_regression"),
        (GROUPED, "decision_tree"),
        (GROUPED, "logistic_regression"),
    ]
    assert found[0].log_loss_gain is None and found[1].log_loss_gain.low > 0
    assert found[0].metrics.n == found[1].metrics.n == 600 and found[2].metrics.n == 2400
    gap = found[1].metrics.log_loss - found[0].metrics.log_loss
    assert found[1].log_loss_gain.figure == pytest.approx(gap)
    assert len(tree.seen) == len(line.seen) == 5
    for one, other in zip(tree.seen, line.seen, strict=True):
        np.testing.assert_array_equal(one.matrix, other.matrix)
        np.testing.assert_array_equal(one.stop_matrix, other.stop_matrix)
        assert len(one.labels) + len(one.stop_labels) <= 900


def test_folds_leave_a_gap_of_a_horizon_and_share_no_customer() -> None:
    rows = sample()
    folds = rolling_folds(rows, timedelta(days=60), at_most=3)
    assert [str(rows.days[held_out][0]) for _, held_out in folds] == [str(day) for day in DAYS[:-4:-1]]
    for learned, held_out in folds:
        assert rows.days[learned].max() <= rows.days[held_out].min() - np.timedelta64(60, "D")
    held = [set(rows.customers[held_out]) for _, held_out in customer_folds(rows)]
    assert sum(map(len, held)) == 300 == len(set.union(*held))
    for learned, held_out in customer_folds(rows):
        assert not set(rows.customers[learned]) & set(rows.customers[held_out])


def test_rows_that_allow_no_fold_say_so() -> None:
    rows = sample()
    first = rows.days == rows.days[0]
    one_day = Sample("fit", rows.matrix[first], rows.labels[first], 300, rows.customers[first], rows.days[first])
    with pytest.raises(CannotTrain, match="no fold of kind 'rolling origin'"):
        run([watched("decision_tree")], one_day)
    with pytest.raises(CannotTrain, match="trial_rows"):
        run([watched("decision_tree")], replace(rows), at_most=3)
