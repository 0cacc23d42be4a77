"""Spend and decline given a history: one integral for the expectation, sampling for the probability."""

from __future__ import annotations

import numpy as np
from scipy import special

from featurestore.simulation.posterior import (
    Evidence,
    alive_probability,
    rate_scale,
    rate_shape,
    warped_ahead,
)
from featurestore.simulation.process import SECONDS_A_DAY, Histories, Process
from featurestore.simulation.randomness import Booleans, Floats, Integers, Purpose, keys, uniforms

_NODES = 128
_PAIRS_AT_ONCE = 200_000


def value_level(process: Process, histories: Histories, seen: Evidence, *, day: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the normal posterior of each customer's level of log order value."""
    past = histories.order_second < day * SECONDS_A_DAY
    log_value = np.log(histories.order_cents[past] / 100)
    total = np.bincount(histories.order_owner[past], weights=log_value, minlength=len(histories.customers))
    precision = 1 / process.value_between**2 + seen.orders / process.value_within**2
    mean = (process.value_level / process.value_between**2 + total / process.value_within**2) / precision
    return mean, 1 / np.sqrt(precision)


def expected_orders(process: Process, seen: Evidence, *, day: int, horizon: int) -> Floats:
    """E[orders in the `horizon` days from `day` | evidence]; relative error below 1e-3.

    Given rate l and dropout p, dropping out is Poisson at l p, so the expectation over D is (1 - exp(-l
    p D)) / p. The Gamma posterior of l integrates in closed form, the Beta(a, b + x + 1) posterior of p
    over its quantiles.
    """
    ahead = warped_ahead(process, day=day, horizon=horizon)
    repeats = np.maximum(seen.orders - 1, 0)
    counts, which = np.unique(repeats, return_inverse=True)
    middles = (np.arange(_NODES) + 0.5) / _NODES
    nodes = special.betaincinv(process.dropout_a, process.dropout_b + counts[:, None] + 1, middles)
    scale, shape = rate_scale(process, seen), rate_shape(process, seen)
    total = np.zeros(len(repeats))
    for node in nodes.T:
        p = node[which]
        total += -np.expm1(-shape * np.log1p(p * ahead / scale)) / p
    return alive_probability(process, seen) * total / _NODES


def expected_spend(process: Process, histories: Histories, seen: Evidence, *, day: int, horizon: int) -> Floats:
    """E[spend in the `horizon` days from `day` | evidence], in currency; values do not depend on orders."""
    mean, deviation = value_level(process, histories, seen, day=day)
    value = np.exp(mean + (deviation**2 + process.value_within**2) / 2)
    return expected_orders(process, seen, day=day, horizon=horizon) * value


def decline_probability(
    process: Process,
    histories: Histories,
    seen: Evidence,
    *,
    limit: Floats,
    among: Booleans,
    day: int,
    horizon: int,
    draws: int,
    seed: int,
) -> Floats:
    """P(spend in the `horizon` days from `day` < `limit` | evidence) for customers `among`, NaN for others.

    Being dead is integrated, being alive sampled: the standard error is at most .5 / sqrt(draws).
    """
    mean, deviation = value_level(process, histories, seen, day=day)
    ahead = warped_ahead(process, day=day, horizon=horizon)
    result = np.full(len(among), np.nan)
    chosen = np.flatnonzero(among)
    for part in np.array_split(chosen, max(1, -(-len(chosen) * draws // _PAIRS_AT_ONCE))):
        future = _Future(process, histories.customers[part], draws=draws, day=day, seed=seed)
        spend = future.spend(
            shape=rate_shape(process, seen)[part],
            scale=rate_scale(process, seen)[part],
            orders=seen.orders[part],
            mean=mean[part],
            deviation=deviation[part],
            ahead=ahead,
        )
        result[part] = (spend.reshape(len(part), draws) < limit[part, None]).mean(axis=1)
    alive = alive_probability(process, seen)
    return np.where(among, 1 - alive * (1 - result), np.nan)


class _Future:
    """Draws of the spend of customers who are alive; row i * draws + j is draw j of customer i."""

    def __init__(self, process: Process, customers: Integers, *, draws: int, day: int, seed: int) -> None:
        self.process = process
        self.customer = np.repeat(np.arange(len(customers)), draws)
        self.draw = np.tile(np.arange(draws), len(customers))
        self.draws = draws
        self._keys = {
            purpose: keys(seed, purpose, customers, salt=day)
            for purpose in (
                Purpose.FUTURE_VALUE_LEVEL,
                Purpose.FUTURE_GAP,
                Purpose.FUTURE_DROPOUT,
                Purpose.FUTURE_VALUE,
            )
        }

    def _uniforms(self, purpose: Purpose, rows: Integers, turn: int) -> Floats:
        return uniforms(self._keys[purpose][self.customer[rows]], self.draw[rows] + self.draws * turn)

    def spend(
        self, *, shape: Floats, scale: Floats, orders: Integers, mean: Floats, deviation: Floats, ahead: float
    ) -> Floats:
        """Rates and dropout probabilities are never drawn: each wait and each survival is drawn from its
        predictive distribution given the draws before it (Lomax, and a Polya urn)."""
        process = self.process
        rows = np.arange(len(self.customer))
        z = special.ndtri(self._uniforms(Purpose.FUTURE_VALUE_LEVEL, rows, 0))
        level = mean[self.customer] + deviation[self.customer] * z
        total, elapsed = np.zeros(len(rows)), np.zeros(len(rows))
        turn = 0
        while len(rows):
            who = self.customer[rows]
            power = -1 / (shape[who] + turn)
            wait = np.expm1(power * np.log(self._uniforms(Purpose.FUTURE_GAP, rows, turn)))
            elapsed[rows] += (scale[who] + elapsed[rows]) * wait
            rows = rows[elapsed[rows] < ahead]
            noise = special.ndtri(self._uniforms(Purpose.FUTURE_VALUE, rows, turn))
            total[rows] += np.exp(level[rows] + process.value_within * noise)
            past = orders[self.customer[rows]] + turn
            leaves = process.dropout_a / (process.dropout_a + process.dropout_b + past)
            rows = rows[self._uniforms(Purpose.FUTURE_DROPOUT, rows, turn) >= leaves]
            turn += 1
        return total
