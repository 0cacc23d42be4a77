"""Gamma-Gamma: the published fit, known parameters found again, cells that fit like rows, any currency."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from models.lifetime.gamma_gamma import GammaGamma, Values, _terms, fit_gamma_gamma

SPREAD = 3.0


def cdnow_repeats(folder: Path) -> Values:
    """Days and mean value of the repeat purchases of 39 weeks, of customers who had any of positive value."""
    spent: dict[str, dict[date, float]] = {}
    for line in (folder / "cdnow" / "CDNOW_sample.txt").read_text().splitlines():
        _, customer, text, _, dollars = line.split()
        day = date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}")
        if day <= date(1997, 9, 30):
            days = spent.setdefault(customer, {})
            days[day] = days.get(day, 0.0) + float(dollars)
    repeats = [[value for day, value in days.items() if day > min(days)] for days in spent.values()]
    rows = np.array([(len(one), np.mean(one)) for one in repeats if one and sum(one) > 0])
    return Values(rows[:, 0], rows[:, 1], np.ones(len(rows)))


def customers(truth: GammaGamma, n: int, rng: np.random.Generator) -> tuple[Values, np.ndarray]:
    days = rng.integers(1, 12, n).astype(float)
    rate = rng.gamma(truth.q, 1 / truth.v, n)
    return Values(days, rng.gamma(truth.p * days) / rate / days, np.ones(n)), truth.p / rate


def test_the_published_parameters_of_cdnow_are_found(data):
    rows = cdnow_repeats(data)
    model, found = fit_gamma_gamma(rows, spread=100.0)
    assert len(rows.days) == 946
    assert (model.p, model.q, model.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.01)
    assert found.doubt == ""


def test_known_parameters_are_found_again_and_expectations_are_what_customers_are_worth(rng):
    truth = GammaGamma(p=4.0, q=5.0, v=60.0)
    rows, worth = customers(truth, 8_000, rng)
    model, found = fit_gamma_gamma(rows, spread=SPREAD)
    assert (model.p, model.q, model.v) == pytest.approx((4.0, 5.0, 60.0), rel=0.08)
    assert found.doubt == ""
    forecast = truth.expected_value(rows.days, rows.mean)
    for low in (30, 45, 60, 75):
        group = (forecast >= low) & (forecast < low + 15)
        assert group.sum() > 500
        assert abs((forecast - worth)[group].mean()) < 4 * (forecast - worth)[group].std() / np.sqrt(group.sum())


def test_the_density_adds_up_to_one():
    model = GammaGamma(p=2.0, q=3.0, v=20.0)

    def density(mean: float) -> float:
        return float(np.exp(model.log_likelihoods(Values(np.array([3.0]), np.array([mean]), np.ones(1))))[0])

    assert integrate.quad(density, 0, np.inf)[0] == pytest.approx(1, abs=1e-6)
    # One day: v / p times an F distribution's numerator, that is a beta prime.
    assert density(7.0) > 0 and stats.betaprime(6, 3, scale=20 / 3).pdf(7.0) == pytest.approx(density(7.0))


def test_the_currency_does_not_matter(rng):
    rows, _ = customers(GammaGamma(4.0, 5.0, 60.0), 800, rng)
    pence = Values(rows.days, rows.mean * 100, rows.customers)
    (one, found), (other, again) = fit_gamma_gamma(rows, spread=SPREAD), fit_gamma_gamma(pence, spread=SPREAD)
    assert (other.p, other.q, other.v) == pytest.approx((one.p, one.q, one.v * 100), rel=1e-4)
    assert again.log_likelihood == pytest.approx(found.log_likelihood - 800 * np.log(100), rel=1e-9)


def test_slopes_are_those_of_the_density():
    at, of = (4.0, 2.0, 30.0), Values(np.array([1.0, 9]), np.array([5.0, 700]), np.ones(2))
    slopes = _terms(GammaGamma(*at), of)[1]
    for place in range(3):
        step = 1e-6 * at[place]
        above, below = ([value + sign * step * (place == n) for n, value in enumerate(at)] for sign in (1, -1))
        rise = GammaGamma(*above).log_likelihoods(of) - GammaGamma(*below).log_likelihoods(of)
        np.testing.assert_allclose(slopes[place], rise / (2 * step), rtol=1e-5)


def test_one_customer_is_a_fit_in_doubt():
    model, found = fit_gamma_gamma(Values(np.array([2.0]), np.array([50.0]), np.ones(1)), spread=SPREAD)
    assert found.doubt and np.isfinite(model.mean)


@given(p=st.floats(1e-4, 1e4), beyond=st.floats(1e-4, 1e4), v=st.floats(1e-4, 1e6), days=st.integers(0, 5_000),
       mean=st.floats(0.01, 1e9))  # fmt: skip
def test_an_expected_value_lies_between_the_customers_mean_and_everyones(p, beyond, v, days, mean):
    model = GammaGamma(p, 1 + beyond, v)
    found = model.expected_value(np.array([float(days)]), np.array([mean]))[0]
    ends = sorted([model.mean, mean if days else model.mean])
    assert ends[0] * (1 - 1e-9) <= found <= ends[1] * (1 + 1e-9)
