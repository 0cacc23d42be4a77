"""The place of a value in a population, by stored cut points: one value and arrays alike.

`population.place` says the same on columns. Equal values always get equal places.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt

from featurestore.definitions import PERCENTILES
from featurestore.errors import ConfigurationError


def placed(value: float | None, cutpoints: Sequence[float] | None, *, low_is_good: bool = False) -> int | None:
    """1 + number of cut points below the value, or above it where low is good; None without value or cut points.

    `cutpoints` ascend, as `population_<view>` stores them.

    >>> [placed(value, [10.0, 20.0, 20.0, 40.0]) for value in (10, 15, 20, 21, None)]
    [1, 2, 2, 4, None]
    >>> placed(15, [10.0, 20.0, 20.0, 40.0], low_is_good=True)
    4
    """
    if value is None or cutpoints is None:
        return None
    return 1 + (len(cutpoints) - bisect_right(cutpoints, value) if low_is_good else bisect_left(cutpoints, value))


def placed_all(
    values: npt.NDArray[np.float64], cutpoints: Sequence[float], *, low_is_good: bool = False
) -> npt.NDArray[np.int64]:
    """`placed` for values (n,), none of them NaN: int64 (n,).

    >>> placed_all(np.array([10.0, 15.0, 21.0]), [10.0, 20.0, 20.0, 40.0]).tolist()
    [1, 2, 4]
    """
    cuts = np.asarray(cutpoints, np.float64)
    if low_is_good:
        return 1 + len(cuts) - np.searchsorted(cuts, values, side="right")
    return 1 + np.searchsorted(cuts, values, side="left")


def coarser(percentiles: Sequence[float], parts: int) -> list[float]:
    """The cut points of `parts` among those of hundredths: discrete quantiles at the same shares are the same values.

    >>> coarser([float(k) for k in range(1, 100)], 5)
    [20.0, 40.0, 60.0, 80.0]
    """
    if parts < 1 or PERCENTILES % parts:
        raise ConfigurationError(f"cut points are hundredths: {parts} parts do not divide {PERCENTILES}.")
    step = PERCENTILES // parts
    return list(percentiles[step - 1 :: step])


def newest_population(dates: Iterable[date], as_of: datetime) -> date | None:
    """The newest of the population dates whose midnight UTC is at or before `as_of`; None before the first.

    >>> days = [date(2024, 1, 1), date(2024, 2, 1)]
    >>> newest_population(days, datetime.fromisoformat("2024-01-31T23:59+00:00"))
    datetime.date(2024, 1, 1)
    """
    if as_of.tzinfo is None:
        raise ConfigurationError(f"an instant has a time zone; {as_of} has none.")
    day = as_of.astimezone(UTC).date()
    return max((one for one in dates if one <= day), default=None)
