"""How labels are declared: the model of `conf/labels/*.yml`, and the ones that ship with the package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated

from pydantic import Field, model_validator

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.definitions import LIFETIME, OPERATORS, Aggregate, Condition, Feature
from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.features import VIEWS
from featurestore.label_definitions import Comparison, Label, Member, named
from featurestore.schemas import LOCAL_TIME, SOURCES, source
from featurestore.views import FeatureView

_CONDITION = re.compile(r"([a-z_][a-z0-9_]*)\s*(=|<>|<=|>=|<|>)\s*(?:'([^']*)'|(-?[0-9]+)|(true|false))")
Days = Annotated[int, Field(gt=0)]


class OutcomeConfig(Strict):
    """A fold over the horizon: an aggregate of a measure over the events of `source` that satisfy `where`."""

    source: str
    aggregate: Aggregate
    measure: str | None = None
    per: str | None = None
    where: tuple[str, ...] = ()
    at_least: int | None = None
    counts: str = ""

    @model_validator(mode="after")
    def _known(self) -> OutcomeConfig:
        if self.source not in SOURCES:
            raise ValueError(f"unknown source '{self.source}'. {did_you_mean(self.source, SOURCES)}")
        known = [column.name for column in (*source(self.source).measures, *LOCAL_TIME)]
        try:
            read = [self.measure, self.per, *(condition(text).column for text in self.where)]
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        for name in filter(None, read):
            if name not in known:
                raise ValueError(f"source {self.source} has no column '{name}'. {did_you_mean(name, known)}")
        return self

    def feature(self, name: str) -> Feature:
        """The outcome as a fold; its window is the horizon's."""
        types = {column.name: column.type for column in (*source(self.source).measures, *LOCAL_TIME)}
        keeps = self.aggregate in (Aggregate.SUM, Aggregate.MIN, Aggregate.MAX)
        counts = "double" if self.aggregate.empty is None or self.aggregate is Aggregate.SPAN_SUM else "bigint"
        type_ = types[self.measure] if keeps and self.measure else counts
        return Feature(name, self.aggregate, LIFETIME, type_, "", "", measure=self.measure, per=self.per,
                       where=tuple(map(condition, self.where)))  # fmt: skip


class LabelConfig(Strict):
    """One outcome over one horizon or several: a label `<label>_<days>d` for each.

    `view` holds the features that `population` and `holds` name; by default it is the built-in one of the source.
    """

    label: str = Field(pattern="^[a-z][a-z0-9_]*$")
    horizons_days: tuple[Days, ...] = Field(min_length=1)
    meaning: str = ""
    outcome: OutcomeConfig
    view: str | None = None
    holds: str | None = None
    population: tuple[str, ...] = Field(min_length=1)


def condition(text: str) -> Condition:
    """A column, an operator and a constant: `amount > 0`, `device = 'app'`, `is_product = true`.

    >>> condition("amount > 0"), condition("device = 'app'").value, condition("is_product = true").value
    (Condition(column='amount', operator='>', value=0), 'app', True)
    """
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        known = ", ".join(OPERATORS)
        raise ConfigurationError(f"'{text}' is no condition: a column, one of {known}, then a number, 'text' or true.")
    column, sign, word, number, truth = found.groups()
    value: int | bool | str = word if word is not None else int(number) if number else truth == "true"
    return Condition(column, sign, value)


def label_config(text: str, *, where: str, views: Mapping[str, FeatureView] = VIEWS) -> tuple[Label, ...]:
    """The labels that the YAML `text` declares, one a horizon, on one of `views`; `where` names it in messages.

    Raises ConfigurationError with every fault at once: key, value, what was expected, near names.
    """
    config = validated(LabelConfig, parse_yaml(text, where=where), where=where)
    try:
        view = _view(config, views)
        return tuple(_label(config, view, days, where=where) for days in config.horizons_days)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}" if where not in str(error) else str(error)) from None


def _view(config: LabelConfig, views: Mapping[str, FeatureView]) -> FeatureView:
    if config.view is None:
        built_in = next(view for view in VIEWS.values() if view.source == config.outcome.source)
        return views.get(built_in.name, built_in)
    if config.view not in views:
        raise ConfigurationError.unknown_name("feature view", config.view, known=views)
    found = views[config.view]
    if found.source != config.outcome.source:
        raise ConfigurationError(
            f"view '{found.name}' folds source {found.source}, the outcome is of {config.outcome.source}: "
            "a population is asked of the outcome's own source."
        )
    return found


def _label(config: LabelConfig, view: FeatureView, days: int, *, where: str) -> Label:
    return Label(
        f"{config.label}_{days}d",
        days,
        config.outcome.feature(config.label),
        tuple(Member.parse(text, where=f"{where}, population") for text in config.population),
        view,
        holds=None if config.holds is None else Comparison.parse(config.holds, where=f"{where}, holds"),
        at_least=config.outcome.at_least,
        meaning=config.meaning,
        counts=config.outcome.counts,
    )


def shipped_labels() -> list[Label]:
    """The labels of `conf/labels/`, which the wheel ships, by the names of their files."""
    found = [entry for entry in (files("conf") / "labels").iterdir() if entry.name.endswith(".yml")]
    texts = [(entry.name, entry.read_text(encoding="utf-8")) for entry in sorted(found, key=lambda entry: entry.name)]
    return [label for name, text in texts for label in label_config(text, where=f"conf/labels/{name}")]


LABELS = named(shipped_labels())
"""By name, the labels that `conf/labels/` declares."""


def label(name: str) -> Label:
    """The label called `name`; ConfigurationError with near names for an unknown one."""
    if name not in LABELS:
        raise ConfigurationError.unknown_name("label", name, known=LABELS)
    return LABELS[name]
