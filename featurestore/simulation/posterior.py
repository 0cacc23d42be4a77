"""What an ideal observer, who knows the process but not the customer, makes of a history: closed forms.

Every probability is conditional on the exported events before an instant. The latent state itself would
separate outcomes better, but no history shows who is still alive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featurestore.simulation.process import SECONDS_A_DAY, Histories, Process
from featurestore.simulation.randomness import Booleans, Floats, Integers


@dataclass(frozen=True)
class Evidence:
    """Sufficient statistics of histories up to an instant, one entry a customer of `Histories.customers`.

    `orders`, `views`: counts before the instant. `span`, `last_span`: warped days from the first order
    to the instant, and to the last order. `ticket_odds`: likelihood ratio (dropped out : alive) of what
    followed the last order. `viewed_since`: a view follows the last order. Entries with `orders` 0 mean
    nothing.
    """

    orders: Integers
    views: Integers
    span: Floats
    last_span: Floats
    ticket_odds: Floats
    viewed_since: Booleans


def evidence(process: Process, histories: Histories, *, day: int) -> Evidence:
    """The evidence that the events before midnight of `day` give, times as exported (whole seconds)."""
    instant = day * SECONDS_A_DAY
    orders = _before(histories.order_owner, histories.order_second, instant, histories)
    views = _before(histories.view_owner, histories.view_second, instant, histories)
    first = _at(histories.order_second, histories.order_start[:-1], orders)
    last_order = histories.order_start[:-1] + orders - 1
    last = _at(histories.order_second, last_order, orders)
    last_view = _at(histories.view_second, histories.view_start[:-1] + views - 1, views)
    ticket = _at(histories.order_ticket, last_order, orders).astype(np.bool_)
    birth = process.season.warped(first / SECONDS_A_DAY)
    return Evidence(
        orders=orders,
        views=views,
        span=process.season.warped(float(day)) - birth,
        last_span=process.season.warped(last / SECONDS_A_DAY) - birth,
        ticket_odds=_ticket_odds(process, ticket, known=last + 1 < instant),
        viewed_since=(views > 0) & (last_view > last),
    )


def alive_probability(process: Process, seen: Evidence) -> Floats:
    """P(the customer has not dropped out | evidence): 1 after a later view, else 1 / (1 + odds).

    odds = a / (b + x) * ((alpha + c T) / (alpha + c t_x))^(r + x + v) * ticket odds, with x repeat
    orders, v views and c = 1 + views per order: a silence is one of orders and views alike.

    >>> one = Evidence(*(np.array([v]) for v in (1, 0, 100., 0., .40 / .08, False)))
    >>> round(float(alive_probability(Process(), one)[0]), 4)
    0.2159
    """
    pace, repeats = 1 + process.views_per_order, np.maximum(seen.orders - 1, 0)
    silence = (process.rate_scale_days + pace * seen.span) / (process.rate_scale_days + pace * seen.last_span)
    odds = process.dropout_a / (process.dropout_b + repeats) * silence ** rate_shape(process, seen)
    return np.where(seen.viewed_since, 1.0, 1 / (1 + odds * seen.ticket_odds))


def order_probability(process: Process, seen: Evidence, *, day: int, horizon: int) -> Floats:
    """P(at least one order in the `horizon` days from `day` | evidence)."""
    ahead = warped_ahead(process, day=day, horizon=horizon)
    scale = rate_scale(process, seen)
    none_if_alive = (scale / (scale + ahead)) ** rate_shape(process, seen)
    return alive_probability(process, seen) * (1 - none_if_alive)


def rate_shape(process: Process, seen: Evidence) -> Floats:
    """Shape r + x + v of the Gamma posterior of the order rate."""
    return process.rate_shape + np.maximum(seen.orders - 1, 0) + seen.views


def rate_scale(process: Process, seen: Evidence) -> Floats:
    """Rate parameter alpha + c T of the Gamma posterior of the order rate of a customer who is alive."""
    return process.rate_scale_days + (1 + process.views_per_order) * seen.span


def warped_ahead(process: Process, *, day: int, horizon: int) -> float:
    """Length in warped days of the `horizon` days from `day`."""
    return float(process.season.warped(float(day + horizon)) - process.season.warped(float(day)))


def _before(owner: Integers, second: Integers, instant: int, histories: Histories) -> Integers:
    return np.bincount(owner[second < instant], minlength=len(histories.customers)).astype(np.int64)


def _at(values: Integers | Booleans, position: Integers, count: Integers) -> Integers:
    """Values at positions; 0 where the count that led to the position is 0."""
    found = np.zeros(len(position), dtype=np.int64)
    found[count > 0] = values[position[count > 0]]
    return found


def _ticket_odds(process: Process, ticket: Booleans, *, known: Booleans) -> Floats:
    # A ticket opens one second after its order: for an order in the very last second nobody knows yet.
    last, other = process.ticket_if_last, process.ticket_otherwise
    return np.where(known, np.where(ticket, last / other, (1 - last) / (1 - other)), 1.0)
