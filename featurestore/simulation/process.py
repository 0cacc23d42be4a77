"""The lives of simulated customers: MBG/NBD in warped time, with views and tickets that tell on them.

Batislam, Denizel and Filiztekin (2007): orders are Poisson with a rate that is Gamma over customers, and
after any order, the first included, a customer drops out with a probability that is Beta over customers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import special

from featurestore.simulation.randomness import Booleans, Floats, Integers, Purpose, Words, keys, uniforms
from featurestore.simulation.season import Season

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Process:
    """Parameters; the defaults are those under which the figures of the documentation were measured.

    `rate_shape`, `rate_scale_days`: orders a (warped) day ~ Gamma(shape, rate `rate_scale_days`).
    `dropout_a`, `dropout_b`: probability of dropping out after an order ~ Beta(a, b).
    `views_per_order`: views are Poisson at this many times the order rate while the customer is alive.
    `ticket_if_last`, `ticket_otherwise`: probability that a ticket follows an order one second later.
    `value_level`, `value_between`, `value_within`: log value ~ N(m, within^2), m ~ N(level, between^2).
    `birth_share`: births are uniform over this share of the simulated days.
    """

    rate_shape: float = 0.85
    rate_scale_days: float = 45.0
    dropout_a: float = 0.9
    dropout_b: float = 7.0
    views_per_order: float = 2.0
    ticket_if_last: float = 0.40
    ticket_otherwise: float = 0.08
    value_level: float = 5.5
    value_between: float = 0.8
    value_within: float = 0.7
    birth_share: float = 8 / 11
    season: Season = field(default_factory=Season)


@dataclass(frozen=True)
class Traits:
    """What no export shows, one entry a customer: order rate, dropout probability, level of log value."""

    rate: Floats
    dropout: Floats
    level: Floats


@dataclass(frozen=True)
class Histories:
    """All that a block of customers did, in seconds since the start of day 0, by customer and time.

    `customers` (n): indices, any subset of 0, 1, 2, ... Orders of customer i are positions
    `order_start[i]` to `order_start[i + 1]` of `order_*`; views likewise. `owner` is a position in
    `customers`.
    """

    customers: Integers
    days: int
    traits: Traits
    order_start: Integers
    order_owner: Integers
    order_second: Integers
    order_cents: Integers
    order_ends: Booleans
    order_ticket: Booleans
    view_start: Integers
    view_owner: Integers
    view_second: Integers

    @property
    def order_number(self) -> Integers:
        """0 for a customer's first order, 1 for the next."""
        return np.arange(len(self.order_owner)) - self.order_start[self.order_owner]

    @property
    def view_number(self) -> Integers:
        """0 for a customer's first view, 1 for the next."""
        return np.arange(len(self.view_owner)) - self.view_start[self.view_owner]


def simulate_histories(process: Process, customers: Integers, *, days: int, seed: int) -> Histories:
    """The histories of `customers` over `days` days; each depends on its own index and the seed only.

    >>> whole = simulate_histories(Process(), np.arange(50), days=400, seed=3)
    >>> alone = simulate_histories(Process(), np.array([17]), days=400, seed=3)
    >>> bool((whole.order_second[whole.order_owner == 17] == alone.order_second).all())
    True
    """
    traits = draw_traits(process, customers, seed=seed)
    owner, moment, is_order, ends = _walk(process, traits, customers, days=days, seed=seed)
    second = np.floor(process.season.days(moment, until=days) * SECONDS_A_DAY).astype(np.int64)
    second = np.minimum(second, days * SECONDS_A_DAY - 1)
    orders, views = owner[is_order], owner[~is_order]
    start = _starts(orders, len(customers))
    number = np.arange(len(orders)) - start[orders]
    return Histories(
        customers=customers,
        days=days,
        traits=traits,
        order_start=start,
        order_owner=orders,
        order_second=second[is_order],
        order_cents=_cents(process, traits, customers, owner=orders, number=number, seed=seed),
        order_ends=ends[is_order],
        order_ticket=_tickets(process, customers, owner=orders, number=number, ends=ends[is_order], seed=seed),
        view_start=_starts(views, len(customers)),
        view_owner=views,
        view_second=second[~is_order],
    )


def draw_traits(process: Process, customers: Integers, *, seed: int) -> Traits:
    """The latent traits of customers, by inversion of one uniform number each."""
    rate, dropout, level = (
        uniforms(keys(seed, purpose, customers))
        for purpose in (Purpose.RATE, Purpose.DROPOUT_PROBABILITY, Purpose.VALUE_LEVEL)
    )
    return Traits(
        rate=special.gammaincinv(process.rate_shape, rate) / process.rate_scale_days,
        dropout=special.betaincinv(process.dropout_a, process.dropout_b, dropout),
        level=process.value_level + process.value_between * special.ndtri(level),
    )


def _walk(
    process: Process, traits: Traits, customers: Integers, *, days: int, seed: int
) -> tuple[Integers, Floats, Booleans, Booleans]:
    """Owner, warped moment, is it an order, did the customer drop out after it: ordered by owner and moment.

    Orders and views together are one Poisson process whose points are marked, so one event a round and
    customer.
    """
    gaps, marks, dropouts = (keys(seed, p, customers) for p in (Purpose.GAP, Purpose.MARK, Purpose.DROPOUT))
    birth_day = uniforms(keys(seed, Purpose.BIRTH, customers)) * process.birth_share * days
    end = float(process.season.warped(days))
    owner = np.arange(len(customers))
    moment = process.season.warped(birth_day)
    is_order = np.ones(len(customers), dtype=np.bool_)
    rounds = []
    counter = 0
    while len(owner):
        ends = is_order & (uniforms(dropouts[owner], counter) < traits.dropout[owner])
        rounds.append((owner, moment, is_order, ends))
        counter += 1
        owner, moment = owner[~ends], moment[~ends]
        pace = traits.rate[owner] * (1 + process.views_per_order)
        moment = moment - np.log(uniforms(gaps[owner], counter)) / pace
        owner, moment = owner[moment < end], moment[moment < end]
        is_order = uniforms(marks[owner], counter) * (1 + process.views_per_order) < 1
    return _by_owner(rounds)


def _by_owner(
    rounds: list[tuple[Integers, Floats, Booleans, Booleans]],
) -> tuple[Integers, Floats, Booleans, Booleans]:
    if not rounds:
        return np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_), np.empty(0, np.bool_)
    owner, moment, is_order, ends = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    order = np.argsort(owner, kind="stable")
    return owner[order], moment[order], is_order[order], ends[order]


def _starts(owner: Integers, customers: int) -> Integers:
    return np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=customers))]).astype(np.int64)


def _event_uniforms(seed: int, purpose: Purpose, customers: Integers, *, owner: Integers, number: Integers) -> Floats:
    customer_keys: Words = keys(seed, purpose, customers)
    return uniforms(customer_keys[owner], number)


def _cents(
    process: Process, traits: Traits, customers: Integers, *, owner: Integers, number: Integers, seed: int
) -> Integers:
    u = _event_uniforms(seed, Purpose.VALUE, customers, owner=owner, number=number)
    value = np.exp(traits.level[owner] + process.value_within * special.ndtri(u))
    cents: Integers = np.maximum(np.rint(value * 100), 1).astype(np.int64)
    return cents


def _tickets(
    process: Process, customers: Integers, *, owner: Integers, number: Integers, ends: Booleans, seed: int
) -> Booleans:
    u = _event_uniforms(seed, Purpose.TICKET, customers, owner=owner, number=number)
    return np.less(u, np.where(ends, process.ticket_if_last, process.ticket_otherwise))
