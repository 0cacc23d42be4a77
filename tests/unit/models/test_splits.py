"""Splits by time: the table of section 2, and that no label reaches into a later split."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurestore.errors import ConfigurationError, DataContractError
from models.errors import HistoryTooShort
from models.splits import CALIBRATE, FIT, SPLITS, STOP, TEST, SplitPlan, is_stopping_customer, plan_splits

AS_OF, START = date(2011, 12, 9), date(2009, 12, 1)


@pytest.mark.parametrize(
    ("horizon", "test", "calibrate", "learn"),
    [
        (30, date(2011, 11, 9), date(2011, 10, 10), date(2011, 9, 10)),
        (60, date(2011, 10, 10), date(2011, 8, 11), date(2011, 6, 12)),
        (90, date(2011, 9, 10), date(2011, 6, 12), date(2011, 3, 14)),
    ],
)
def test_dates_of_online_retail(horizon: int, test: date, calibrate: date, learn: date) -> None:
    plan = plan_splits(AS_OF, horizon_days=horizon, source_start=START)
    assert (plan.test, plan.calibration, plan.stopping) == (test, calibrate, learn)
    assert plan.fitted[-1] == learn - timedelta(days=horizon)
    assert plan.fitted[0] >= START + timedelta(days=180)
    assert {after - before for before, after in zip(plan.fitted, plan.fitted[1:], strict=False)} == {timedelta(days=28)}


def test_a_date_outside_the_plan_has_no_split() -> None:
    plan = plan_splits(AS_OF, horizon_days=30, source_start=START)
    assert plan.split_of(date(2011, 11, 8)) is None
    assert [plan.split_of(day) for day in plan.as_ofs[-3:]] == [STOP, CALIBRATE, TEST]


def test_short_history_stops_on_customers_of_their_own() -> None:
    plan = plan_splits(date(2011, 1, 1), horizon_days=60, source_start=date(2010, 1, 1), first_after_days=100)
    assert plan.by_customer
    assert plan.fitted[-1] == plan.calibration - timedelta(days=60)
    splits = {plan.split_of(plan.fitted[0], str(customer)) for customer in range(100)}
    assert splits == {FIT, STOP}
    assert plan.split_of(plan.test, "any") == TEST
    assert plan.split_of(plan.fitted[0], None) == FIT


def test_a_customer_stops_or_learns_on_all_dates_alike() -> None:
    plan = plan_splits(date(2010, 12, 1), horizon_days=30, source_start=date(2010, 1, 1), minimum_fitted=9)
    assert plan.by_customer and len(plan.fitted) > 1
    for customer in map(str, range(50)):
        assert len({plan.split_of(day, customer) for day in plan.fitted}) == 1


def test_a_tenth_of_the_customers_stop() -> None:
    share = sum(is_stopping_customer(str(customer)) for customer in range(20_000)) / 20_000
    assert share == pytest.approx(0.1, abs=0.01)


def test_too_short_a_history_says_how_many_days_are_missing() -> None:
    start = AS_OF - timedelta(days=180 + 3 * 60 - 7)
    with pytest.raises(HistoryTooShort, match="7 days too short") as caught:
        plan_splits(AS_OF, horizon_days=60, source_start=start)
    assert isinstance(caught.value, DataContractError) and caught.value.exit_code == 3
    assert plan_splits(AS_OF, horizon_days=60, source_start=start - timedelta(days=7)).fitted


@pytest.mark.parametrize("name", ["horizon_days", "step_days", "minimum_fitted"])
def test_settings_below_one_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        plan_splits(AS_OF, **{"horizon_days": 30, "source_start": START, name: 0})


@given(
    horizon=st.integers(1, 200),
    history=st.integers(1, 2_000),
    first=st.integers(0, 400),
    step=st.integers(1, 60),
    minimum=st.integers(1, 6),
)
def test_no_label_reaches_into_a_later_split(horizon: int, history: int, first: int, step: int, minimum: int) -> None:
    start = AS_OF - timedelta(days=history)
    try:
        plan = plan_splits(
            AS_OF,
            horizon_days=horizon,
            source_start=start,
            first_after_days=first,
            step_days=step,
            minimum_fitted=minimum,
        )
    except HistoryTooShort:
        assert history < first + 3 * horizon
        return
    assert plan.as_ofs == tuple(sorted(set(plan.as_ofs)))
    assert plan.as_ofs[0] >= start + timedelta(days=first)
    assert plan.test + timedelta(days=horizon) == AS_OF
    assert plan.by_customer == (plan.stopping is None)
    assert plan.by_customer or len(plan.fitted) >= minimum
    _assert_disjoint(plan)


def _assert_disjoint(plan: SplitPlan) -> None:
    by_split = {name: [day for day, split in plan.dates.items() if split == name] for name in SPLITS}
    present = [by_split[name] for name in SPLITS if by_split[name]]
    for earlier, later in itertools.pairwise(present):
        assert max(earlier) + timedelta(days=plan.horizon_days) <= min(later)
