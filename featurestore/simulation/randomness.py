"""Counter-based random numbers: functions of (seed, customer, purpose, counter), however work is split."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Purpose(IntEnum):
    """What a number is drawn for; two purposes never share numbers. The values are part of the simulation."""

    RATE = 1
    DROPOUT_PROBABILITY = 2
    VALUE_LEVEL = 3
    BIRTH = 4
    GAP = 5
    MARK = 6
    DROPOUT = 7
    VALUE = 8
    TICKET = 9
    LINES = 10
    SHARE = 11
    SKU = 12
    QUANTITY = 13
    INTERACTION = 14
    PAGE = 15
    DEVICE = 16
    RESOLUTION = 17
    SATISFACTION = 18
    ESCALATION = 19
    PROFILE_GAP = 20
    PROFILE_MARK = 21
    REGION = 22
    INCOME = 23
    BIRTH_YEAR = 24
    CUSTOMER_TYPE = 25
    FAULT = 26
    LATENESS = 27
    FUTURE_VALUE_LEVEL = 28
    FUTURE_GAP = 29
    FUTURE_DROPOUT = 30
    FUTURE_VALUE = 31
    DIRT = 64


def _mix(words: Words) -> Words:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def keys(seed: int, purpose: int, customers: Integers, *, salt: int = 0) -> Words:
    """One 64-bit key a customer for one purpose; `salt` separates uses of a purpose, such as days.

    >>> first, second = (keys(7, Purpose.GAP, np.array(block)) for block in ([0, 1, 2], [2]))
    >>> bool(first[2] == second[0])
    True
    """
    start = np.array([seed & _MASK], dtype=np.uint64)
    for part in (purpose, salt):
        start = _mix(start + np.array([(part + 1) * _GOLDEN & _MASK], dtype=np.uint64))
    return _mix(start + (customers.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN))


def uniforms(customer_keys: Words, counter: Integers | int = 0) -> Floats:
    """Uniform numbers strictly between 0 and 1 with 53 random bits, one for each pair of key and counter.

    >>> u = uniforms(keys(1, Purpose.GAP, np.arange(100_000)))
    >>> bool(abs(u.mean() - .5) < .004), bool(u.min() > 0), bool(u.max() < 1)
    (True, True, True)
    """
    counters = np.atleast_1d(np.asarray(counter, dtype=np.int64)).astype(np.uint64)
    words = _mix(customer_keys + (counters + np.uint64(1)) * np.uint64(_GOLDEN))
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def choose(u: Floats, weights: tuple[float, ...]) -> Integers:
    """Positions drawn with the given weights from uniform numbers.

    >>> choose(np.array([.1, .5, .95]), (.4, .5, .1)).tolist()
    [0, 1, 2]
    """
    edges = np.cumsum(weights) / sum(weights)
    return np.minimum(np.searchsorted(edges, u, side="right"), len(weights) - 1).astype(np.int64)
