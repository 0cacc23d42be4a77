"""Confidence: what it is, what it is not, and that it is as often right as it says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.algorithms.boosted import XGBoost
from models.bundle import BUNDLE_FILE, Bundle, Resample
from models.calibrate import Calibrator, fit_platt
from models.confidence import confidence, resamples, times_drawn
from models.errors import BrokenModel
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.risk import level_places
from models.training_rows import Sample
from tests.unit.models.bundles import small_bundle

FEATURES = ("a", "b", "c", "d")
TREES = 40
RECIPE = XGBoost(TrainingParameters(max_depth=3, learning_rate=0.15, min_child_weight=10).boosting())
DAYS = 3


def simulated(customers: int, *, seed: int, split: str = "fit") -> Sample:
    """Customers at three dates each, alike at all of them; the outcome is drawn from known probabilities."""
    rng = np.random.default_rng(seed)
    steady = rng.normal(size=(customers, len(FEATURES)))
    matrix = np.repeat(steady, DAYS, axis=0) + rng.normal(scale=0.3, size=(customers * DAYS, len(FEATURES)))
    truth = sigmoid(1.2 * matrix[:, 0] + 0.8 * matrix[:, 1] * (matrix[:, 2] > 0) + 0.3)
    names = np.repeat(np.array([f"c{seed}-{at}" for at in range(customers)], dtype=object), DAYS)
    days = np.tile(np.arange("2011-01-01", "2011-01-04", dtype="datetime64[D]"), customers)
    labels = (rng.random(len(truth)) < truth).astype(float)
    return Sample(split, matrix.astype(np.float32), labels, len(truth), names, days)


def trained(seed: int, *, draws: int, customers: int = 700) -> Bundle:
    """The recipe on fresh customers: fitted, calibrated on others, and both again on draws of them."""
    fitted, calibrating = simulated(customers, seed=seed), simulated(customers, seed=seed + 10_000)
    once = np.ones(len(fitted.labels), dtype=np.intp)
    model = RECIPE.fit_drawn(fitted.matrix, fitted.labels, times=once, trees=TREES, seed=seed, features=FEATURES)
    calibrator = fit_platt(model.margins(calibrating.matrix), calibrating.labels)
    bundle = replace(small_bundle(features=FEATURES), model=model.save(), calibrator=calibrator)
    found = resamples(fitted, calibrating, bundle=bundle, algorithm=RECIPE, trees=TREES, draws=draws,
                      at_most=10**6, calibrate=fit_platt, seed=seed)  # fmt: skip
    return replace(bundle, resamples=found)


def test_confidence_is_about_as_often_right_as_it_says_and_is_no_distance_from_a_half() -> None:
    """Trainings on fresh customers agree with the reported level as often as the draws of the first one do."""
    asked = simulated(2_000, seed=99).matrix
    fresh = [level_places(trained(1_000 + seed, draws=0).predict(asked)) for seed in range(12)]
    claimed, happened, probabilities = [], [], []
    for seed in range(6):
        reporting = trained(seed, draws=10)
        claims, said = confidence(reporting, asked), reporting.predict(asked)
        assert claims is not None
        claimed.append(claims)
        happened.append(np.mean([one == level_places(said) for one in fresh], axis=0))
        probabilities.append(said)
    sure, agreed, p = (np.concatenate(one) for one in (claimed, happened, probabilities))
    assert abs(sure.mean() - agreed.mean()) <= 0.06
    parts = [(sure >= low) & (sure < high) for low, high in pairwise((0, 0.45, 0.65, 0.85, 0.95, 1.01))]
    found = [(sure[part].mean(), agreed[part].mean()) for part in parts]
    # Ten draws are few: what is said at either end is said by chance, too, and lies nearer to the middle.
    assert all(abs(said - was) <= 0.17 for said, was in found) and found[-1][1] > 0.9
    assert [was for _, was in found] == sorted(was for _, was in found)
    far = np.abs(2 * p - 1)
    assert np.corrcoef(sure, agreed)[0, 1] > np.corrcoef(far, agreed)[0, 1] + 0.05
    # Near a half levels are as far from their edges as they can be, and far from it they need not be.
    assert np.median(sure[far < 0.05]) >= 0.7 > far[far < 0.05].max() and sure[(far > 0.57) & (far < 0.63)].min() < 0.6


def test_more_customers_give_more_confidence() -> None:
    asked = simulated(500, seed=98).matrix
    few, many = (confidence(trained(3, draws=5, customers=customers), asked) for customers in (150, 2_500))
    assert few is not None and many is not None and few.mean() + 0.1 < many.mean() < 1


def test_confidence_is_the_share_of_draws_with_the_reported_level(bundle: Bundle, rng: np.random.Generator) -> None:
    matrix = rng.normal(size=(60, 3)).astype(np.float32)
    far = Resample(bundle.model, Calibrator(0.0, -9.0), 9)  # everyone LOW
    same = Resample(bundle.model, bundle.calibrator, 9)
    found = confidence(replace(bundle, resamples=(same, far, same, far)), matrix)
    np.testing.assert_array_equal(found, np.where(bundle.predict(matrix) < 0.4, 1.0, 0.5))
    assert confidence(bundle, matrix) is None


def test_all_rows_of_a_customer_are_drawn_alike_one_time_on_average() -> None:
    who = np.repeat(np.array([f"c{at}" for at in range(20_000)], dtype=object), 2)
    times = times_drawn(who, purpose="bootstrap 0 seed 1")
    np.testing.assert_array_equal(times[::2], times[1::2])
    np.testing.assert_allclose(np.bincount(times[::2])[:4] / 20_000, [0.368, 0.368, 0.184, 0.061], atol=0.01)
    other = times_drawn(who, purpose="bootstrap 1 seed 1")
    assert abs(np.corrcoef(times[::2], other[::2])[0, 1]) < 0.03


def test_a_draw_reads_whole_customers_up_to_the_limit_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    fitted, calibrating = simulated(200, seed=1), simulated(50, seed=2)
    bundle = replace(small_bundle(features=FEATURES), calibrator=Calibrator(1.0, 0.0, "unseasonal"))
    told = {"bundle": bundle, "algorithm": RECIPE, "trees": 7, "draws": 2, "at_most": 300, "seed": 1}
    one, other = resamples(fitted, calibrating, calibrate=fit_platt, **told)
    assert "2 boosters of 7 trees, each on a draw of the customers of 300 of 600 fitted rows" in caplog.text
    assert one.rows == 300 and one.model != other.model and one.calibrator != other.calibrator
    assert resamples(fitted, calibrating, calibrate=fit_platt, **told) == (one, other)
    refused = resamples(fitted, calibrating, calibrate=lambda *_: Calibrator(reason="too few"), **told)
    assert refused[0].calibrator == bundle.calibrator and "allows no calibration (too few)" in caplog.text


def test_resamples_are_kept_with_the_bundle_and_move_with_the_season(bundle: Bundle, tmp_path: Path) -> None:
    seasonal = Calibrator(status="seasonal", seasons={"2010-12-09": 0.5}, home="2011-10-10")
    kept = (Resample(b"one", seasonal, 9), Resample(b"two", bundle.calibrator, 9))
    whole = replace(bundle, resamples=kept)
    whole.save(tmp_path)
    assert Bundle.load(tmp_path) == whole
    moved = whole.at(date(2011, 12, 9)).resamples
    assert moved[0].calibrator.home == "2011-12-09" and moved[1] == kept[1]
    (tmp_path / "resample_1.ubj").unlink()
    with pytest.raises(BrokenModel, match="cannot be read"):
        Bundle.load(tmp_path)


def test_a_bundle_of_an_earlier_version_has_no_resamples(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path)
    described = json.loads((tmp_path / BUNDLE_FILE).read_text())
    del described["resamples"]
    (tmp_path / BUNDLE_FILE).write_text(json.dumps(described))
    assert Bundle.load(tmp_path) == bundle and bundle.resamples == ()
