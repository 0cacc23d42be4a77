"""Amounts: their figures, scales and blends, the choice of both by backtests, and a whole training."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

import models.train_amounts
from models.algorithms.boosted import XGBoost
from models.algorithms.contract import Rows
from models.algorithms.objectives import NUMBER
from models.algorithms.parameters import XGBoostParameters
from models.amounts import amount_intervals, evaluate_amounts, rivals
from models.bundle import Bundle
from models.errors import BadTrainingSetting
from models.guard.evidence import Guard, Rebuilt
from models.guard.findings import LeakageFound
from models.guard.settings import GuardSettings
from models.heads import HEADS
from models.inputs import Inputs
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.registration import run_record
from models.scale import Scale, fit_scale, fit_season_scale, fit_seasonal_last
from models.scale_backtest import WEIGHTS, ScaleBacktest, backtest_scales, chosen_scale, chosen_weight, errors_by_weight
from models.splits import FIT, SPLITS, STOP, plan_splits
from models.train_amounts import TrainedAmounts, train_amounts
from models.training_rows import Sample, SplitCount

FEATURES = ("recency_days", "amount_sum_365d", "noise")
PLAN = plan_splits(date(2012, 12, 9), horizon_days=90, source_start=date(2009, 12, 1), step_days=28)
PARAMETERS = TrainingParameters(trees=60, learning_rate=0.1, calibration="backtested", calibration_backtests=2)
SPEND = HEADS["spend"]


def test_figures_by_hand():
    actual, forecast = np.array([0.0, 0.0, 30.0, 10.0] * 5), np.array([1.0, 3.0, 20.0, 16.0] * 5)
    found = evaluate_amounts(actual, forecast)
    assert (found.n, found.mean, found.mae, found.sum_ratio) == (20, 10.0, 5.0, 1.0)
    assert (found.capture_top_tenth, found.capture_ceiling) == (0.3, 0.3)
    assert found.spearman == pytest.approx(0.9487, abs=1e-4)
    assert evaluate_amounts(actual, np.ones(20)).capture_top_tenth == pytest.approx(0.1)
    assert evaluate_amounts(np.zeros(3), np.ones(3)).reason == "nothing came in 3 rows"


def test_intervals_hold_their_figures_and_copies_of_a_customer_go_together():
    rng = np.random.default_rng(0)
    actual = rng.exponential(100, 300) * (rng.random(300) < 0.5)
    forecast, who = actual * 0.5 + rng.exponential(50, 300), np.arange(300).astype(object)
    found = amount_intervals(actual, forecast, who, rival=np.full(300, actual.mean()), draws=200)
    figures = evaluate_amounts(actual, forecast)
    for name in ("mae", "spearman", "sum_ratio"):
        assert found[name].figure == pytest.approx(getattr(figures, name))
        assert found[name].low < found[name].figure < found[name].high
    assert found["mae_gain"].low > 0
    twice = amount_intervals(np.tile(actual, 2), np.tile(forecast, 2), np.tile(who, 2), draws=200)
    assert astuple(twice["sum_ratio"]) == pytest.approx(astuple(found["sum_ratio"]))


def test_the_rival_is_a_quarter_of_the_last_year_and_the_same_scaled():
    test = sample("test", ["2012-09-10"], 4)
    test = replace(test, matrix=np.array([[1, 400, 0], [1, np.nan, 0], [1, -8, 0], [1, 80, 0]], dtype=np.float32))
    plain, scaled = rivals(test, np.array([60.0, 60.0, 60.0, 60.0]), features=FEATURES, before=SPEND.last_year)
    assert plain.forecast.tolist() == [100, 0, 0, 20]
    assert scaled.forecast.tolist() == [200, 0, 0, 40]
    assert rivals(test, np.ones(4), features=("recency_days", "x", "y"), before=SPEND.last_year) == []


def test_a_scale_agrees_with_the_sum_and_moves_with_the_season():
    margins, came = np.array([-1.0, 1.0, 2.0]), np.array([0.0, 4.0, 6.0])
    assert fit_scale(margins, came).apply(margins).tolist() == [0.0, 2.0, 8.0]
    assert fit_scale(margins, np.zeros(3)).status == "uncalibrated"
    rates = {"2011-03-01": 10.0, "2011-09-01": 40.0}
    fitted = [date(2011, 3, 1), date(2011, 9, 1)]
    autumn = fit_season_scale(margins, came, rates=rates, fitted=fitted, home=date(2012, 9, 1))
    assert (autumn.status, autumn.apply(margins)[2]) == ("seasonal", pytest.approx(16.0))
    spring = autumn.at(date(2012, 2, 29))
    assert spring.apply(margins)[2] == pytest.approx(4.0)
    assert autumn.at(date(2012, 6, 1)).status == "uncalibrated"
    assert Scale.from_dict(spring.to_dict()) == spring
    assert fit_season_scale(margins, came, rates=rates, fitted=fitted, home=date(2012, 6, 1)).status == "uncalibrated"


def test_the_scale_of_the_sum_least_off_is_chosen_where_all_could_be_tried():
    def tried(as_of, method, ratio, status="scaled"):
        return ScaleBacktest(as_of, method, status, 10, ratio, 1.0)

    both = [tried("2011", "last", 0.8), tried("2011", "seasonal", 1.1)]
    assert chosen_scale(both) == "seasonal"
    earlier = [tried("2010", "last", 1.0), tried("2010", "seasonal", 0.1, "uncalibrated")]
    assert chosen_scale([*both, *earlier]) == "seasonal"
    assert chosen_scale([]) == "last"
    assert [chosen_scale(both, asked=name) for name in ("platt", "seasonal", "none")] == ["last", "seasonal", "none"]
    assert chosen_scale(both, asked="seasonal_platt") == "seasonal_last"
    assert chosen_scale(both, is_season_known=True) == chosen_scale([], is_season_known=True) == "seasonal_last"
    assert chosen_scale([*both, tried("2011", "seasonal_last", 2.0)], is_season_known=True) == "seasonal"


def test_a_blend_keeps_the_sum_and_moves_with_the_season():
    margins, came, spent = np.array([-1.0, 1.0, 2.0]), np.array([0.0, 4.0, 6.0]), np.array([4.0, 0.0, 16.0])
    trees = fit_scale(margins, came)
    blends = {weight: trees.blended(weight, margins=margins, spent=spent) for weight in (1.0, 0.5, 0.0)}
    assert blends[1.0] == trees and blends[1.0].apply(margins, spent).tolist() == trees.apply(margins).tolist()
    assert blends[0.5].apply(margins, spent).tolist() == [1.0, 1.0, 8.0]
    assert blends[0.0].apply(margins, spent).tolist() == [2.0, 0.0, 8.0]
    rates, fitted = {"2011-03-01": 10.0, "2011-09-01": 40.0}, [date(2011, 3, 1), date(2011, 9, 1)]
    autumn = fit_season_scale(margins, came, rates=rates, fitted=fitted, home=date(2012, 9, 1))
    half = autumn.blended(0.5, margins=margins, spent=spent)
    assert half.apply(margins, spent) == pytest.approx([2.0, 2.0, 16.0])
    assert half.at(date(2012, 2, 29)).apply(margins, spent) == pytest.approx([0.5, 0.5, 4.0])
    assert Scale.from_dict(half.to_dict()) == half
    with pytest.raises(ValueError, match=r"weight of the trees is 0\.5"):
        half.apply(margins)


def test_the_last_sum_goes_on_as_the_year_before_went_on():
    margins, came = np.array([-1.0, 1.0, 2.0]), np.array([0.0, 4.0, 6.0])
    rates = {"2011-03-01": 10.0, "2011-06-01": 20.0, "2011-09-01": 40.0}
    last = fit_scale(margins, came)
    autumn = fit_seasonal_last(margins, came, rates=rates, calibrating=date(2012, 6, 1), home=date(2012, 9, 1))
    assert autumn.status == "seasonal" and autumn.apply(margins) == pytest.approx(2 * last.apply(margins))
    assert autumn.at(date(2012, 2, 29)).apply(margins) == pytest.approx(last.apply(margins) / 2)
    unknown = autumn.at(date(2012, 12, 1))
    assert unknown.status == "scaled" and unknown.apply(margins).tolist() == last.apply(margins).tolist()
    assert fit_seasonal_last(margins, came, rates=rates, calibrating=date(2012, 1, 1), home=date(2012, 9, 1)) == last
    nothing = fit_seasonal_last(margins, 0 * came, rates=rates, calibrating=date(2012, 6, 1), home=date(2012, 9, 1))
    assert nothing.status == "uncalibrated" and nothing.shift == 0
    assert Scale.from_dict(autumn.to_dict()) == autumn


def test_a_part_that_is_nothing_leaves_no_blend():
    scale, margins = Scale(2.0), np.array([1.0, 2.0])
    assert scale.blended(0.5, margins=margins, spent=np.zeros(2)) == scale
    assert scale.blended(0.5, margins=-margins, spent=margins) == scale
    assert scale.blended(0.5, margins=margins[:0], spent=margins[:0]) == scale


def test_the_weight_of_least_error_over_all_earlier_dates_is_chosen():
    def tried(as_of, weight, error):
        return [ScaleBacktest(as_of, method, "scaled", 10, 1.0, 9.0, weight, error) for method in ("last", "seasonal")]

    near = [*tried("2011", 1.0, 5.0), *tried("2011", 0.5, 4.0), *tried("2011", 0.0, 3.0)]
    assert chosen_weight(near) == 0.0
    assert chosen_weight([*near, *tried("2010", 1.0, 5.0), *tried("2010", 0.5, 4.0), *tried("2010", 0.0, 9.0)]) == 0.5
    assert chosen_weight([*tried("2011", 0.5, 4.0), *tried("2011", 1.0, 4.0)]) == 1.0
    assert chosen_weight([]) == chosen_weight(tried("2011", 0.0, None)) == 1.0


@pytest.mark.parametrize(("truth", "weight"), [("rival", 0.0), ("trees", 1.0), ("mean of both", 0.5)])
def test_backtests_find_the_weight_that_made_the_amounts(truth, weight):
    rows = sample("fit", [day for day in PLAN.as_ofs if day != PLAN.test], 300)
    before = rows.matrix[:, 1].astype(float)
    roots = rows.matrix[:, 0].astype(float) / 10
    level = (roots**2).sum() / before.sum()
    made = {"rival": before * level, "trees": roots**2, "mean of both": (before * level + roots**2) / 2}[truth]
    told = {"algorithm": _Knows(), "horizon_days": 90, "at_most": 2, "trial_rows": 1000, "seed": 1}
    tried = backtest_scales(replace(rows, labels=made), features=FEATURES, before=SPEND.last_year, **told)
    assert {one.weight for one in tried} == set(WEIGHTS) and len({one.as_of for one in tried}) == 2
    assert chosen_weight(tried) == weight
    without = backtest_scales(replace(rows, labels=made), features=("recency_days", "other", "noise"),
                              before=SPEND.last_year, **told)  # fmt: skip
    assert set(errors_by_weight(without)) == {1.0} and chosen_weight(without) == 1.0


class _Knows:
    """Trees that say the root of amounts that recency makes."""

    def fit(self, rows, *, seed):
        return SimpleNamespace(model=SimpleNamespace(margins=lambda matrix: matrix[:, 0].astype(np.float64) / 10))


def sample(split, days, a_day, *, leak=False, steady=0.0):
    """A year's rhythm, the recent ones buying, but for a share of `steady` ones; last year's spend tells how much."""
    rng = np.random.default_rng(SPLITS.index(split))
    when = np.repeat(np.array(sorted(days), dtype="datetime64[D]"), a_day)
    season = np.exp(0.6 * np.cos(2 * np.pi * when.astype(int) / 364))
    last_year = rng.lognormal(5, 1, len(when))
    recency = rng.uniform(0, 120, len(when))
    buys = rng.random(len(when)) < (steady + (1 - steady) * sigmoid((60 - recency) / 20))
    amounts = last_year / 4 * season * rng.lognormal(-0.5, 1, len(when)) * buys
    noise = amounts if leak else rng.normal(size=len(when))
    matrix = np.column_stack([recency, last_year, noise]).astype(np.float32)
    who = np.array([f"c{at % a_day}" for at in range(len(when))], dtype=object)
    return Sample(split, matrix, amounts, len(amounts), who, when)


def trained(monkeypatch, *, leak=False, steady=0.0, **changes) -> TrainedAmounts:
    days = {split: [day for day, of in PLAN.dates.items() if of == split] for split in SPLITS}
    samples = {split: sample(split, days[split], 1_000, leak=leak, steady=steady) for split in SPLITS}
    counts = {split: SplitCount(len(one.labels), int((one.labels > 0).sum())) for split, one in samples.items()}
    inputs = Inputs(SimpleNamespace(), SPEND.label, FEATURES, {}, counts)

    def fit(_, algorithm, *, parameters, seed):
        learned, stops = samples[FIT], samples[STOP]
        rows = Rows(learned.matrix, np.sqrt(learned.labels), stops.matrix, np.sqrt(stops.labels), FEATURES)
        return algorithm.fit(rows, seed=seed)

    monkeypatch.setattr(models.train_amounts, "inputs_of", lambda *_, **__: inputs)
    monkeypatch.setattr(models.train_amounts, "read_split", lambda _, split, **__: samples[split])
    monkeypatch.setattr(models.train_amounts, "_of_roots", lambda same: same)
    monkeypatch.setattr(models.train_amounts, "fit_inputs", fit)
    how = {"parameters": PARAMETERS, "guard": GUARD, **changes}
    return train_amounts(SimpleNamespace(), head=SPEND, features=FEATURES, feature_fingerprint="f",
                         training_fingerprint="t", plan=PLAN, seed=42, **how)  # fmt: skip


GUARD = Guard(GuardSettings(removal_loss=0.4), Rebuilt(compared=dict.fromkeys(FEATURES, 1)))


def test_amounts_are_guarded_scaled_by_backtests_and_judged_beside_their_rivals(monkeypatch, tmp_path):
    found = trained(monkeypatch)
    assert found.bundle.calibration_status == "seasonal"
    assert {one.method for one in found.backtests} == {"seasonal_last", "last", "seasonal"}
    assert 0.85 < found.test.sum_ratio < 1.15 < 1 / found.test_raw.sum_ratio
    assert [one.name for one in found.rivals] == ["amount_sum_365d / 4", "amount_sum_365d, of the same sum"]
    assert found.rivals[1].metrics.sum_ratio == pytest.approx(found.test.sum_ratio)
    assert found.bundle.guard.startswith("passed")
    assert {split: one.rows_total for split, one in found.samples.items()} == {
        split: count.rows for split, count in found.counts.items()
    }  # fmt: skip
    record = run_record(found, {})
    assert record.metrics["test_mae_low"] < record.metrics["test_mae"] < record.metrics["test_mae_high"]
    assert "root_mean_square_stop" in record.curves
    found.bundle.save(tmp_path)
    again, rows = Bundle.load(tmp_path), sample("test", ["2012-09-10"], 50).matrix
    assert again == found.bundle and again.is_amount
    np.testing.assert_array_equal(again.predict(rows), found.bundle.predict(rows))


def test_the_blend_that_backtests_chose_is_shipped_logged_and_saved(monkeypatch, tmp_path):
    found = trained(monkeypatch, steady=0.3)
    assert 0 < found.bundle.weight == chosen_weight(found.backtests) < 1
    assert run_record(found, {}).metrics["weight"] == found.bundle.weight
    found.bundle.save(tmp_path)
    again, rows = Bundle.load(tmp_path), sample("test", ["2012-09-10"], 50).matrix
    rows[:3, 1] = [np.nan, -5, 0]
    expected = again.predict(rows)
    np.testing.assert_array_equal(expected, found.bundle.predict(rows))
    np.testing.assert_array_equal(expected, np.concatenate([again.predict(rows[:7]), again.predict(rows[7:])]))
    trees = replace(again, calibrator=replace(again.calibrator, weight=1.0))
    np.testing.assert_array_equal(expected[:3], again.weight * trees.predict(rows)[:3])
    assert (expected[3:] > again.weight * trees.predict(rows)[3:]).all()


def test_a_scale_that_is_asked_for_leaves_the_trees_alone(monkeypatch):
    found = trained(monkeypatch, parameters=replace(PARAMETERS, calibration="platt"))
    scale, then = found.bundle.calibrator, found.samples["calibrate"]
    assert (found.bundle.weight, scale.per_spent, found.backtests) == (1.0, 0.0, [])
    assert scale == fit_scale(found.bundle.margins(then.matrix), then.labels)


def test_a_feature_that_has_seen_the_amount_is_refused(monkeypatch):
    with pytest.raises(LeakageFound, match="G6 blocks: the model has an AUC of"):
        trained(monkeypatch, leak=True)


def test_only_boosted_trees_learn_amounts(monkeypatch):
    with pytest.raises(BadTrainingSetting, match="'algorithm' is 'knn'; expected xgboost, to learn amounts"):
        trained(monkeypatch, parameters=replace(PARAMETERS, algorithm="knn"))


def test_trees_of_numbers_forecast_the_numbers_themselves():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(500, 2)).astype(np.float32)
    rows = Rows(matrix[:400], 3.0 + matrix[:400, 0], matrix[400:], 3.0 + matrix[400:, 0], ("a", "b"))
    how = XGBoostParameters(trees=80, max_depth=3, learning_rate=0.2, early_stopping_rounds=10, subsample=1,
                            colsample_bytree=1, min_child_weight=1, num_workers=1)  # fmt: skip
    model = XGBoost(how, NUMBER).fit(rows, seed=1).model
    assert np.abs(model.predict(matrix[400:]) - rows.stop_labels).mean() < 0.2
    np.testing.assert_array_equal(model.predict(matrix), model.margins(matrix))
