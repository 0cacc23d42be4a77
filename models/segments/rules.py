"""Behavioural segments by ordered rules: the first that holds names the segment, the last holds for everyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

from pydantic import Field, model_validator

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.configuration_files import text_of
from featurestore.errors import ConfigurationError
from featurestore.expressions import check_columns, columns_of


class Rule(Strict):
    """A segment: its name, what it means, and the SQL condition of its customers; the last rule has none."""

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    means: str = Field(min_length=1)
    where: str | None = None


class Rules(Strict):
    """Ordered rules that name exactly one segment for every customer."""

    segments: tuple[Rule, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _exhaust(self) -> Rules:
        twice = [name for name, times in Counter(rule.name for rule in self.segments).items() if times > 1]
        if twice:
            raise ValueError(f"segment '{twice[0]}' is named twice; one name is one rule (join conditions by `or`)")
        *first, last = self.segments
        without = next((rule.name for rule in first if rule.where is None), None)
        if without is not None:
            raise ValueError(f"'{without}' has no `where` and takes everyone, but rules follow it: make it the last")
        if last.where is not None:
            raise ValueError(f"the last segment '{last.name}' has a `where`: who satisfies none would have no segment")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(rule.name for rule in self.segments)

    def columns(self) -> list[str]:
        """The features that the rules read, by name."""
        read = {name for rule in self.segments if rule.where is not None for name in columns_of(rule.where, where="")}
        return sorted(read)

    def check(self, features: Collection[str], *, where: str) -> None:
        """Raises ConfigurationError for what is no expression and, with near names, for an unknown feature."""
        for rule in self.segments:
            if rule.where is not None:
                check_columns(rule.where, known=features, where=f"{where}, segment '{rule.name}'")

    def sql(self) -> str:
        """One CASE expression: exclusive because the first wins, exhaustive because of ELSE; NULL holds nothing.

        >>> Rules(segments=(Rule(name="a", means="A", where="x > 1"), Rule(name="b", means="B"))).sql()
        "CASE WHEN (x > 1) THEN 'a' ELSE 'b' END"
        """
        *first, last = self.segments
        cases = " ".join(f"WHEN ({rule.where}) THEN '{rule.name}'" for rule in first)
        return f"CASE {cases} ELSE '{last.name}' END"


def read_rules(text: str, *, where: str) -> Rules:
    """The rules that YAML text declares; ConfigurationError with every fault, each with its place."""
    rules = validated(Rules, parse_yaml(text, where=where), where=where)
    for rule in rules.segments:
        if rule.where is not None:
            columns_of(rule.where, where=f"{where}, segment '{rule.name}'")
    return rules


def load_rules(name_or_file: str) -> Rules:
    """Rules by the name of their file in `conf/segments/`, or by any file."""
    folder = files("conf") / "segments"
    packaged = f"conf/segments/{name_or_file}.yml"
    for file, where in ((folder / f"{name_or_file}.yml", packaged), (Path(name_or_file), name_or_file)):
        text = text_of(file, where=where)
        if text is not None:
            return read_rules(text, where=where)
    known = [entry.name.removesuffix(".yml") for entry in folder.iterdir() if entry.name.endswith(".yml")]
    raise ConfigurationError.unknown_name("segment rules or file", name_or_file, known=known, where="segments.rules")
