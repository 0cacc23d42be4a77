"""The truth that is kept beside the exports: what an ideal observer of the history expects of each customer.

The best AUC that any model of the exports can reach, up to sampling noise, is that of these numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from featurestore.errors import ConfigurationError
from featurestore.simulation.exports import customer_ids
from featurestore.simulation.posterior import Evidence, evidence, order_probability
from featurestore.simulation.predictive import decline_probability, expected_orders, expected_spend
from featurestore.simulation.process import SECONDS_A_DAY, Histories, simulate_histories
from featurestore.simulation.randomness import Booleans, Floats, Integers
from featurestore.simulation.world import World

CHURN_LOOKBACK = 180
DECLINE_HORIZON = AMOUNT_HORIZON = 90
LEAST_ORDERS_TO_DECLINE = 2
DRAWS = 200

BUYS = {"purchase_30d": 30, "active_90d": 90}
LAPSES = {"churn_60d": 60, "lapse_180d": 180}
AMOUNTS = ("orders_90d", "spend_90d")
HEADS = (*BUYS, *LAPSES, "decline_90d", *AMOUNTS)
DEFAULT_HEADS = ("purchase_30d", "churn_60d", "active_90d", "decline_90d", *AMOUNTS)


@dataclass(frozen=True)
class _Known:
    world: World
    histories: Histories
    seen: Evidence
    day: int


def truth(
    world: World, customers: Integers, *, days: Iterable[int], heads: Iterable[str] = DEFAULT_HEADS
) -> Iterator[pa.RecordBatch]:
    """A batch a day and head with a row for each of `customers` who has an order before the day's midnight.

    Columns: customer_id; as_of_date; head; `probability` (double) of the outcome given the history,
    `expectation` (double) for `AMOUNTS`: orders, currency. Both NULL outside the head's population (a label
    is NULL there, too). Raises ConfigurationError for days outside the simulation and unknown heads.
    """
    asked, named = checked_days(world, days), checked_heads(heads)
    histories = simulate_histories(world.process, customers, days=world.days, seed=world.seed)
    for day in asked:
        known = _Known(world, histories, evidence(world.process, histories, day=day), day)
        for head in named:
            yield _batch(known, head)


def checked_days(world: World, days: Iterable[int]) -> list[int]:
    """`days`, all of which lie within the simulation; raises ConfigurationError otherwise."""
    asked = list(days)
    for day in asked:
        if not 0 < day <= world.days:
            raise ConfigurationError(f"truth day {day} lies outside the simulation; expected 1 to {world.days}.")
    return asked


def checked_heads(heads: Iterable[str]) -> list[str]:
    """`heads`, all of which are known; raises ConfigurationError otherwise, with near names."""
    named = list(heads)
    for head in named:
        if head not in HEADS:
            raise ConfigurationError.unknown_name("head", head, known=HEADS)
    return named


def _batch(known: _Known, head: str) -> pa.RecordBatch:
    rows = np.flatnonzero(known.seen.orders > 0)
    value, population = _value(known, head)
    given = pa.array(value[rows], mask=~population[rows])
    nothing = pa.nulls(len(rows), pa.float64())
    date = np.full(len(rows), known.world.epoch // SECONDS_A_DAY + known.day, dtype=np.int32)
    columns = {
        "customer_id": customer_ids(known.histories.customers[rows]),
        "as_of_date": pa.array(date, type=pa.date32()),
        "head": pa.array(np.full(len(rows), head), type=pa.string()),
        "probability": nothing if head in AMOUNTS else given,
        "expectation": given if head in AMOUNTS else nothing,
    }
    return pa.RecordBatch.from_pydict(columns)


def _value(known: _Known, head: str) -> tuple[Floats, Booleans]:
    """The head's number and its population, one entry a customer."""
    process, seen, day = known.world.process, known.seen, known.day
    has_order = seen.orders > 0
    if head in BUYS:
        return order_probability(process, seen, day=day, horizon=BUYS[head]), has_order
    if head in LAPSES:
        recent, _ = _window(known.histories, day=day, length=CHURN_LOOKBACK)
        return 1 - order_probability(process, seen, day=day, horizon=LAPSES[head]), recent > 0
    if head == "orders_90d":
        return expected_orders(process, seen, day=day, horizon=AMOUNT_HORIZON), has_order
    if head == "spend_90d":
        return expected_spend(process, known.histories, seen, day=day, horizon=AMOUNT_HORIZON), has_order
    return _decline(known)


def _decline(known: _Known) -> tuple[Floats, Booleans]:
    recent, spent = _window(known.histories, day=known.day, length=DECLINE_HORIZON)
    population = (recent >= LEAST_ORDERS_TO_DECLINE) & (spent > 0)
    probability = decline_probability(
        known.world.process,
        known.histories,
        known.seen,
        limit=spent / 2,
        among=population,
        day=known.day,
        horizon=DECLINE_HORIZON,
        draws=DRAWS,
        seed=known.world.seed,
    )
    return probability, population


def _window(histories: Histories, *, day: int, length: int) -> tuple[Integers, Floats]:
    """Orders, and their value in currency, in the `length` days before midnight of `day`."""
    until = day * SECONDS_A_DAY
    second, owner, n = histories.order_second, histories.order_owner, len(histories.customers)
    inside = (second < until) & (second >= until - length * SECONDS_A_DAY)
    cents = np.bincount(owner[inside], weights=histories.order_cents[inside], minlength=n)
    return np.bincount(owner[inside], minlength=n).astype(np.int64), cents / 100
