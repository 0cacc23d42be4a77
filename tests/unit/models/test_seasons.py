"""Isotonic steps, the seasonal intercept, and the backtest that chooses between methods."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from models.algorithms.boosted import XGBoost
from models.algorithms.contract import Rows
from models.calibrate import (
    ISOTONIC,
    METHODS,
    NONE,
    PLATT,
    SEASON,
    SEASONAL_PLATT,
    Calibrator,
    a_year_before,
    fit_isotonic,
    fit_platt,
    fit_season,
    fit_seasonal_platt,
)
from models.calibration_backtest import Backtest, backtest, chosen, fitted_on, rolling_dates
from models.evaluate import evaluate, expected_error
from models.logistic import logit, sigmoid
from models.parameters import TrainingParameters
from models.seasons import season_rates, season_shifts, shifts_at, shifts_within
from models.training_rows import Sample

FEATURES = ("recency_days", "noise")
DAYS = [date(2010, 6, 1) + timedelta(days=28 * at) for at in range(20)]
FAST = XGBoost(TrainingParameters(trees=30, learning_rate=0.2, max_depth=2, min_child_weight=5).boosting())


def season(day: date) -> float:
    return 1.5 * float(np.cos(2 * np.pi * day.timetuple().tm_yday / 364))


def rows_of(days: list[date], *, a_day: int = 400) -> Sample:
    rng = np.random.default_rng(4)
    when = np.repeat(np.array(days, dtype="datetime64[D]"), a_day)
    recency = rng.exponential(60, len(when))
    moved = np.repeat([season(day) for day in days], a_day)
    labels = (rng.random(len(when)) < sigmoid(recency / 60 - 1 + moved)).astype(float)
    matrix = np.column_stack([recency, rng.normal(size=len(when))]).astype(np.float32)
    customers = np.array([f"c{at}" for at in range(a_day)] * len(days), dtype=object)
    return Sample("fit", matrix, labels, len(labels), customers, when)


def test_isotonic_steps_rise_and_follow_any_rising_truth() -> None:
    rng = np.random.default_rng(1)
    margins = rng.uniform(-4, 4, 30_000)
    truth = np.where(margins < 0, 0.1, 0.1 + 0.8 * (margins / 4) ** 2)
    found = fit_isotonic(margins, (rng.random(30_000) < truth).astype(float))
    places = np.linspace(-3.9, 3.9, 200)
    wanted = np.where(places < 0, 0.1, 0.1 + 0.8 * (places / 4) ** 2)
    assert found.status == "isotonic" and np.all(np.diff(found.apply(places)) >= 0)
    assert np.abs(found.apply(places) - wanted).mean() < 0.02
    assert 0 < found.apply(np.array([-99.0]))[0] < found.apply(np.array([99.0]))[0] < 1
    again = Calibrator.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found and np.array_equal(again.apply(places), found.apply(places))
    assert fit_isotonic(margins[:3], np.zeros(3)).reason == "all 3 calibration rows have one class"
    assert fit_isotonic(margins[:999], np.arange(999) % 2).reason == "999 calibration rows, steps need 1000"


def test_isotonic_steps_at_the_ends_are_no_surer_than_the_rows_allow() -> None:
    margins = np.linspace(-3, 3, 2_000)
    found = fit_isotonic(margins, (margins > 0).astype(float)).apply(np.array([-9.0, 9.0]))
    assert found.tolist() == pytest.approx([1 / 1_002, 1_001 / 1_002])


def test_the_season_of_a_year_before_moves_the_log_odds() -> None:
    rates = {"2010-12-10": 0.8, "2011-02-01": 0.5, "2011-03-01": 0.5}
    found = fit_season(rates, fitted=[date(2011, 2, 1), date(2011, 3, 1)], home=date(2011, 12, 9))
    assert found.status == "seasonal" and found.shift == pytest.approx(np.log(4)) and found.resting == "uncalibrated"
    assert found.apply(np.array([0.0]))[0] == pytest.approx(0.8)
    assert found.at(date(2012, 1, 30)).apply(np.array([0.0]))[0] == pytest.approx(0.5)
    far = found.at(date(2013, 9, 1))
    assert far.shift == 0 and far.status == "uncalibrated" and "2013-09-01" in far.reason
    assert far.at(date(2011, 12, 9)) == found
    assert Calibrator.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert Calibrator().at(date(2011, 1, 1)) == Calibrator()


def test_platts_line_goes_on_as_the_year_before_went_on() -> None:
    rng = np.random.default_rng(5)
    margins = rng.normal(size=4_000)
    labels = (rng.random(4_000) < sigmoid(0.7 * margins + 0.3)).astype(float)
    calibrating, home = date(2011, 9, 10), date(2011, 12, 9)
    rates = {"2010-09-05": 0.5, "2010-12-10": 0.8, "2011-02-01": 0.2}
    line = fit_platt(margins, labels)
    found = fit_seasonal_platt(margins, labels, rates=rates, calibrating=calibrating, home=home)
    assert (found.slope, found.intercept, found.rows) == (line.slope, line.intercept, line.rows)
    assert found.status == "seasonal" and found.shift == pytest.approx(np.log(4)) and found.reason == ""
    np.testing.assert_allclose(found.apply(margins), sigmoid(line.slope * margins + line.intercept + np.log(4)))
    later, unknown = found.at(date(2012, 1, 30)), found.at(date(2012, 6, 1))
    assert later.shift == pytest.approx(np.log(0.25)) and unknown.status == "unseasonal"
    assert unknown.apply(margins).tolist() == line.apply(margins).tolist() and "2012-06-01" in unknown.reason
    assert Calibrator.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert fit_seasonal_platt(margins, labels, rates=rates, calibrating=date(2011, 6, 1), home=home) == line
    one_class = fit_seasonal_platt(margins, np.ones(4_000), rates=rates, calibrating=calibrating, home=home)
    assert one_class.status == "uncalibrated" and one_class.shift == 0


def test_the_line_that_follows_the_season_is_judged_where_it_did() -> None:
    one = Backtest("2011-01-01", PLATT, "unseasonal", 10, 0.60, 0.05, 0.01)
    none = replace(one, method=NONE, status="uncalibrated", log_loss=0.4)
    assert chosen([one, none]) == NONE and chosen([one]) == PLATT
    assert chosen([one, none], is_season_known=True) == chosen([], is_season_known=True) == SEASONAL_PLATT
    later = replace(one, as_of="2011-07-01", log_loss=0.5)
    moved = replace(later, method=SEASONAL_PLATT, status="seasonal", log_loss=0.501)
    assert chosen([one, none, later, moved], is_season_known=True) == PLATT
    assert chosen([one, replace(later, log_loss=0.502), moved]) == SEASONAL_PLATT


def test_without_a_year_before_it_is_no_backtest_of_its_own() -> None:
    how = {"features": FEATURES, "algorithm": FAST, "horizon_days": 30, "trial_rows": 9000, "seed": 1}
    short = backtest(rows_of(DAYS[:10]), at_most=3, **how)
    assert {one.method for one in short} == set(METHODS) - {SEASONAL_PLATT}
    statuses = {one.status for one in backtest(rows_of(DAYS), at_most=3, **how) if one.method == SEASONAL_PLATT}
    assert statuses == {"seasonal"}


def test_without_an_as_of_near_a_year_before_there_is_no_season() -> None:
    day = date(2011, 12, 9)
    assert a_year_before({"2010-11-25": 1.0}, day) is None and a_year_before({"2010-11-26": 1.0}, day) == 1.0
    assert "a year before" in fit_season({"2010-11-01": 0.5}, fitted=[date(2010, 11, 1)], home=day).reason
    assert fit_season({"2010-12-10": 0.5}, fitted=[], home=day).status == "uncalibrated"


def test_dates_never_let_a_label_reach_into_the_next_period() -> None:
    horizon = timedelta(days=60)
    found = list(rolling_dates(np.array(DAYS, dtype="datetime64[D]"), horizon, at_most=5))
    assert len(found) == 5 and found[0][0] == DAYS[-1]
    for present, calibrating, fitted in found:
        assert calibrating <= present - horizon and max(fitted) <= calibrating - horizon
    assert list(rolling_dates(np.array(DAYS[:4], dtype="datetime64[D]"), horizon, at_most=5)) == []


def test_rates_are_of_recent_customers_and_of_what_was_known() -> None:
    rows = rows_of(DAYS[:3])
    rates = season_rates(rows, FEATURES, until=DAYS[1])
    assert list(rates) == [str(day) for day in DAYS[:2]]
    recent = (rows.matrix[:, 0] <= 90) & (rows.days == np.datetime64(DAYS[0]))
    assert rates[str(DAYS[0])] == rows.labels[recent].mean()
    assert season_rates(rows, ("a", "b"), until=DAYS[1]) == {}


def test_shifts_are_what_a_date_has_beyond_the_mean_of_the_fitted_ones() -> None:
    rates = {str(DAYS[0]): 0.2, str(DAYS[1]): 0.4, str(DAYS[2]): 0.8, str(DAYS[3]): 1.0}
    shifts = season_shifts(rates, fitted=DAYS[:2])
    middle = (logit(0.2) + logit(0.4)) / 2
    assert shifts == pytest.approx({day: logit(rates[str(day)]) - middle for day in DAYS[:3]})
    days = np.array([DAYS[2], DAYS[3], DAYS[0], DAYS[5]], dtype="datetime64[D]")
    assert shifts_at(days, shifts).tolist() == pytest.approx([shifts[DAYS[2]], 0, shifts[DAYS[0]], 0])
    assert season_shifts(rates, fitted=[DAYS[3]]) == season_shifts({}, fitted=DAYS) == {}


def test_rows_tell_of_their_own_dates_alone() -> None:
    rows = rows_of(DAYS[:4])
    later = np.flatnonzero(rows.days > np.datetime64(DAYS[0]))
    changed = replace(rows, labels=np.where(rows.days == np.datetime64(DAYS[0]), 0.0, rows.labels))
    found = shifts_within(rows, later, FEATURES)
    np.testing.assert_array_equal(found, shifts_within(changed, later, FEATURES))
    by_day = {day: set(found[rows.days[later] == np.datetime64(day)]) for day in DAYS[1:4]}
    assert [len(one) for one in by_day.values()] == [1, 1, 1]
    assert sum(one.pop() for one in by_day.values()) == pytest.approx(0, abs=1e-12)
    assert shifts_within(rows, later, ("a", "b")).tolist() == [0.0] * len(later)


def test_trees_that_are_told_the_season_do_not_learn_it_from_what_goes_with_the_date() -> None:
    """Tenure rises with every as-of, and so tells trees the season of the fitted dates, not how customers differ."""
    rows = rows_of(DAYS[:14], a_day=2_000)
    began = np.tile(np.random.default_rng(8).uniform(-150, 0, 2_000), 14)
    tenure = (rows.days - rows.days[0]).astype(np.float64) + began
    dated = replace(rows, matrix=np.column_stack([rows.matrix, tenure]).astype(np.float32))
    told, blind = (
        fitted_on(dated, DAYS[:11], features=(*FEATURES, "tenure"), algorithm=FAST, categorical=(), seed=1,
                  trial_rows=50_000, shifted=shifted) for shifted in (True, False)
    )  # fmt: skip
    assert told is not None and blind is not None
    tenures = np.array([[60.0, 0.0, at] for at in range(30, 310, 28)], dtype=np.float32)
    assert np.ptp(told.margins(tenures)) < np.ptp(blind.margins(tenures)) / 3


def test_what_is_known_of_a_margin_is_not_learned_and_not_forecast() -> None:
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(6_000, 1)).astype(np.float32)
    known = rng.choice([-2.0, 0.0, 2.0], len(matrix))
    labels = (rng.random(len(matrix)) < sigmoid(matrix[:, 0].astype(float) + known)).astype(float)
    learned, stops = np.arange(5_000), np.arange(5_000, 6_000)
    given = Rows(matrix[learned], labels[learned], matrix[stops], labels[stops], ("x",))
    aware = replace(given, offsets=known[learned], stop_offsets=known[stops])
    recipe = XGBoost(TrainingParameters(trees=200, learning_rate=0.1, max_depth=2).boosting())
    told, blind = (recipe.fit(one, seed=1) for one in (aware, given))
    places = np.linspace(-1.5, 1.5, 31, dtype=np.float32)[:, None]
    assert np.abs(told.model.margins(places) - places[:, 0]).mean() < 0.15
    assert told.history["stop"][-1] < blind.history["stop"][-1]
    times = np.ones(len(learned), dtype=np.intp)
    again = recipe.fit_drawn(matrix[learned], labels[learned], times=times, trees=40, seed=1, features=("x",),
                             offsets=known[learned])  # fmt: skip
    assert np.abs(again.margins(places) - places[:, 0]).mean() < 0.2
    nothing = replace(given, offsets=np.zeros(len(learned)), stop_offsets=np.zeros(len(stops)))
    np.testing.assert_allclose(recipe.fit(nothing, seed=1).model.margins(places), blind.model.margins(places), atol=0.1)


def test_the_backtest_finds_the_season_where_there_is_one() -> None:
    found = backtest(
        rows_of(DAYS), features=FEATURES, algorithm=FAST, horizon_days=30, at_most=3, trial_rows=9000, seed=1
    )
    assert len(found) == 3 * len(METHODS) and {one.method for one in found} == set(METHODS)
    excess = {method: np.mean([one.excess for one in found if one.method == method]) for method in METHODS}
    assert chosen(found) in (SEASON, SEASONAL_PLATT)
    assert max(excess[SEASON], excess[SEASONAL_PLATT]) < min(excess[PLATT], excess[NONE])
    assert (
        backtest(
            rows_of(DAYS[:3]), features=FEATURES, algorithm=FAST, horizon_days=30, at_most=3, trial_rows=9000, seed=1
        )
        == []
    )


def test_the_least_log_loss_wins_at_dates_where_all_could_be_fitted() -> None:
    one = Backtest("2011-01-01", PLATT, "unseasonal", 10, 0.60, 0.05, 0.01)
    steps, later = replace(one, method=ISOTONIC, status="isotonic", log_loss=0.59), replace(one, as_of="2011-02-01")
    assert chosen([]) == PLATT
    assert chosen([one, steps]) == ISOTONIC
    assert chosen([one, replace(steps, log_loss=0.5995)]) == PLATT, "steps cost the order, so they must gain something"
    never = replace(one, method=SEASON, status="uncalibrated", log_loss=0.1)
    assert chosen([one, steps, never]) == ISOTONIC
    worse, once = replace(later, log_loss=0.3), replace(steps, as_of="2011-02-01", log_loss=0.4)
    assert chosen([one, steps, worse, replace(once, status="uncalibrated")]) == ISOTONIC
    assert chosen([one, steps, worse, once]) == PLATT
    assert chosen([one, later, replace(steps, as_of="2011-03-01", log_loss=0.1)]) == PLATT
    assert chosen([one, replace(one, method=NONE, status="uncalibrated", log_loss=0.5)]) == NONE
    at_each = [one, later, replace(steps, log_loss=0.7), replace(later, method=SEASON, status="seasonal", log_loss=0.2)]
    assert chosen(at_each) == SEASON, "of two that share no date, the one tried nearest to the present is compared"


def test_chance_alone_explains_the_error_of_a_perfect_model() -> None:
    rng = np.random.default_rng(2)
    p = rng.uniform(0.1, 0.9, 836)
    shown = [evaluate((rng.random(836) < p).astype(float), p).ece10 for _ in range(40)]
    assert expected_error(p) == pytest.approx(np.mean(shown), abs=0.004)
    assert expected_error(np.array([])) == 0
