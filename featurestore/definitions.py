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
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
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

    @property
    def empty(self) -> int | None:
        """The fold of no events: counts and sums are 0, everything else is NULL."""
        return 0 if self in COUNTS else None


COUNTS = {Aggregate.COUNT, Aggregate.SUM, Aggregate.DISTINCT, Aggregate.DISTINCT_APPROX, Aggregate.ACTIVE_DAYS,
          Aggregate.ACTIVE_MONTHS, Aggregate.STREAK_LONGEST, Aggregate.STREAK_LAST}  # fmt: skip
APPROXIMATE = {Aggregate.QUANTILE_APPROX, Aggregate.DISTINCT_APPROX}
AT_LEAST = {Aggregate.STD: "two events qualify", Aggregate.GAP_MEAN: "two active days in the window",
            Aggregate.GAP_MAX: "two active days in the window",
            Aggregate.GAP_STD: "three active days in the window"}  # fmt: skip


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
    """A constant as SQL writes it.

    >>> quoted("it's"), quoted(True), quoted(3)
    ("'it''s'", 'true', '3')
    """
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value).lower()


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

    def __post_init__(self) -> None:
        has_share = self.quantile is not None and 0 < self.quantile <= 1
        if has_share != (self.aggregate is Aggregate.QUANTILE_APPROX):
            raise ConfigurationError(f"feature '{self.name}': a quantile in (0, 1] goes with quantile_approx only.")
        if (self.aggregate in APPROXIMATE) != ("_approx" in self.name):
            raise ConfigurationError(f"feature '{self.name}': what is approximate has _approx in its name.")

    @property
    def null_means(self) -> str:
        if self.aggregate.empty is not None:
            return "never NULL; 0 when no event qualifies"
        if self.aggregate in AT_LEAST:
            return f"fewer than {AT_LEAST[self.aggregate]}"
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
        }


@dataclass(frozen=True)
class Windowed:
    """A feature but for its window: `over` gives one feature a window, named `<name>_<window>`.

    >>> clicks = Windowed("clicks_count", Aggregate.COUNT, "bigint", "clicks", "Clicks", family="engagement")
    >>> [feature.name for feature in clicks.over([Window(7), LIFETIME])]
    ['clicks_count_7d', 'clicks_count_lifetime']
    """

    name: str
    aggregate: Aggregate
    type: str
    unit: str
    description: str
    measure: str | None = None
    where: tuple[Condition, ...] = ()
    family: str = ""
    negated: bool = False
    quantile: float | None = None

    def over(self, windows: Iterable[Window]) -> tuple[Feature, ...]:
        """The feature over each of `windows`."""
        return tuple(Feature(**{**vars(self), "name": f"{self.name}_{w.name}", "window": w}) for w in windows)


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

    @property
    def meaning(self) -> dict[str, Any]:
        return {"name": self.name, "inputs": self.inputs, "type": self.type, "code": code_of(self.function)}


@dataclass(frozen=True)
class Ranked:
    """A score 1 to 5 of a feature among all customers of the same snapshot; 5 is best."""

    name: str
    feature: str
    description: str
    low_is_good: bool = False
    type: str = "int"
    unit: str = "score 1 to 5"
    null_means: str = "the ranked feature is NULL"
    family: str = "rfm"

    @property
    def meaning(self) -> dict[str, Any]:
        return {"name": self.name, "feature": self.feature, "low_is_good": self.low_is_good}


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
    def meaning(self) -> dict[str, Any]:
        return {"name": self.name, "grid": self.grid}


@dataclass(frozen=True)
class FeatureView:
    """A frozen set of features over one source, stored together as `features_<name>`."""

    name: str
    source: str
    description: str
    folds: tuple[Feature, ...]
    derived: tuple[Derived, ...] = ()
    ranked: tuple[Ranked, ...] = ()
    cell: Cell | None = None

    def __post_init__(self) -> None:
        twice = repeated(self.feature_names)
        if twice:
            raise ConfigurationError(f"view '{self.name}' names features twice: {', '.join(twice)}.")
        for fold in self.folds:
            if fold.window.offset_days < 0:
                raise ConfigurationError(f"feature '{fold.name}' looks at or after its own instant.")
        known = {AS_OF_DATE, *(fold.name for fold in self.folds)}
        refuse_unknown_inputs(self.derived, known)
        for ranked in self.ranked:
            if ranked.feature not in known:
                raise ConfigurationError.unknown_name("feature", ranked.feature, known=known, where=ranked.name)

    @property
    def table(self) -> str:
        return f"features_{self.name}"

    @property
    def features(self) -> tuple[Feature | Derived | Ranked | Cell, ...]:
        return (*self.folds, *self.derived, *self.ranked, *([self.cell] if self.cell else []))

    @property
    def feature_names(self) -> list[str]:
        return [feature.name for feature in self.features]

    @property
    def model_inputs(self) -> list[str]:
        """Features that a model may learn from: numbers that are folds, not population state (scores, cells)."""
        computed: list[Feature | Derived] = [*self.folds, *self.derived]
        return [one.name for one in computed if one.type != "string"]

    @property
    def fingerprint(self) -> str:
        """Identity of the meaning of all features of the view."""
        return fingerprint([ENGINE, self.source, *[feature.meaning for feature in self.features]])


@dataclass(frozen=True)
class FeatureSet:
    """What a model reads: the features of `views`, joined on customer and date, and `derived` across them.

    A customer whom a view has not seen yet reads that view's empty fold.
    """

    name: str
    views: tuple[FeatureView, ...]
    derived: tuple[Derived, ...] = ()

    def __post_init__(self) -> None:
        twice = repeated(feature.name for feature in self.features)
        if twice:
            owners = ", ".join(view.name for view in self.views if set(twice) & set(view.feature_names))
            raise ConfigurationError(
                f"feature set '{self.name}': views {owners} share the names {', '.join(twice)}.\n"
                f"  Give one of them another name, for example {self.views[0].name}_{twice[0]}."
            )
        refuse_unknown_inputs(self.derived, {name for view in self.views for name in view.feature_names})

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources that the views fold, each once."""
        return tuple(dict.fromkeys(view.source for view in self.views))

    @property
    def features(self) -> tuple[Feature | Derived | Ranked | Cell, ...]:
        return (*(feature for view in self.views for feature in view.features), *self.derived)

    @property
    def model_inputs(self) -> list[str]:
        """Features that a model may learn from, in order."""
        return [*(name for view in self.views for name in view.model_inputs), *(d.name for d in self.derived)]

    @property
    def fingerprint(self) -> str:
        """Identity of the meaning of all features of the set."""
        return fingerprint([*(view.fingerprint for view in self.views), *(d.meaning for d in self.derived)])


def repeated(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, sorted.

    >>> repeated(["b", "a", "b"])
    ['b']
    """
    return sorted(name for name, times in Counter(names).items() if times > 1)


def refuse_unknown_inputs(derived: Iterable[Derived], known: set[str]) -> None:
    """ConfigurationError for an input that is neither in `known` nor derived earlier; adds the derived to `known`."""
    for one in derived:
        for name in one.inputs:
            if name not in known:
                raise ConfigurationError.unknown_name("feature", name, known=known, where=one.name)
        known.add(one.name)


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
