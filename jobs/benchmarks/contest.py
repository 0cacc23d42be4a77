"""A contest: contenders that must agree before their times mean anything."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from featurestore.errors import DataContractError

Result = Sequence[float]


@dataclass(frozen=True)
class Figure:
    """One number that was measured: `name`, its value, its unit."""

    name: str
    value: float
    unit: str

    def __str__(self) -> str:
        return f"FIGURE {self.name} {self.value:.6g} {self.unit}"


def contest(contenders: Mapping[str, Callable[[], Result]], *, repeats: int = 3) -> tuple[Result, list[Figure]]:
    """The result that all contenders agree on, the median seconds of each, and its ratio to the first's.

    Every contender runs once to warm up and to be compared (to 12 digits), then `repeats` times.
    Raises DataContractError where two disagree.

    >>> result, figures = contest({"a": lambda: [1.0], "b": lambda: [1.0]}, repeats=1)
    >>> result, [figure.name for figure in figures]
    ([1.0], ['a_seconds', 'b_seconds', 'b_times_a'])
    """
    results = {name: contender() for name, contender in contenders.items()}
    first, *others = results
    for name in others:
        if not agree(results[first], results[name]):
            raise DataContractError(f"{name} finds {list(results[name])}, {first} finds {list(results[first])}.")
    seconds = {name: _median_seconds(contender, repeats) for name, contender in contenders.items()}
    figures = [Figure(f"{name}_seconds", value, "s") for name, value in seconds.items()]
    figures += [Figure(f"{name}_times_{first}", seconds[name] / seconds[first], "x") for name in others]
    return results[first], figures


def agree(one: Result, other: Result) -> bool:
    """Whether two results are equal to 12 digits.

    >>> agree([1.0], [1.0 + 1e-15]), agree([1.0], [1.1]), agree([1.0], [])
    (True, False, False)
    """
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12) for a, b in zip(one, other, strict=True)
    )


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds that `work` takes, run once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _median_seconds(contender: Callable[[], Result], repeats: int) -> float:
    return statistics.median(seconds_of(contender) for _ in range(repeats))
