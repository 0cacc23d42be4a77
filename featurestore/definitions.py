"""Frozen definitions: what a feature is, apart from where it is computed.

A feature is an aggregate of a measure over the events in a window that satisfy a condition. These
classes say that and nothing else; the sweep computes them, the catalogue describes them, and the
fingerprint identifies their meaning.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import pyarrow as pa

from featurestore.errors import ConfigurationError

ENGINE = 1
"""Raised when the same definition starts to give other values, so that old tables are not mixed with new."""

AS_OF_DATE = "as_of_date"
"""The key column of a snapshot that derived features may read."""

YEAR_OF_WEEKS = 364
"""Days to the same weekday last year."""


class Aggregate(StrEnum):
    """How the events in a window become one value; the empty window gives `empty`."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    STD = "std"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    MODE = "mode"
    MODE_SHARE = "mode_share"
    QUANTILE_APPROX = "quantile_approx"
    DISTINCT = "distinct"
    DISTINCT_APPROX = "distinct_approx"
    ACTIVE_DAYS = "active_days"
    ACTIVE_MONTHS = "active_months"
    DAYS_SINCE_LAST = "days_since_last"
    DAYS_SINCE_FIRST = "days_since_first"
    GAP_MEAN = "gap_mean"
    GAP_STD = "gap_std"
    GAP_MAX = "gap_max"
    STREAK_LONGEST = "streak_longest"
    STREAK_LAST = "streak_last"
    SPAN_SUM = "span_sum"
    SPAN_MEAN = "span_mean"

    @property
    def empty(self) -> int | None:
        """The fold of no events: counts and sums are 0, everything else is NULL."""
        return 0 if self in COUNTS else None


COUNTS = {Aggregate.COUNT, Aggregate.SUM, Aggregate.DISTINCT, Aggregate.DISTINCT_APPROX, Aggregate.ACTIVE_DAYS,
          Aggregate.ACTIVE_MONTHS, Aggregate.STREAK_LONGEST, Aggregate.STREAK_LAST, Aggregate.SPAN_SUM}  # fmt: skip
GROUPED = {Aggregate.MIN, Aggregate.MAX, Aggregate.MEAN, Aggregate.STD}
"""Aggregates that may fold the sums of groups of events instead of events, see `Feature.per`."""
APPROXIMATE = {Aggregate.QUANTILE_APPROX, Aggregate.DISTINCT_APPROX}
AT_LEAST = {Aggregate.STD: "two events qualify", Aggregate.GAP_MEAN: "two active days in the window",
            Aggregate.GAP_MAX: "two active days in the window",
            Aggregate.GAP_STD: "three active days in the window",
            Aggregate.SPAN_MEAN: "two events of one key in the window"}  # fmt: skip


@dataclass(frozen=True)
class Window:
    """`[t - offset - days, t - offset)` in days of 24 hours; `days=None` is the whole past.

    >>> Window(30).name, Window(None).name, Window(30, offset_days=364).name, Window(30, offset_days=30).name
    ('30d', 'lifetime', '30d_last_year', '30d_back_30d')
    """

    days: int | None
    offset_days: int = 0

    def __post_init__(self) -> None:
        if self.days is not None and self.days <= 0:
            raise ConfigurationError(f"a window has at least 1 day, not {self.days}.")
        if self.days is None and self.offset_days:
            raise ConfigurationError("a lifetime window has no offset.")

    @property
    def name(self) -> str:
        if self.days is None:
            return "lifetime"
        if not self.offset_days:
            return f"{self.days}d"
        if self.offset_days == YEAR_OF_WEEKS:
            return f"{self.days}d_last_year"
        if self.offset_days == -self.days:
            return f"next_{self.days}d"
        return f"{self.days}d_back_{self.offset_days}d"


LIFETIME = Window(None)


@dataclass(frozen=True)
class Condition:
    """A comparison of one column with a constant; NULL never satisfies it. Text is equal or not, never less.

    >>> str(Condition("amount", ">", 0)), str(Condition("device", "=", "app"))
    ('amount > 0', "device = 'app'")
    """

    column: str
    operator: str
    value: int | bool | str

    def __post_init__(self) -> None:
        known = ("=", "<>") if isinstance(self.value, str) else OPERATORS
        if self.operator not in known:
            raise ConfigurationError.unknown_name("operator", self.operator, known=known)

    def __str__(self) -> str:
        return f"{self.column} {self.operator} {quoted(self.value)}"

    def holds(self, values: Any) -> Any:
        """The comparison on a number or element by element on an array."""
        return OPERATORS[self.operator](values, self.value)


def quoted(value: int | bool | str) -> str:
    """A constant as Spark's SQL writes it.

    >>> quoted("it's"), quoted(True), quoted(3)
    ("'it''s'", 'true', '3')
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'" if isinstance(value, str) else str(value).lower()


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Feature:
    """One value per customer and instant: `aggregate` of `measure` over `window`, events `where` all hold."""

    name: str
    aggregate: Aggregate
    window: Window
    type: str
    unit: str
    description: str
    measure: str | None = None
    where: tuple[Condition, ...] = ()
    family: str = ""
    negated: bool = False
    """Fold -measure: returns are stored negative and reported positive."""
    quantile: float | None = None
    """Of `quantile_approx`: the share of values at or below the answer, in (0, 1]."""
    per: str | None = None
    """First sum the measure of the window's events with the same value of this column, then fold those sums."""
    for_models: bool = True
    """Whether models read it; what only serves as an input of a derived feature need not be one of theirs."""

    def __post_init__(self) -> None:
        has_share = self.quantile is not None and 0 < self.quantile <= 1
        if has_share != (self.aggregate is Aggregate.QUANTILE_APPROX):
            raise ConfigurationError(f"feature '{self.name}': a quantile in (0, 1] goes with quantile_approx only.")
        if (self.aggregate in APPROXIMATE) != ("_approx" in self.name):
            raise ConfigurationError(f"feature '{self.name}': what is approximate has _approx in its name.")
        if self.per is not None and (self.aggregate not in GROUPED or self.measure is None):
            known = ", ".join(sorted(GROUPED))
            raise ConfigurationError(f"feature '{self.name}': per goes with a measure and one of {known}.")

    def over(self, windows: Iterable[Window]) -> tuple[Feature, ...]:
        """The same fold over each of `windows`, whose name follows this one's.

        >>> clicks = Feature("clicks_count", Aggregate.COUNT, LIFETIME, "bigint", "clicks", "Clicks")
        >>> [feature.name for feature in clicks.over([Window(7), LIFETIME])]
        ['clicks_count_7d', 'clicks_count_lifetime']
        """
        return tuple(replace(self, name=f"{self.name}_{window.name}", window=window) for window in windows)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Features that it is computed from: none, it is computed from events."""
        return ()

    @property
    def null_means(self) -> str:
        if self.aggregate.empty is not None:
            return "never NULL; 0 when no event qualifies"
        if self.aggregate in AT_LEAST:
            few = f"fewer than {AT_LEAST[self.aggregate]}"
            return few if self.per is None else few.replace("events", f"{self.per} groups")
        return "no event qualifies"

    @property
    def meaning(self) -> dict[str, Any]:
        """What decides the values, and nothing else."""
        return {
            "name": self.name,
            "aggregate": self.aggregate.value,
            "measure": self.measure,
            "negated": self.negated,
            "window": asdict(self.window),
            "where": [str(condition) for condition in self.where],
            "type": self.type,
            **({} if self.quantile is None else {"quantile": self.quantile}),
            **({} if self.per is None else {"per": self.per}),
        }


@dataclass(frozen=True)
class Derived:
    """A value computed from other features of the same row by a pure function on Arrow arrays."""

    name: str
    function: Callable[..., pa.Array]
    inputs: tuple[str, ...]
    type: str
    unit: str
    description: str
    null_means: str
    family: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()
    """Further arguments of the function, by name: what settings decide."""
    for_models: bool = True

    @property
    def on_arrays(self) -> Callable[..., pa.Array]:
        """The function of the inputs alone."""
        if not self.parameters:
            return self.function
        function, parameters = self.function, dict(self.parameters)

        def with_parameters(*columns: pa.Array) -> pa.Array:
            return function(*columns, **parameters)

        return with_parameters

    @property
    def meaning(self) -> dict[str, Any]:
        settled = {"parameters": self.parameters} if self.parameters else {}
        code = code_of(self.function)
        return {"name": self.name, "inputs": self.inputs, "type": self.type, "code": code, **settled}


PERCENTILES = 100


@dataclass(frozen=True)
class Ranked:
    """The place of a feature among all customers of the same snapshot, 1 to `parts`; the last is best."""

    name: str
    feature: str
    description: str
    low_is_good: bool = False
    parts: int = 5
    type: str = "int"
    null_means: str = "the ranked feature is NULL"
    family: str = "rfm"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Features that it is computed from."""
        return (self.feature,)

    @property
    def meaning(self) -> dict[str, Any]:
        return {"name": self.name, "feature": self.feature, "low_is_good": self.low_is_good, "parts": self.parts}

    @property
    def unit(self) -> str:
        return f"score 1 to {self.parts}"

    def __post_init__(self) -> None:
        if not 1 < self.parts <= PERCENTILES or PERCENTILES % self.parts:
            raise ConfigurationError(
                f"'{self.name}': {self.parts} parts; cut points are hundredths, so it divides 100."
            )


@dataclass(frozen=True)
class Cell:
    """The named cell of a grid of scores: `grid[r - 1][m - 1]`, m the mean of the other two, rounded half up."""

    grid: tuple[tuple[str, ...], ...]
    name: str = "rfm_segment"
    type: str = "string"
    unit: str = "name"
    description: str = "Named cell of r_score against the mean of f_score and m_score"
    null_means: str = "a score is NULL"
    family: str = "rfm"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Features that it is computed from."""
        return ("r_score", "f_score", "m_score")

    @property
    def meaning(self) -> dict[str, Any]:
        return {"name": self.name, "grid": self.grid}


def code_of(function: Callable[..., Any]) -> str:
    """The function's code without docstring and formatting, so that only a change of meaning shows."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    body = getattr(tree, "body", [])
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body.pop(0)
    return ast.unparse(tree)


def fingerprint(meaning: Iterable[Any]) -> str:
    """Sixteen hex digits of the SHA-256 of `meaning` as canonical JSON.

    >>> fingerprint([1, "a"]) == fingerprint([1, "a"]) != fingerprint([1, "b"])
    True
    """
    text = json.dumps(list(meaning), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
