"""Closed forms against brute force: latent customers from the prior, weighted by how well they explain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from featurestore.simulation.posterior import Evidence, alive_probability, evidence, order_probability
from featurestore.simulation.predictive import decline_probability, expected_orders, value_level
from featurestore.simulation.process import SECONDS_A_DAY, Histories, Process, Traits, simulate_histories
from featurestore.simulation.season import Season

# Without a season a warped day is a day, so that cases can be written by hand.
FLAT = Process(season=Season(strength=0.0))
DAY = 400
CASES = {
    # birth, further orders, views, a ticket after the last order
    "one order, long silence": (200, [], [], False),
    "one order, fresh": (395, [], [], False),
    "one order and a ticket": (350, [], [], True),
    "regular, then silent": (100, [130, 160, 190, 220], [110, 125, 150, 185, 186, 215], False),
    "regular with a ticket": (300, [330, 360], [310, 325, 340, 355], True),
    "viewed since": (100, [150], [120, 300], True),
}


def history(case: str) -> Histories:
    birth, repeats, views, ticket = CASES[case]
    orders = np.array([birth, *repeats]) * SECONDS_A_DAY
    tickets = np.zeros(len(orders), dtype=bool)
    tickets[-1] = ticket
    return Histories(
        customers=np.array([0]),
        days=1_000,
        traits=Traits(np.ones(1), np.ones(1), np.ones(1)),
        order_start=np.array([0, len(orders)]),
        order_owner=np.zeros(len(orders), dtype=np.int64),
        order_second=orders,
        order_cents=np.full(len(orders), 20_000),
        order_ends=np.zeros(len(orders), dtype=bool),
        order_ticket=tickets,
        view_start=np.array([0, len(views)]),
        view_owner=np.zeros(len(views), dtype=np.int64),
        view_second=np.array(views, dtype=np.int64) * SECONDS_A_DAY,
    )


class Explained:
    """Latent customers from the prior with the likelihood of a case, if alive and if dropped out."""

    def __init__(self, case: str, *, draws: int = 400_000) -> None:
        birth, repeats, views, ticket = CASES[case]
        self.generator = np.random.default_rng(11)
        self.rate = self.generator.gamma(0.85, 1 / 45, draws)
        self.dropout = self.generator.beta(0.9, 7, draws)
        moments = sorted([(d, "order") for d in repeats] + [(d, "view") for d in views])
        likelihood, now = 1 - self.dropout, birth
        last = max([birth, *repeats])
        if last == birth:
            gone_at_last = self.dropout.copy()
        for moment, what in moments:
            likelihood = likelihood * np.exp(-3 * self.rate * (moment - now)) * self.rate
            likelihood = likelihood * (2 if what == "view" else 1)
            if what == "order":
                if moment == last:
                    gone_at_last = likelihood * self.dropout
                likelihood = likelihood * (1 - self.dropout)
            now = moment
        self.alive = likelihood * np.exp(-3 * self.rate * (DAY - now)) * (0.08 if ticket else 0.92)
        self.gone = gone_at_last * (0.40 if ticket else 0.60) * (now == last)

    def alive_probability(self) -> float:
        return float(self.alive.sum() / (self.alive.sum() + self.gone.sum()))

    def futures(self, *, horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of orders of resampled living customers in the horizon, played forward order by order."""
        chosen = self.generator.choice(len(self.alive), 60_000, p=self.alive / self.alive.sum())
        orders = np.zeros(len(chosen), dtype=int)
        for i, (rate, dropout) in enumerate(zip(self.rate[chosen], self.dropout[chosen], strict=True)):
            now = self.generator.exponential(1 / rate)
            while now < horizon:
                orders[i] += 1
                if self.generator.random() < dropout:
                    break
                now += self.generator.exponential(1 / rate)
        return orders, chosen


@pytest.mark.parametrize("case", CASES)
def test_alive_and_orders_agree_with_brute_force(case: str) -> None:
    seen = evidence(FLAT, history(case), day=DAY)
    latent = Explained(case)
    alive = latent.alive_probability()
    orders, _ = latent.futures(horizon=30)
    assert alive_probability(FLAT, seen)[0] == pytest.approx(alive, abs=0.01)
    assert order_probability(FLAT, seen, day=DAY, horizon=30)[0] == pytest.approx(
        alive * (orders > 0).mean(), abs=0.012
    )
    expected = expected_orders(FLAT, seen, day=DAY, horizon=30)[0]
    assert expected == pytest.approx(alive * orders.mean(), abs=0.025)


@pytest.mark.parametrize("case", ["regular, then silent", "regular with a ticket", "viewed since"])
def test_decline_agrees_with_brute_force(case: str) -> None:
    histories = history(case)
    seen = evidence(FLAT, histories, day=DAY)
    latent = Explained(case)
    orders, _ = latent.futures(horizon=90)
    mean, deviation = value_level(FLAT, histories, seen, day=DAY)
    level = latent.generator.normal(mean[0], deviation[0], len(orders))
    spend = np.array([np.exp(latent.generator.normal(m, 0.7, n)).sum() for m, n in zip(level, orders, strict=True)])
    expected = 1 - latent.alive_probability() * (1 - (spend < 300).mean())
    found = decline_probability(
        FLAT,
        histories,
        seen,
        limit=np.array([300.0]),
        among=np.array([True]),
        day=DAY,
        horizon=90,
        draws=40_000,
        seed=1,
    )
    assert found[0] == pytest.approx(expected, abs=0.012)


def test_futures_agree_with_brute_force_where_many_drop_out() -> None:
    hasty = replace(FLAT, dropout_a=1.5, dropout_b=1.0)
    histories = history("regular with a ticket")
    # Two repeats and 40 views in 200 days: many orders to come, and many chances to leave.
    seen = Evidence(*(np.array([v]) for v in (3, 40, 200.0, 60.0, 1.0, True)))
    draws, horizon, limit = 200_000, 300, 600.0
    generator = np.random.default_rng(5)
    rate = generator.gamma(0.85 + 2 + 40, 1 / (45 + 3 * 200), draws)
    dropout = generator.beta(1.5, 1.0 + 2 + 1, draws)
    mean, deviation = value_level(hasty, histories, seen, day=DAY)
    level = generator.normal(mean[0], deviation[0], draws)
    orders, spend, now, left = np.zeros(draws), np.zeros(draws), np.zeros(draws), np.zeros(draws, dtype=bool)
    while not left.all():
        now += generator.exponential(1 / rate)
        left |= now >= horizon
        orders += ~left
        spend += ~left * np.exp(generator.normal(level, 0.7))
        left |= generator.random(draws) < dropout
    found = decline_probability(
        hasty,
        histories,
        seen,
        limit=np.array([limit]),
        among=np.array([True]),
        day=DAY,
        horizon=horizon,
        draws=draws,
        seed=2,
    )
    expected = expected_orders(hasty, seen, day=DAY, horizon=horizon)
    assert expected[0] == pytest.approx(orders.mean(), rel=0.01)
    assert found[0] == pytest.approx((spend < limit).mean(), abs=0.006)


def test_value_level_is_the_prior_without_orders_and_the_mean_with_many() -> None:
    histories = history("one order, fresh")
    seen = evidence(FLAT, histories, day=1)
    mean, deviation = value_level(FLAT, histories, seen, day=1)
    assert (mean[0], deviation[0]) == pytest.approx((5.5, 0.8))
    certain = replace(FLAT, value_within=1e-6)
    mean, deviation = value_level(certain, histories, evidence(certain, histories, day=DAY), day=DAY)
    assert (mean[0], deviation[0]) == pytest.approx((np.log(200), 0), abs=1e-5)


def test_events_at_the_instant_are_not_seen_and_a_second_before_are() -> None:
    histories = history("viewed since")
    at = evidence(FLAT, histories, day=300)
    after = evidence(FLAT, histories, day=301)
    assert (at.views[0], after.views[0]) == (1, 2)
    assert (bool(at.viewed_since[0]), bool(after.viewed_since[0])) == (False, True)
    assert alive_probability(FLAT, after)[0] == 1
    assert evidence(FLAT, histories, day=100).orders[0] == 0


def test_a_ticket_counts_only_once_it_is_open() -> None:
    histories = history("one order and a ticket")
    last_second = replace(histories, order_second=np.array([DAY * SECONDS_A_DAY - 1]))
    one_earlier = replace(histories, order_second=np.array([DAY * SECONDS_A_DAY - 2]))
    assert evidence(FLAT, last_second, day=DAY).ticket_odds[0] == 1
    assert evidence(FLAT, one_earlier, day=DAY).ticket_odds[0] == pytest.approx(0.40 / 0.08)


def test_alive_probability_is_calibrated_on_simulated_customers() -> None:
    process = Process()
    histories = simulate_histories(process, np.arange(40_000), days=700, seed=8)
    seen: Evidence = evidence(process, histories, day=600)
    p = alive_probability(process, seen)
    last = histories.order_start[:-1] + seen.orders - 1
    alive = ~histories.order_ends[last]
    for part in np.array_split(np.argsort(p), 12):
        sd = np.sqrt((p[part] * (1 - p[part])).mean() / len(part))
        assert abs(p[part].mean() - alive[part].mean()) <= 4 * sd + 1e-12
