"""Value: horizons, discount, correction and rival; the record comes back whole and scores alike."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from models.errors import BadTrainingSetting, BrokenModel
from models.lifetime import value
from models.lifetime.parameters import LifetimeParameters
from models.lifetime.record import FILE, LifetimeModel
from models.lifetime.scoring import Scorer
from models.lifetime.value import Customers
from tests.unit.models.lifetime.fits import BETTER, FIT, MODEL, WORSE

NAN = np.nan
SEEN = Customers(
    frequency=np.array([0.0, 3.0, 30.0, NAN]),
    recency=np.array([0.0, 150.0, 300.0, NAN]),
    age=np.array([10.0, 200.0, 310.0, NAN]),
    value_days=np.array([0.0, 4.0, 31.0, 0.0]),
    value_mean=np.array([0.0, 20.0, 90.0, 0.0]),
    spend_365d=np.array([-5.0, 80.0, 2790.0, 0.0]),
)


def test_a_year_is_its_months_each_discounted_from_its_middle():
    expected = np.zeros(3)
    worth = value.expected_value(FIT, SEEN)[:3]
    for month in range(12):
        start, end = (value.expected_orders(FIT, SEEN, days=365 * m / 12)[:3] for m in (month, month + 1))
        expected += (end - start) * worth / 1.1 ** ((month + 0.5) / 12)
    np.testing.assert_allclose(value.clv_12m(MODEL, SEEN)[:3], expected / 1.25, rtol=1e-12)
    undiscounted = replace(MODEL, discount=0.0, backtest=None)
    whole = value.expected_orders(FIT, SEEN, days=365)[:3] * worth
    np.testing.assert_allclose(value.clv_12m(undiscounted, SEEN)[:3], whole, rtol=1e-12)


def test_three_years_follow_the_definitions_page():
    year = value.clv_12m(MODEL, SEEN)
    np.testing.assert_allclose(value.clv_36m(MODEL, year)[:3], year[:3] * (1 + 0.8 / 1.1 + 0.64 / 1.21))
    assert np.isnan(value.clv_36m(replace(MODEL, retention=None), year)).all()


def test_what_does_not_beat_last_years_spend_is_not_shipped():
    rival = replace(MODEL, backtest=WORSE)
    assert (MODEL.shipped, rival.shipped) == ("bgnbd_x_gamma_gamma", "spend_365d")
    assert (MODEL.correction, rival.correction) == (1 / 1.25, 1 / 1.3)
    factor = np.mean([1.1 ** -((month + 0.5) / 12) for month in range(12)]) / 1.3
    np.testing.assert_allclose(value.clv_12m(rival, SEEN)[:3], np.array([0, 80, 2790]) * factor)
    worse = [replace(BETTER.model, spearman=0.4), replace(BETTER.model, spearman=None),
             replace(BETTER.model, sum_ratio=0.5)]  # fmt: skip
    assert [replace(BETTER, model=one).shipped for one in worse] == ["spend_365d"] * 3


def test_statuses_say_how_far_a_value_was_tested():
    assert MODEL.statuses == {"clv_12m": "backtested", "clv_36m": "extrapolated"}
    untested = replace(MODEL, backtest=None)
    assert untested.statuses["clv_12m"] == "unvalidated" and untested.correction == 1
    assert untested.shipped == "bgnbd_x_gamma_gamma"


def test_without_an_order_nothing_is_known_and_without_identification_no_p_alive():
    found = Scorer(MODEL, (0, 90), ()).numbers(SEEN)
    assert all(np.isnan(one[3]) and np.isfinite(one[:3]).all() for one in found.values())
    assert found["expected_orders_0d"][:3].tolist() == found["expected_spend_0d"][:3].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(
        found["expected_spend_90d"], found["expected_orders_90d"] * found["expected_order_value"]
    )
    assert found["p_alive"][0] == 1
    doubted = Scorer(replace(MODEL, fit=replace(FIT, doubt="b runs away")), (90,), ()).numbers(SEEN)
    assert np.isnan(doubted["p_alive"]).all()
    np.testing.assert_array_equal(doubted["expected_orders_90d"], found["expected_orders_90d"])


def test_the_record_comes_back_whole_and_scores_digit_for_digit(tmp_path):
    for model in (MODEL, replace(MODEL, backtest=None, retention=None), replace(MODEL, backtest=WORSE)):
        model.save(tmp_path)
        loaded = LifetimeModel.load(tmp_path)
        assert loaded == model
        one, other = Scorer(model, (30, 90), ()).numbers(SEEN), Scorer(loaded, (30, 90), ()).numbers(SEEN)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    told = json.loads((tmp_path / FILE).read_text())["follows"]
    assert told["shipped"] == "spend_365d" and told["units"] == {"time": "weeks", "money": "GBP"}


def test_a_broken_record_is_refused(tmp_path):
    with pytest.raises(BrokenModel, match="a lifetime model"):
        LifetimeModel.load(tmp_path)
    MODEL.save(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({**MODEL.to_dict(), "format": 2}))
    with pytest.raises(BrokenModel, match="format 2 is not 1"):
        LifetimeModel.load(tmp_path)


@pytest.mark.parametrize("name", ["spread", "cells", "winsorised_percent", "discount", "correlation_warning"])
def test_a_setting_out_of_range_is_refused_by_name(name):
    with pytest.raises(BadTrainingSetting, match=f"lifetime.{name}"):
        LifetimeParameters(**{name: -1})
