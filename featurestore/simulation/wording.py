"""Numbers and instants as text, column by column: what a shop's export prints."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from featurestore.simulation.process import SECONDS_A_DAY
from featurestore.simulation.randomness import Booleans, Integers
from featurestore.simulation.world import World

CLOCK_STEP = 1_800
FAULTY_TIMES = pa.array(["", "not recorded", "31.02.2023 9h", "2023-02-30 25:61:00"])


def text(values: Integers, *, known: Booleans | None = None) -> pa.Array:
    """Whole numbers as text, NULL where not `known`."""
    return pa.array(values, mask=None if known is None else ~known).cast(pa.string())


def padded(values: Integers, width: int) -> pa.Array:
    """Whole numbers as text with leading zeros.

    >>> padded(np.array([7]), 3).to_pylist()
    ['007']
    """
    return pc.utf8_lpad(text(values), width, "0")


def joined(*parts: pa.Array | str) -> pa.Array:
    """The parts of each row, one after the other.

    >>> joined("P", padded(np.array([7]), 3)).to_pylist()
    ['P007']
    """
    return pc.binary_join_element_wise(*parts, "")


def price(cents: Integers) -> pa.Array:
    """Cents that are not negative, as units with two decimals.

    >>> price(np.array([1205])).to_pylist()
    ['12.05']
    """
    return joined(text(cents // 100), ".", padded(cents % 100, 2))


def dates(days: Integers) -> pa.Array:
    """Days since 1970 as ISO dates."""
    return pa.array(days.astype(np.int32), type=pa.date32()).cast(pa.string())


def local_times(world: World, second: Integers, fault: Integers) -> pa.Array:
    """Instants on the shop's clock, `yyyy-MM-dd HH:mm:ss`; the text of a fault where `fault` is not 0.

    >>> world, noon = World(customers=1, days=200, seed=0), np.array([180 * 86_400 + 43_200])
    >>> local_times(world, noon, np.array([0])).to_pylist()
    ['2022-06-30 13:00:00']
    """
    return _unless_faulty(_shown(world.epoch + local_seconds(world, second)), fault)


def utc_times(world: World, second: Integers, fault: Integers) -> pa.Array:
    """Instants in ISO 8601 with Z; the text of a fault where `fault` is not 0."""
    shown = pc.replace_substring(_shown(world.epoch + second), " ", "T")
    return _unless_faulty(joined(shown, "Z"), fault)


def local_seconds(world: World, second: Integers) -> Integers:
    """Seconds from midnight UTC of day 0 to what the shop's clock shows, as if the clock were UTC."""
    return second + _offsets(world.epoch, world.days, world.time_zone)[second // CLOCK_STEP]


@lru_cache(maxsize=8)
def _offsets(epoch: int, days: int, zone: str) -> Integers:
    # Clocks change at full or half hours UTC; looking each event up in the zone costs ten times as much.
    instants = epoch + np.arange(0, days * SECONDS_A_DAY + CLOCK_STEP, CLOCK_STEP)
    shown = pc.local_timestamp(pa.array(instants, type=pa.timestamp("s", tz=zone)))
    return np.asarray(shown.cast(pa.int64())) - instants


def _shown(seconds: Integers) -> pa.Array:
    return pa.array(seconds, type=pa.timestamp("s")).cast(pa.string())


def _unless_faulty(written: pa.Array, fault: Integers) -> pa.Array:
    return pc.if_else(pa.array(fault > 0), FAULTY_TIMES.take(pa.array(fault)), written)
