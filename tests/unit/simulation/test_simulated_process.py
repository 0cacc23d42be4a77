from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from featurestore.simulation.process import SECONDS_A_DAY, Histories, Process, simulate_histories

PROCESS = Process()


def lives(customers: list[int] | np.ndarray, *, days: int = 500, seed: int = 5) -> Histories:
    return simulate_histories(PROCESS, np.asarray(customers, dtype=np.int64), days=days, seed=seed)


def of_one(histories: Histories, customer: int) -> dict[str, list[object]]:
    at = int(np.flatnonzero(histories.customers == customer)[0])
    orders, views = histories.order_owner == at, histories.view_owner == at
    named = {f.name: getattr(histories, f.name) for f in fields(histories)}
    return {
        **{name: named[name][orders].tolist() for name in ("order_second", "order_cents", "order_ticket")},
        "view_second": named["view_second"][views].tolist(),
    }


def test_a_customer_does_not_depend_on_the_block_it_is_drawn_in() -> None:
    whole, some = lives(np.arange(300)), lives([250, 3, 77])
    for customer in (250, 3, 77):
        assert of_one(whole, customer) == of_one(some, customer) == of_one(lives([customer]), customer)


def test_seeds_and_customers_differ() -> None:
    one, other = lives(np.arange(100), seed=1), lives(np.arange(100), seed=2)
    assert one.order_second[:20].tolist() != other.order_second[:20].tolist()
    births = one.order_second[one.order_start[:-1]]
    assert len(set(births.tolist())) == 100


@pytest.mark.parametrize("customers", [0, 1])
def test_small_blocks(customers: int) -> None:
    histories = lives(np.arange(customers))
    assert len(histories.order_start) == customers + 1
    assert len(histories.order_second) >= customers


def test_events_are_ordered_and_inside_the_days() -> None:
    histories = lives(np.arange(2_000))
    for owner, second in (
        (histories.order_owner, histories.order_second),
        (histories.view_owner, histories.view_second),
    ):
        same = np.diff(owner) == 0
        assert (np.diff(owner) >= 0).all() and (np.diff(second)[same] >= 0).all()
        assert second.min() >= 0 and second.max() < 500 * SECONDS_A_DAY


def test_births_are_uniform_over_eight_elevenths() -> None:
    histories = lives(np.arange(20_000), days=1_100)
    births = histories.order_second[histories.order_start[:-1]] / SECONDS_A_DAY
    assert births.max() < 800
    assert np.quantile(births, [0.1, 0.5, 0.9]) == pytest.approx([80, 400, 720], abs=12)


def test_nothing_happens_after_dropping_out() -> None:
    histories = lives(np.arange(2_000))
    last = histories.order_start[1:] - 1
    not_last = np.ones(len(histories.order_ends), dtype=bool)
    not_last[last] = False
    assert not histories.order_ends[not_last].any()
    gone = histories.order_ends[last]
    left_at = np.where(gone, histories.order_second[last], 2**60)
    assert (histories.view_second <= left_at[histories.view_owner]).all()


def test_rates_are_those_of_the_parameters() -> None:
    histories = lives(np.arange(40_000), days=1_100)
    traits = histories.traits
    assert traits.rate.mean() * 45 == pytest.approx(0.85, rel=0.03)
    assert traits.dropout.mean() == pytest.approx(0.9 / 7.9, rel=0.03)
    ends = histories.order_ends
    assert histories.order_ticket[ends].mean() == pytest.approx(0.40, abs=0.012)
    assert histories.order_ticket[~ends].mean() == pytest.approx(0.08, abs=0.004)
    repeats = len(histories.order_second) - 40_000
    assert len(histories.view_second) / repeats == pytest.approx(2.0, rel=0.02)
    first = np.log(histories.order_cents[histories.order_start[:-1]] / 100)
    assert (first.mean(), first.std()) == pytest.approx((5.5, np.hypot(0.8, 0.7)), abs=0.02)
    share = np.bincount(histories.order_owner, weights=ends)[:40_000]
    assert np.average(ends[histories.order_start[:-1]]) == pytest.approx(0.9 / 7.9, abs=0.006)
    assert share.max() == 1
