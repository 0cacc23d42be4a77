"""Rules over rows: what a row breaks becomes an array of reasons, never an exception."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Rule:
    """A named condition that a row must not meet; NULL meets nothing."""

    reason: str
    broken: Column


def reasons(rules: Iterable[Rule]) -> Column:
    """The reasons of all broken `rules`, in their order, as array<string>; empty where none is broken."""
    listed = list(rules)
    # Most rows break nothing: they skip the array, which Spark fills outside its generated code.
    any_broken = reduce(or_, [F.coalesce(rule.broken, F.lit(False)) for rule in listed], F.lit(False))
    found = F.array_compact(F.array(*[F.when(rule.broken, F.lit(rule.reason)) for rule in listed]))
    return F.when(any_broken, found.cast("array<string>")).otherwise(no_reasons())


def no_reasons() -> Column:
    """The empty array<string>."""
    return F.array().cast("array<string>")


def expected(name: str, predicate: str) -> Rule:
    """The rule that the SQL `predicate` holds; where it is NULL the row passes."""
    return Rule(name, ~F.expr(f"({predicate})"))
