"""The outputs of scoring that come from a model, as `conf/tasks/` declares them: what, for whom, written where."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

from featurestore.errors import ConfigurationError
from featurestore.label_config import label
from featurestore.label_definitions import Label, Member
from models.tasks import AMOUNT, BINARY, HISTORIES, TASKS, Gate, Task


@dataclass(frozen=True)
class Head:
    """One output: `label` over `horizon_days`, for the customers whom all conditions of `population` hold for.

    `output` is the column of `customer_scores`. The conditions are those of the label, on features of the same
    instant; a NULL in one of them is outside. `kind` "binary" gives probabilities, "amount" numbers in `unit`, that
    of `last_year`: the feature that is the label of the year before, which forecasts of amounts are blended with and
    held against ("" where there is none).
    """

    name: str
    label: str
    horizon_days: int
    output: str
    population: tuple[Member, ...]
    kind: str = BINARY
    last_year: str = ""
    unit: str = ""

    @property
    def model_name(self) -> str:
        """The name in the model registry."""
        return f"tessera_{self.name}"

    @property
    def is_amount(self) -> bool:
        """Whether its outcome is a number, and not 1 or 0."""
        return self.kind == AMOUNT

    @property
    def decided_by(self) -> tuple[str, ...]:
        """The features that the conditions name, each once."""
        named = (name for one in self.population for name in (one.feature, one.comparison.feature) if name)
        return tuple(dict.fromkeys(named))

    def holds(self, value_of: Callable[[str], Any], *, number: Callable[[Decimal], Any] = float) -> Any:
        """Whether customers are inside, on rows, arrays or columns; `value_of` gives the values of a feature.

        >>> HEADS["decline"].holds({"orders_count_90d": 2, "amount_sum_90d": 0.0}.__getitem__)
        False
        """
        return reduce(and_, [one.comparison.holds(value_of(one.feature), value_of, number) for one in self.population])


def _head(task: Task) -> Head:
    one = label(task.label)
    population = tuple(_stored(one, member) for member in one.population)
    amount = one.last_year if task.kind == AMOUNT else None
    before = {} if amount is None else {"last_year": amount.name, "unit": amount.unit}
    return Head(task.head, one.name, one.horizon_days, task.output, population, task.kind, **before)


def _stored(one: Label, member: Member) -> Member:
    """The condition on the features that snapshots hold, where the label names them by aliases."""
    return Member(one.stored(member.feature), member.comparison.on(one.stored))


HEADS = {task.head: _head(task) for task in TASKS.values() if task.kind != HISTORIES}
CHURN, PURCHASE, ACTIVE, DECLINE = (HEADS[name] for name in ("churn", "purchase", "active", "decline"))
"""The heads that scoring holds against one another."""
LIFETIME = next(_head(task) for task in TASKS.values() if task.kind == HISTORIES)
"""The lifetime model's place in the registry; it learns from histories, and not from a training set with that label."""
SEGMENTS = Head("segments", "none", 0, "cluster_id", LIFETIME.population)
"""The segment model's place in the registry; it learns without a label."""
WITHOUT_TRAINING_SET = {head.name: head for head in (LIFETIME, SEGMENTS)}


def task_of(head: Head) -> Task:
    """The task that declares a head; of the lifetime model the one whose value is learned."""
    return next(task for task in TASKS.values() if (task.head, task.output) == (head.name, head.output))


def gate_of(head: Head) -> Gate:
    """What a model of the head must meet to be promoted."""
    return task_of(head).gate


def head_named(name: str) -> Head:
    """The head of that name; ConfigurationError with the nearest names otherwise.

    >>> head_named("churn").label
    'churn_60d'
    """
    if name not in HEADS:
        raise ConfigurationError.unknown_name("head", name, known=HEADS)
    return HEADS[name]


def registered_as(name: str) -> Head:
    """The head that a model called so is registered under: one that learns a label, or one without a training set."""
    return WITHOUT_TRAINING_SET.get(name) or head_named(name)


def needed_columns(heads: Iterable[Head]) -> tuple[str, ...]:
    """Feature columns that decide the populations, each once, in the order of the heads."""
    return tuple(dict.fromkeys(name for head in heads for name in head.decided_by))
