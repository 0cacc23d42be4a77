"""The clean rows of each export, as columns of numbers: what happened, before anyone writes it down.

All columns of a source have one entry a row. `owner` is a position in `Histories.customers`, `number` the
rank of the row's order, view or change among its customer's, `second` counts from the start of day 0.
Nothing here tells more of a customer's rate or dropout than the history itself does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special

from featurestore.simulation.process import SECONDS_A_DAY, Histories
from featurestore.simulation.randomness import Floats, Integers, Purpose, choose, keys, uniforms

Rows = dict[str, npt.NDArray[np.int64]]

PRODUCTS = 500
LINES = (0.4, 0.3, 0.2, 0.1)
PIECES = np.array([1, 2, 3, 6, 12])
ONE_LINE_BELOW_CENTS = 1_000
INTERACTION_TYPES = (0.5, 0.4, 0.1)
DEVICES = (0.5, 0.4, 0.1)
SESSION_GAP_SECONDS = 1_800
RESOLUTION_HOURS, RESOLUTION_SPREAD = 20.0, 0.9
SATISFACTION = (0.10, 0.10, 0.20, 0.35, 0.25)
ESCALATED = 0.1
DAYS_BETWEEN_CHANGES = 600.0
REGIONS = (0.27, 0.16, 0.11, 0.10, 0.09, 0.08, 0.07, 0.06, 0.04, 0.02)
CUSTOMER_TYPES = (0.75, 0.2, 0.05)
UNCHANGED = -1


def order_rows(histories: Histories, *, seed: int) -> Rows:
    """One row an order line: `number`, `line` from 1, `sku`, `pieces`, `cents` (price of one), `second`.

    Pieces times price sum to the order's value.
    """
    u = _drawer(histories, seed)
    owner, number, value = histories.order_owner, histories.order_number, histories.order_cents
    count = choose(u(Purpose.LINES, owner, number), LINES) + 1
    count[value < ONE_LINE_BELOW_CENTS] = 1
    order = np.repeat(np.arange(len(owner)), count)
    position = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    counter = number[order] * len(LINES) + position
    weight = 0.2 + u(Purpose.SHARE, owner[order], counter)
    share = weight / np.bincount(order, weights=weight, minlength=len(owner))[order]
    pieces = PIECES[choose(u(Purpose.QUANTITY, owner[order], counter), (0.4, 0.25, 0.15, 0.1, 0.1))]
    is_last = position == count[order] - 1
    cents = np.floor(share * value[order] / pieces).astype(np.int64)
    # The last line takes what the others leave, in several pieces only where that divides.
    taken = np.bincount(order, weights=np.where(is_last, 0, cents * pieces), minlength=len(owner))
    rest = (value - taken.astype(np.int64))[order]
    pieces = np.where(is_last & (rest % pieces != 0), 1, pieces)
    return {
        "owner": owner[order],
        "number": number[order],
        "line": position + 1,
        "sku": _popular(u(Purpose.SKU, owner[order], counter)),
        "pieces": pieces,
        "cents": np.where(is_last, rest // pieces, cents),
        "second": histories.order_second[order],
    }


def interaction_rows(histories: Histories, *, seed: int) -> Rows:
    """One row a view: `type` (position in INTERACTION_TYPES), `sku`, `device`, `session`, `second`."""
    u = _drawer(histories, seed)
    owner, number, second = histories.view_owner, histories.view_number, histories.view_second
    gap = np.diff(second, prepend=0)
    starts = (number == 0) | (gap > SESSION_GAP_SECONDS)
    since = np.maximum.accumulate(np.where(starts, np.arange(len(owner)), 0)) if len(owner) else number
    own_device = choose(uniforms(keys(seed, Purpose.DEVICE, histories.customers)), DEVICES)
    other = u(Purpose.DEVICE, owner, number + 1)
    return {
        "owner": owner,
        "number": number,
        "type": choose(u(Purpose.INTERACTION, owner, number), INTERACTION_TYPES),
        "sku": _popular(u(Purpose.PAGE, owner, number)),
        "device": np.where(other < 0.8, own_device[owner], choose((other - 0.8) / 0.2, DEVICES)),
        "session": number[since],
        "second": second,
    }


def ticket_rows(histories: Histories, *, seed: int) -> Rows:
    """One row a ticket: `second` (one after its order), `resolved` (maybe after the last day), its outcome.

    Satisfaction, escalation and time to resolve do not depend on whether the customer left.
    """
    u = _drawer(histories, seed)
    opened = histories.order_second + 1
    chosen = histories.order_ticket & (opened < histories.days * SECONDS_A_DAY)
    owner, number, opened = histories.order_owner[chosen], histories.order_number[chosen], opened[chosen]
    noise = special.ndtri(u(Purpose.RESOLUTION, owner, number))
    taken = RESOLUTION_HOURS * 3_600 * np.exp(RESOLUTION_SPREAD * noise)
    return {
        "owner": owner,
        "number": number,
        "second": opened,
        "resolved": opened + np.ceil(taken).astype(np.int64),
        "satisfaction": choose(u(Purpose.SATISFACTION, owner, number), SATISFACTION) + 1,
        "escalated": (u(Purpose.ESCALATION, owner, number) < ESCALATED).astype(np.int64),
    }


def profile_rows(histories: Histories, *, seed: int) -> Rows:
    """One row a customer at the first order, and one a change of `region` or `income` (pounds a year).

    What a change leaves as it was is UNCHANGED. Changes go on after a customer has left: they tell nothing.
    """
    u = _drawer(histories, seed)
    owner, number, second = _changes(histories, seed)
    is_first = number == 0
    moves = u(Purpose.PROFILE_MARK, owner, number) < 0.5
    thousands = np.exp(3.4 + 0.5 * special.ndtri(u(Purpose.INCOME, owner, number)))
    income = 1_000 * np.rint(thousands).astype(np.int64)
    once = {
        "birth_year": 1940 + (u(Purpose.BIRTH_YEAR, owner, number) * 65).astype(np.int64),
        "customer_type": choose(u(Purpose.CUSTOMER_TYPE, owner, number), CUSTOMER_TYPES),
    }
    return {
        "owner": owner,
        "number": number,
        "second": second,
        "region": np.where(is_first | moves, choose(u(Purpose.REGION, owner, number), REGIONS), UNCHANGED),
        "income": np.where(is_first | ~moves, income, UNCHANGED),
        **{name: np.where(is_first, values, UNCHANGED) for name, values in once.items()},
    }


def _changes(histories: Histories, seed: int) -> tuple[Integers, Integers, Integers]:
    gap_keys = keys(seed, Purpose.PROFILE_GAP, histories.customers)
    owner = np.arange(len(histories.customers))
    second = histories.order_second[histories.order_start[:-1]]
    rounds = [(owner, np.zeros_like(owner), second)]
    while len(owner):
        number = rounds[-1][1][0] + 1
        gap = -np.log(uniforms(gap_keys[owner], number)) * DAYS_BETWEEN_CHANGES * SECONDS_A_DAY
        second = second + np.ceil(gap).astype(np.int64)
        inside = second < histories.days * SECONDS_A_DAY
        owner, second = owner[inside], second[inside]
        rounds.append((owner, np.full_like(owner, number), second))
    owner, numbers, second = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    order = np.argsort(owner, kind="stable")
    return owner[order], numbers[order], second[order]


def _drawer(histories: Histories, seed: int) -> Callable[[Purpose, Integers, Integers], Floats]:
    def draw(purpose: Purpose, owner: Integers, counter: Integers) -> Floats:
        return uniforms(keys(seed, purpose, histories.customers)[owner], counter)

    return draw


def _popular(u: Floats) -> Integers:
    """Products of which the first are bought most: the share of the first n is sqrt(n / PRODUCTS)."""
    return (PRODUCTS * u * u).astype(np.int64)
