"""What a label is, apart from where it is computed: an outcome over the horizon, for a population at as_of.

An outcome is a fold over `[as_of, as_of + horizon)`: a window that ends `horizon` days after its instant. So labels
and features come from one engine and never share an event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from featurestore.definitions import OPERATORS, Cell, Derived, Feature, Ranked, Window, fingerprint
from featurestore.errors import ConfigurationError
from featurestore.explain import in_words, window_in_words
from featurestore.views import FeatureView, resolve

YEAR = Window(365)
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_COMPARISON = re.compile(rf"(=|<>|<=|>=|<|>)\s*(?:({_NUMBER})|(?:({_NUMBER})\s*\*\s*)?([a-z_][a-z0-9_]*))")


@dataclass(frozen=True)
class Comparison:
    """`operator` with a number, or with `number` times a feature at as_of.

    >>> str(Comparison.parse("< 0.5 * amount_sum_90d", where="example"))
    '< 0.5 * amount_sum_90d'
    """

    operator: str
    number: Decimal
    feature: str | None = None

    @classmethod
    def parse(cls, text: str, *, where: str) -> Comparison:
        """`>= 1`, `< amount_sum_90d` or `< 0.5 * amount_sum_90d`; ConfigurationError for anything else."""
        found = _COMPARISON.fullmatch(text.strip())
        if found is None:
            known = ", ".join(OPERATORS)
            raise ConfigurationError(
                f"{where}: '{text}' is no comparison: one of {known}, then a number, a feature, or number * feature."
            )
        sign, number, times, feature = found.groups()
        return cls(sign, Decimal(number or times or 1), feature)

    def __str__(self) -> str:
        if self.feature is None:
            return f"{self.operator} {self.number}"
        times = "" if self.number == 1 else f"{self.number} * "
        return f"{self.operator} {times}{self.feature}"

    def on(self, stored: Callable[[str], str]) -> Comparison:
        """The comparison with a feature by the name that `stored` gives for its own."""
        return self if self.feature is None else replace(self, feature=stored(self.feature))

    def holds(self, left: Any, value_of: Callable[[str], Any], number: Callable[[Decimal], Any]) -> Any:
        """The comparison of `left`; `value_of` gives a feature's value and `number` a constant, on rows or columns."""
        right = number(self.number) if self.feature is None else number(self.number) * value_of(self.feature)
        return OPERATORS[self.operator](left, right)


@dataclass(frozen=True)
class Member:
    """A condition of a population: a feature at as_of, compared.

    >>> str(Member.parse("orders_count_180d >= 1", where="example"))
    'orders_count_180d >= 1'
    """

    feature: str
    comparison: Comparison

    @classmethod
    def parse(cls, text: str, *, where: str) -> Member:
        """A feature's name, then a comparison; ConfigurationError for anything else."""
        name, _, rest = text.strip().partition(" ")
        return cls(name, Comparison.parse(rest, where=where))

    def __str__(self) -> str:
        return f"{self.feature} {self.comparison}"


@dataclass(frozen=True)
class Label:
    """`outcome` over the horizon, compared (`holds`: 1 or 0) or as a number, for customers of the `population`.

    `outcome` is a fold whose window does not matter; a smaller value counts as `at_least`. `population` holds at
    as_of where all its conditions do; for other customers, and where one of their features is NULL, the label is
    NULL. The features that it names are those of `view`, which folds the source of the outcome.
    """

    name: str
    horizon_days: int
    outcome: Feature
    population: tuple[Member, ...]
    view: FeatureView
    holds: Comparison | None = None
    at_least: int | None = None
    meaning: str = ""
    counts: str = ""
    """What the outcome counts, in the singular; empty where it is no count."""

    def __post_init__(self) -> None:
        if self.horizon_days <= 0:
            raise ConfigurationError(f"label '{self.name}': a horizon has at least 1 day, not {self.horizon_days}.")
        if self.name in self.view.feature_names:
            raise ConfigurationError(f"label '{self.name}' has the name of a feature.")
        if not self.population:
            raise ConfigurationError(f"label '{self.name}': say whom it asks about in population.")
        _ = self.folds

    @property
    def source(self) -> str:
        return self.view.source

    @property
    def is_number(self) -> bool:
        """Whether the label is a number, and not 1 or 0."""
        return self.holds is None

    @property
    def future(self) -> Feature:
        """The outcome over the horizon."""
        window = Window(self.horizon_days, offset_days=-self.horizon_days)
        return replace(self.outcome, name=f"{self.name}_outcome", window=window)

    @property
    def last_year(self) -> Feature | None:
        """The feature that is the outcome of the 365 days before the instant; None where the view has none.

        What a forecast of a number is blended with and held against, and its unit that of the label.
        """
        folds = (one for one in self.view.folds if one.window == YEAR and _what(one) == _what(self.outcome))
        return next(folds, None)

    @cached_property
    def needed(self) -> tuple[Feature | Derived, ...]:
        """Features at as_of that decide the label, what they derive from first."""
        named = [member.feature for member in self.population]
        named += [one.comparison.feature for one in self.population if one.comparison.feature]
        named += [self.holds.feature] if self.holds is not None and self.holds.feature else []
        found: dict[str, Feature | Derived] = {}
        for name in named:
            self._need(name, found)
        return tuple(found.values())

    def _need(self, name: str, found: dict[str, Feature | Derived]) -> None:
        feature = resolve(name, self.view)
        if isinstance(feature, Ranked | Cell) or feature in self.view.judged:
            raise ConfigurationError(f"label '{self.name}': {name} depends on the other customers; ask for a fold.")
        if isinstance(feature, Derived):
            for one in feature.inputs:
                if one != "as_of_date":
                    self._need(one, found)
        found[feature.name] = feature

    @property
    def folds(self) -> tuple[Feature, ...]:
        """All folds of the label: the outcome, and what decides the population."""
        return (self.future, *(one for one in self.needed if isinstance(one, Feature)))

    @property
    def derived(self) -> tuple[Derived, ...]:
        return tuple(one for one in self.needed if isinstance(one, Derived))

    def stored(self, name: str) -> str:
        """The name of the feature that `name`, its own or an alias, stands for."""
        return resolve(name, self.view).name

    @property
    def fingerprint(self) -> str:
        needed = [one.meaning for one in self.needed]
        population = sorted(map(str, self.population))
        value = [str(self.holds), self.at_least]
        return fingerprint([self.name, self.source, self.future.meaning, value, population, needed])

    def explain(self) -> list[str]:
        """Lines that say in words what the label means."""
        when = window_in_words(self.future.window)
        what = in_words(self.future, self.source)
        floor = "" if self.at_least is None else f", at least {self.at_least}"
        value = f"1 where      {self._held(when)}, else 0" if self.holds else f"number       {what}{floor}"
        return [
            f"label {self.name}" + (f": {self.meaning}" if self.meaning else ""),
            f"  {value}",
            *([] if self.holds is None else [f"  outcome      {what}{floor}"]),
            f"  asked of     customers with {' and '.join(map(self._asked, self.population))}; NULL for the others",
            f"  known when   source '{self.source}' is complete through as_of + {self.horizon_days} days; "
            "until then left out and counted",
            f"  fingerprint  {self.fingerprint}",
        ]

    def _held(self, when: str) -> str:
        return f"{counted(self.counts, self.holds) or f'the outcome is {self.holds}'} {when}"

    def _asked(self, member: Member) -> str:
        feature = resolve(member.feature, self.view)
        same_fold = isinstance(feature, Feature) and _what(feature) == _what(self.outcome)
        words = counted(self.counts, member.comparison) if same_fold else ""
        return f"{words} {window_in_words(feature.window)}" if words and isinstance(feature, Feature) else str(member)

    def is_mature(self, as_of: date, *, complete_through: datetime) -> bool:
        """Whether the whole horizon of `as_of` lies in what is known."""
        end = datetime.combine(as_of + timedelta(days=self.horizon_days), time(), UTC)
        return end <= complete_through


def _what(feature: Feature) -> tuple[Any, ...]:
    """What a fold folds, apart from its window and name."""
    return feature.aggregate, feature.measure, feature.where, feature.per, feature.negated


def counted(what: str, comparison: Comparison | None) -> str:
    """A comparison of a count in words, empty where there are none.

    >>> counted("order", Comparison(">=", Decimal(1))), counted("order", Comparison("=", Decimal(0)))
    ('at least one order', 'no order')
    """
    words = {"= 0": f"no {what}", ">= 1": f"at least one {what}"}
    return words.get(str(comparison), "") if what else ""


def named(labels: Iterable[Label]) -> Mapping[str, Label]:
    """Labels by name; ConfigurationError where two share one."""
    found: dict[str, Label] = {}
    for one in labels:
        if one.name in found:
            raise ConfigurationError(f"two labels are called '{one.name}'.")
        found[one.name] = one
    return found
