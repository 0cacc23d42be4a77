"""Made-up forecasts of two models on the same rows, of which everything is known."""

from __future__ import annotations

from datetime import date

import numpy as np

from models.logistic import Floats, sigmoid
from models.promotion.forecasts import Forecast, Pair, paired

DAYS = (date(2011, 6, 12), date(2011, 8, 11), date(2011, 10, 10))
A_DAY = 1500


def truth(days: tuple[date, ...] = DAYS, *, a_day: int = A_DAY, seed: int = 5) -> tuple[Forecast, Floats]:
    """True probabilities of made-up rows as a forecast, and their log-odds; the same customers at every date."""
    chance = np.random.default_rng(seed)
    n = len(days) * a_day
    log_odds = chance.normal(0, 1.2, n)
    labels = (chance.random(n) < sigmoid(log_odds)).astype(float)
    who = np.array([f"c{at}" for at in range(a_day)] * len(days), dtype=object)
    when = np.repeat(np.array(days, dtype="datetime64[D]"), a_day)
    return Forecast(who, when, labels, sigmoid(log_odds)), log_odds


def said(rows: Forecast, log_odds: Floats) -> Forecast:
    """What a model with these log-odds says of the rows."""
    return Forecast(rows.customers, rows.days, rows.labels, sigmoid(log_odds))


def noisy(rows: Forecast, log_odds: Floats, *, noise: float, seed: int = 9) -> Forecast:
    """A model that knows the truth but for `noise`, in log-odds, shrunk to be calibrated."""
    blurred = log_odds + np.random.default_rng(seed).normal(0, noise, len(log_odds))
    return said(rows, blurred * 1.44 / (1.44 + noise**2))


def better(*, noise: float = 0.8) -> Pair:
    """A challenger that knows the truth against a champion that sees it blurred."""
    rows, log_odds = truth()
    return paired(rows, noisy(rows, log_odds, noise=noise))
