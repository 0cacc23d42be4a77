"""Rows that real exports have too many of: added at stated rates; orders and net spend stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np

from featurestore.simulation.process import SECONDS_A_DAY, Histories
from featurestore.simulation.randomness import Integers, Purpose, keys, uniforms
from featurestore.simulation.rows import Rows
from featurestore.simulation.world import Dirt, World

LATE_DAYS = (35, 90)
FAULTS = 3
SOURCES = ("orders", "interactions", "support", "profiles")


class Kind(IntEnum):
    """What a row is: clean, or one of the kinds of dirt, named as the rates of `Dirt` are."""

    CLEAN = 0
    MISSING_CUSTOMER = 1
    DUPLICATE = 2
    UNPARSABLE_TIME = 3
    CANCELLATION = 4
    NEGATIVE_AMOUNT = 5
    FREE_GIFT = 6
    LATE = 7


EVERYWHERE = (Kind.MISSING_CUSTOMER, Kind.DUPLICATE, Kind.UNPARSABLE_TIME)
ORDERS_ONLY = (Kind.CANCELLATION, Kind.NEGATIVE_AMOUNT, Kind.FREE_GIFT, Kind.LATE)


def soiled(rows: Rows, histories: Histories, world: World, *, source: str) -> Rows:
    """`rows` and the dirt among them, customer by customer, with four columns more.

    `kind`; `cancels` (1 on a cancelling line); `delay` (days that the row is exported late); `fault`
    (0, or which text stands where a time should be).
    """
    zeros = np.zeros(len(rows["owner"]), dtype=np.int64)
    clean = {**rows, "kind": zeros, "cancels": zeros, "delay": zeros, "fault": zeros}
    kinds = EVERYWHERE + (ORDERS_ONLY if source == "orders" else ())
    parts = [clean]
    for kind in kinds:
        parts += _ADDED.get(kind, _copied)(_hit(clean, histories, world, kind=kind, source=source), kind)
    stacked = {name: np.concatenate([part[name] for part in parts]) for name in clean}
    order = np.argsort(stacked["owner"], kind="stable")
    return {name: values[order] for name, values in stacked.items()}


def count_by_kind(rows: Rows) -> Integers:
    """Rows of each kind, in the order of `Kind`."""
    return np.bincount(rows["kind"], minlength=len(Kind))


def _hit(clean: Rows, histories: Histories, world: World, *, kind: Kind, source: str) -> Rows:
    """Copies of the clean rows on which this kind of dirt grows, with the `fault` and `delay` it needs."""
    purpose = Purpose.DIRT + SOURCES.index(source) * len(Kind) + kind
    # An order's lines are at most 4; other rows have no line.
    counter = clean["number"] * 8 + clean.get("line", np.zeros_like(clean["number"]))
    drawn = uniforms(keys(world.seed, purpose, histories.customers)[clean["owner"]], counter)
    rate = _rate(world.dirt, kind)
    hit = drawn < rate
    if kind is Kind.LATE:
        # The last export of all is that of the last day: nothing is later than it.
        hit &= clean["second"] < (world.days - LATE_DAYS[1] - 1) * SECONDS_A_DAY
    rows = {name: values[hit] for name, values in clean.items()}
    rest = drawn[hit] / rate if rate else drawn[hit]
    if kind is Kind.UNPARSABLE_TIME:
        rows["fault"] = 1 + (rest * FAULTS).astype(np.int64)
    if kind is Kind.LATE:
        rows["delay"] = LATE_DAYS[0] + (rest * (LATE_DAYS[1] - LATE_DAYS[0])).astype(np.int64)
    return rows


def _rate(dirt: Dirt, kind: Kind) -> float:
    return float(getattr(dirt, kind.name.lower()))


def _marked(rows: Rows, kind: Kind, **changes: Integers) -> Rows:
    return {**rows, "kind": np.full(len(rows["owner"]), kind, dtype=np.int64), **changes}


def _copied(rows: Rows, kind: Kind) -> list[Rows]:
    return [_marked(rows, kind)]


def _paired(rows: Rows, kind: Kind) -> list[Rows]:
    cancelling = {"pieces": -rows["pieces"], "cancels": np.ones_like(rows["owner"])}
    return [_marked(rows, kind), _marked(rows, kind, **cancelling)]


def _negative(rows: Rows, kind: Kind) -> list[Rows]:
    return [_marked(rows, kind, pieces=-rows["pieces"])]


def _gift(rows: Rows, kind: Kind) -> list[Rows]:
    return [_marked(rows, kind, cents=np.zeros_like(rows["cents"]), pieces=np.ones_like(rows["pieces"]))]


_ADDED: dict[Kind, Callable[[Rows, Kind], list[Rows]]] = {
    Kind.CANCELLATION: _paired,
    Kind.LATE: _paired,
    Kind.NEGATIVE_AMOUNT: _negative,
    Kind.FREE_GIFT: _gift,
}
