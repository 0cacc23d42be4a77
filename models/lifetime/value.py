"""What customers will order, spend and be worth: one definition on arrays, for fits, backtests and scores alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.lifetime.record import MODEL, YEAR_DAYS, Fit, LifetimeModel
from models.logistic import Floats

DAYS_A_WEEK = 7
MONTHS = 12


@dataclass(frozen=True)
class Customers:
    """What is known of n customers at a date, float (n,) each: NaN frequency is a customer without an order.

    `frequency`, `recency` and `age` in days as from `with_history`; `value_days`, and `value_mean` of them in currency
    (any number where there is none); `spend_365d` net, in currency.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    value_days: Floats
    value_mean: Floats
    spend_365d: Floats


def p_alive(fit: Fit, of: Customers) -> Floats:
    """P(still a customer), float (n,); NaN for all where the fit is not identified."""
    if not fit.is_identified:
        return np.full(len(of.frequency), np.nan)
    return fit.bgnbd.p_alive(of.frequency, of.recency / DAYS_A_WEEK, of.age / DAYS_A_WEEK) + 0.0 * of.frequency


def expected_orders(fit: Fit, of: Customers, *, days: float) -> Floats:
    """E[order days in the next `days`], float (n,), NaN without an order."""
    found = np.full(len(of.frequency), np.nan)
    known = np.isfinite(of.frequency)
    weeks = (one[known] / DAYS_A_WEEK for one in (of.recency, of.age))
    found[known] = fit.bgnbd.expected_orders(of.frequency[known], *weeks, horizon=days / DAYS_A_WEEK)
    return found


def expected_value(fit: Fit, of: Customers) -> Floats:
    """E[value of an order day], currency, float (n,), NaN without an order."""
    found = fit.gamma_gamma.expected_value(of.value_days, of.value_mean)
    return np.where(np.isfinite(of.frequency), found, np.nan)


def spend_forecasts(fit: Fit, of: Customers, *, days: int) -> tuple[Floats, Floats]:
    """What a backtest compares, undiscounted: the model's spend of the next `days`, and the last year's net spend."""
    return expected_orders(fit, of, days=days) * expected_value(fit, of), last_year(of)


def last_year(of: Customers) -> Floats:
    """Net spend of the last 365 days, at least 0; NaN without an order."""
    return np.where(np.isfinite(of.frequency), np.maximum(of.spend_365d, 0.0), np.nan)


def clv_12m(model: LifetimeModel, of: Customers) -> Floats:
    """Spend of the next year, each month discounted to now from its middle, times the backtest's correction."""
    factors = (1 + model.discount) ** -((np.arange(MONTHS) + 0.5) / MONTHS)
    if model.shipped != MODEL:
        return last_year(of) * factors.mean() * model.correction
    ends = [expected_orders(model.fit, of, days=YEAR_DAYS * (month + 1) / MONTHS) for month in range(MONTHS)]
    monthly = np.diff(np.stack([np.zeros(len(of.frequency)), *ends]), axis=0)
    discounted = np.sum(monthly * factors[:, None], axis=0)
    return discounted * expected_value(model.fit, of) * model.correction


def clv_36m(model: LifetimeModel, twelve_months: Floats) -> Floats:
    """`clv_12m` times 1 + rho / (1 + d) + rho^2 / (1 + d)^2; NaN where no cohort is two years old."""
    if model.retention is None:
        return np.full(len(twelve_months), np.nan)
    kept = model.retention / (1 + model.discount)
    return twelve_months * (1 + kept + kept**2)
