"""BG/NBD: the published fit, known parameters found again, expectations and P(alive) against simulated customers."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from models.lifetime.bgnbd import BgNbd, Counts, _terms, fit_bgnbd
from tests.unit.models.lifetime.shops import shop

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
SPREAD = 3.0


def cdnow(folder: Path) -> Counts:
    """The sample's 39 weeks to 30 September 1997: a purchase is a day with a row, free discs included."""
    days: dict[str, set[date]] = {}
    for line in (folder / "cdnow" / "CDNOW_sample.txt").read_text().splitlines():
        _, customer, day, *_ = line.split()
        days.setdefault(customer, set()).add(date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}"))
    end = date(1997, 9, 30)
    rows = []
    for seen in days.values():
        early = sorted(day for day in seen if day <= end)
        rows.append((len(early) - 1, (early[-1] - early[0]).days / 7, (end - early[0]).days / 7))
    x, recency, age = np.array(rows, dtype=float).T
    return Counts(x, recency, age, np.ones(len(x)))


def test_the_published_parameters_of_cdnow_are_found(data):
    model, found = fit_bgnbd(cdnow(data), spread=SPREAD)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    for name in ("r", "alpha", "a", "b"):
        assert getattr(model, name) == pytest.approx(getattr(PUBLISHED, name), rel=0.01), name
    assert found.doubt == "" and found.starts >= 5


def test_counts_of_equal_histories_fit_like_their_rows(data):
    rows = cdnow(data)
    table, n = np.unique(np.column_stack([rows.frequency, rows.recency, rows.age]), axis=0, return_counts=True)
    counts = Counts(*table.T, n.astype(float))
    assert len(n) < len(rows.age)
    one, other = fit_bgnbd(rows, spread=SPREAD), fit_bgnbd(counts, spread=SPREAD)
    assert other[1].log_likelihood == pytest.approx(one[1].log_likelihood, rel=1e-10)
    assert other[1].parameters == pytest.approx(one[1].parameters, rel=1e-4)


def test_known_parameters_are_found_again(rng):
    truth = BgNbd(r=0.9, alpha=7.0, a=0.8, b=3.0)
    found, search = fit_bgnbd(shop(truth, rng.uniform(20, 80, 10_000), horizon=0, rng=rng).counts, spread=SPREAD)
    assert (found.r, found.alpha) == pytest.approx((truth.r, truth.alpha), rel=0.06)
    assert found.a / (found.a + found.b) == pytest.approx(truth.a / (truth.a + truth.b), rel=0.05)
    assert search.doubt == ""


def test_expected_orders_and_p_alive_are_what_happens(rng):
    """By groups of equal frequency: within four standard errors of simulated customers with the same past."""
    model, horizon = BgNbd(r=0.6, alpha=5.0, a=0.7, b=2.0), 26.0
    seen = shop(model, np.full(300_000, 39.0), horizon=horizon, rng=rng)
    alive = model.p_alive(seen.frequency, seen.recency, seen.age)
    orders = model.expected_orders(seen.frequency, seen.recency, seen.age, horizon=horizon)
    late = seen.recency > 30
    for x, recent in itertools.product(range(5), (False, True)):
        group = (seen.frequency == x) & (late == recent)
        if group.sum() < 500:
            continue
        for expected, happened in ((alive, seen.alive), (orders, seen.orders)):
            error = happened[group].std() / np.sqrt(group.sum()) + 1e-9
            assert abs(expected[group].mean() - happened[group].mean()) < 4 * error, (x, recent)
    assert orders.sum() == pytest.approx(seen.orders.sum(), rel=0.01)


def test_the_integral_is_the_published_formula_where_that_can_be_computed():
    x, recency, age = np.arange(0.0, 8.0), np.arange(0.0, 8.0) * 3, np.full(8, 38.86)
    for horizon in (1.0, 39.0, 300.0):
        r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
        stretch = horizon / (alpha + age + horizon)
        series = special.hyp2f1(r + x, b + x, a + b + x - 1, stretch)
        ratio = ((alpha + age) / (alpha + age + horizon)) ** (r + x)
        formula = (a + b + x - 1) / (a - 1) * (1 - ratio * series)
        alive = PUBLISHED.p_alive(x, recency, age)
        found = PUBLISHED.expected_orders(x, recency, age, horizon=horizon)
        np.testing.assert_allclose(found, alive * formula, rtol=1e-10)


def test_a_of_one_is_no_special_case():
    near, x = [BgNbd(0.5, 5.0, a, 2.0) for a in (1 - 1e-7, 1.0, 1 + 1e-7)], np.array([3.0])
    low, one, high = (float(m.expected_orders(x, np.array([9.0]), np.array([20.0]), horizon=30.0)[0]) for m in near)
    assert low > one > high and low - high < 1e-5


@pytest.mark.parametrize("at", [(0.243, 4.414, 0.793, 2.426), (3.0, 0.2, 8.0, 40.0)])
def test_slopes_are_those_of_the_likelihood(at):
    counts = Counts(np.array([0.0, 1, 9]), np.array([0.0, 4, 30]), np.array([0.0, 11, 39]), np.array([5.0, 2, 1]))
    slopes = _terms(BgNbd(*at), counts)[1]
    for place, step in enumerate(1e-6 * np.array(at)):
        above, below = (list(at), list(at))
        above[place] += step
        below[place] -= step
        rise = BgNbd(*above).log_likelihoods(counts) - BgNbd(*below).log_likelihoods(counts)
        np.testing.assert_allclose(slopes[place], rise / (2 * step), rtol=1e-5, atol=1e-7)


def test_a_likelihood_of_histories_adds_up_to_one(rng):
    """Over all pasts of a customer, by brute force: P(x = 0) and the density of (x = 1, t_x) against simulation."""
    model = BgNbd(r=0.6, alpha=5.0, a=0.7, b=2.0)
    seen = shop(model, np.full(200_000, 10.0), horizon=0, rng=rng)
    none = Counts(np.zeros(1), np.zeros(1), np.full(1, 10.0), np.ones(1))
    assert np.exp(model.log_likelihoods(none))[0] == pytest.approx((seen.frequency == 0).mean(), abs=0.005)
    middles = (np.arange(2000) + 0.5) / 200
    once = Counts(np.ones(2000), middles, np.full(2000, 10.0), np.ones(2000))
    assert np.exp(model.log_likelihoods(once)).mean() * 10 == pytest.approx((seen.frequency == 1).mean(), abs=0.005)


positive = st.floats(1e-4, 1e4)


@given(r=positive, alpha=positive, a=positive, b=positive, x=st.integers(0, 5_000), age=st.floats(0, 1e4),
       share=st.floats(0, 1), horizon=st.floats(0, 1e4))  # fmt: skip
def test_no_history_gives_anything_but_a_number(r, alpha, a, b, x, age, share, horizon):
    model = BgNbd(r, alpha, a, b)
    past = np.array([float(x)]), np.array([share * age if x else 0.0]), np.array([age])
    alive, orders = model.p_alive(*past)[0], model.expected_orders(*past, horizon=horizon)[0]
    assert 0 <= alive <= 1
    assert 0 <= orders <= (r + x) * horizon / (alpha + age) * (1 + 1e-9)  # what an undying customer would order
    assert np.isfinite(model.log_likelihoods(Counts(*past, np.ones(1)))).all()


def test_no_time_brings_no_orders_and_more_time_more():
    past = np.array([0.0, 3, 40]), np.array([0.0, 20, 39]), np.array([0.0, 39, 39])
    found = [PUBLISHED.expected_orders(*past, horizon=h) for h in (0.0, 1.0, 52.0)]
    assert found[0].tolist() == [0, 0, 0]
    assert (found[1] > 0).all() and (found[2] > found[1]).all()
    assert PUBLISHED.expected_orders(*(one[:0] for one in past), horizon=3.0).tolist() == []


def test_what_the_data_cannot_tell_is_not_identified(rng):
    n = 500
    never = Counts(np.zeros(n), np.zeros(n), np.full(n, 20.0), np.ones(n))
    assert "second day" in fit_bgnbd(never, spread=SPREAD)[1].doubt
    lone = Counts(np.array([2.0]), np.array([8.0]), np.array([9.0]), np.ones(1))
    assert "penalty" in fit_bgnbd(lone, spread=SPREAD)[1].doubt
    # Everybody leaves with the same chance after every order: b has no upper end.
    alike = BgNbd(5.0, 10.0, 3e4, 1e5)
    few, many = (shop(alike, np.full(n, 60.0), horizon=0, rng=rng).counts for n in (300, 2_000))
    hidden, found = fit_bgnbd(few, spread=SPREAD)
    assert hidden.b < 100 and "without the penalty" in found.doubt
    assert "above 100" in fit_bgnbd(many, spread=SPREAD)[1].doubt
