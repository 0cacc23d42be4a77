"""What stands around a fit: guard, calibration by backtests, threshold, intervals; rows in memory instead of Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

import models.calibrate
import models.train
from models.algorithms.boosted import loaded_booster
from models.algorithms.contract import Algorithm, Fit
from models.confidence import confidence
from models.guard.evidence import Guard, Rebuilt
from models.guard.findings import LeakageFound
from models.guard.settings import GuardSettings
from models.heads import CHURN
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.splits import FIT, plan_splits
from models.thresholds import Values
from models.train import train_head
from models.trained import TrainedHead
from models.training_rows import Sample, SplitCount

FEATURES = ("recency_days", "gap_days", "noise")
PLAN = plan_splits(date(2011, 12, 9), horizon_days=60, source_start=date(2009, 12, 1))
PARAMETERS = TrainingParameters(algorithm="logistic_regression", calibration="backtested")
GUARD = Guard(GuardSettings(removal_loss=0.4), Rebuilt(compared=dict.fromkeys(FEATURES, 1)))
VALUES = Values(saved=100, save_rate=0.1, contact=1, offer=5, redeemed_anyway=0.2, assumed=True)


@dataclass(frozen=True)
class InMemory:
    """The part of `Inputs` that a fit on one machine asks."""

    samples: dict[str, Sample]
    features: tuple[str, ...] = FEATURES
    categorical: tuple[int, ...] = ()

    @property
    def words(self) -> dict[str, list[str]]:
        return {}

    @property
    def counts(self) -> dict[str, SplitCount]:
        return {split: SplitCount(len(one.labels), int(one.labels.sum())) for split, one in self.samples.items()}

    def sample(self, split: str, **_: object) -> Sample:
        return self.samples[split]


def inputs(*, leak: bool = False, a_day: int = 250) -> InMemory:
    rng = np.random.default_rng(8)
    found = {}
    for split in ("fit", "stop", "calibrate", "test"):
        days = [day for day, of in PLAN.dates.items() if of == split]
        when = np.repeat(np.array(sorted(days), dtype="datetime64[D]"), a_day)
        season = np.cos(2 * np.pi * when.astype(int) / 364)
        recency = rng.exponential(60, len(when))
        labels = (rng.random(len(when)) < sigmoid(recency / 50 - 1.5 + season)).astype(float)
        last = labels + rng.normal(0, 0.2, len(when)) if leak else rng.normal(size=len(when))
        matrix = np.column_stack([recency, recency * rng.lognormal(0, 1, len(when)), last]).astype(np.float32)
        who = np.array([f"c{at}" for at in range(a_day)] * len(days), dtype=object)
        found[split] = Sample(split, matrix, labels, len(labels), who, when)
    return InMemory(found)


def in_memory(
    rows: InMemory, algorithm: Algorithm, *, parameters: TrainingParameters, seed: int, shifts: Mapping[date, float]
) -> Fit:  # fmt: skip
    given = models.train._rows_in_memory(rows, algorithm, parameters=parameters, seed=seed, shifts=shifts)
    return algorithm.fit(given, seed=seed)


def trained(
    monkeypatch: pytest.MonkeyPatch, rows: InMemory, *, fit: Callable[..., Fit] = in_memory, **changes: object
) -> TrainedHead:  # fmt: skip
    monkeypatch.setattr(models.train, "inputs_of", lambda *_, **__: rows)
    monkeypatch.setattr(models.train, "fit_inputs", fit)
    how = {"parameters": PARAMETERS, "guard": GUARD, "values": VALUES, **changes}
    return train_head(
        SimpleNamespace(), head=CHURN, features=FEATURES, feature_fingerprint="f", training_fingerprint="t", plan=PLAN,
        seed=42, **how,
    )  # fmt: skip


def test_a_training_is_guarded_calibrated_by_backtests_and_valued(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trained(monkeypatch, inputs())
    figures, documents = found.logged_metrics(), found.documents()
    assert found.bundle.guard == "passed, 0 reported" == documents["guard.json"]["status"]
    assert found.bundle.algorithm == "logistic_regression" and figures["guard_findings"] == 0
    # The outcome has a season and no other drift.
    assert found.bundle.calibration_status == "seasonal" and found.bundle.calibrator.home == "2011-12-09"
    assert {one["method"] for one in documents["calibration_backtests.json"]} == {
        "seasonal_platt", "platt", "isotonic", "seasonal", "none"
    }  # fmt: skip
    assert figures["test_ece10_excess"] == pytest.approx(found.test.ece10, abs=0.1) and found.excess < found.test.ece10
    at_test = found.bundle.at(PLAN.test).predict(inputs().samples["test"].matrix)
    assert abs(at_test.mean() - found.test.base_rate) < 0.08
    assert figures["test_auc_low"] < figures["test_auc"] < figures["test_auc_high"]
    assert 0 < figures["threshold"] < 1 and figures["test_profit_per_customer"] == found.test_profit > 0
    assert documents["profit_curve.json"]["curve"][-1][1] == 1.0


def test_a_method_that_is_asked_for_is_taken_without_backtests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.calibrate, "FEWEST_FOR_STEPS", 100)
    for method, status in (("platt", "unseasonal"), ("isotonic", "isotonic"), ("none", "uncalibrated")):
        found = trained(monkeypatch, inputs(), parameters=replace(PARAMETERS, calibration=method), guard=None)
        assert found.bundle.calibration_status == status and found.backtests == []
    assert found.bundle.guard == "not asked" and "guard_findings" not in found.logged_metrics()


def test_a_blocking_finding_ends_the_training_before_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Fit:
        pytest.fail("it was fitted")

    with pytest.raises(LeakageFound, match="G6 blocks: the model has an AUC of") as raised:
        trained(monkeypatch, inputs(leak=True), fit=never)
    assert raised.value.exit_code == 3
    with pytest.raises(LeakageFound, match="G1 blocks: 'gap_days' is unverified"):
        unverified = replace(GUARD, rebuilt=Rebuilt(compared={"recency_days": 1, "noise": 1}))
        trained(monkeypatch, inputs(), fit=never, guard=unverified)


def test_a_test_that_is_too_good_is_not_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = inputs()
    test = rows.samples["test"]
    sure = replace(test, labels=(test.matrix[:, 0] > np.median(test.matrix[:, 0])).astype(float))
    with pytest.raises(LeakageFound, match="G6 blocks: the model has an AUC"):
        trained(monkeypatch, InMemory({**rows.samples, "test": sure}))
    assert rows.counts[FIT].rows > 2000


def test_churn_by_trees_is_trained_on_other_draws_of_its_customers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    how = TrainingParameters(trees=20, learning_rate=0.3, max_depth=2, confidence_boosters=3, confidence_rows=900)
    found = trained(monkeypatch, inputs(), parameters=how, guard=None)
    assert found.bundle.algorithm == "xgboost" and len(found.bundle.resamples) == 3
    trees = [len(loaded_booster(one).get_dump()) for one in (found.bundle.model, found.bundle.resamples[0].model)]
    assert trees[0] == trees[1] == found.fit.best_iteration + 1
    calibrators = [one.calibrator for one in found.bundle.resamples]
    assert len({one.slope for one in calibrators}) == 3 and {one.status for one in calibrators} == {"unseasonal"}
    rows = inputs().samples["test"].matrix
    assert 0.3 < confidence(found.bundle, rows).mean() < 1
    none = trained(monkeypatch, inputs(), parameters=replace(how, confidence_boosters=0), guard=None)
    assert none.bundle.resamples == () and none.bundle == replace(found.bundle, resamples=(), recipe=none.bundle.recipe)
