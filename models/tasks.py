"""What is learned, one file of `conf/tasks/` a task: label, output, features, algorithm, search space, gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Literal

from pydantic import Field, model_validator

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.label_config import LABELS
from models.algorithms import NAMES, XGBOOST
from models.search_space import SearchSpace

BINARY, AMOUNT, HISTORIES = KINDS = ("binary", "amount", "lifetime")
_OF_KIND = {BINARY: {"least_auc"}, AMOUNT: {"least_spearman", "sum_ratio"}, HISTORIES: set()}
_NOT_FOR_LIFETIME = {"leave_out", "algorithm", "search", "gate"}


class Gate(Strict):
    """What is asked of a model: what a challenger must have over the champion, and what a test should show.

    Of the test, said and never decisive: `least_auc` of probabilities; of amounts `least_spearman` and the bounds of
    `sum_ratio`, forecast over actual. Against the champion, over `as_ofs` as-ofs and `draws` draws of a paired
    bootstrap over customers: the mean log-loss gain is at least `least_gain` and above 0 for sure, at no as-of below
    `worst_as_of`; the AUC is lower by no more than `auc_noninferiority` says, ECE10 higher by at most `ece_slack`.
    Where recipes are fitted again for that, each fit learns from at most `rows` rows.
    """

    least_auc: float | None = Field(default=None, ge=0.5, lt=1)
    least_spearman: float | None = Field(default=None, ge=0, lt=1)
    sum_ratio: tuple[float, float] | None = None
    least_gain: float = Field(default=0.002, ge=0)
    worst_as_of: float = Field(default=-0.002, le=0)
    auc_noninferiority: float = Field(default=-0.005, le=0)
    ece_slack: float = Field(default=0.01, ge=0)
    draws: int = Field(default=2000, ge=100)
    as_ofs: int = Field(default=3, ge=1)
    rows: int = Field(default=30_000, gt=0)

    @model_validator(mode="after")
    def _is_an_interval(self) -> Gate:
        if self.sum_ratio is not None and not 0 < self.sum_ratio[0] < 1 < self.sum_ratio[1]:
            raise ValueError("sum_ratio is two numbers with 1 between them, such as [0.9, 1.1]")
        return self


class Task(Strict):
    """One thing to learn: the `head` learns `label` and scoring writes it as the column `output`.

    `kind` "binary" is a probability, "amount" an expectation in the label's unit, "lifetime" a value that the models of
    histories give. The population is that of the label. A model reads all inputs of the views but those that a
    pattern of `leave_out` matches (`orders_*_lifetime`); `algorithm` is by default the setting `training.algorithm`.
    """

    head: str = Field(pattern="^[a-z][a-z0-9_]*$")
    label: str
    kind: Literal[KINDS]  # type: ignore[valid-type]
    output: str = Field(pattern="^[a-z][a-z0-9_]*$")
    leave_out: tuple[str, ...] = ()
    algorithm: Literal[NAMES] | None = None  # type: ignore[valid-type]
    search: SearchSpace = Field(default_factory=dict)
    gate: Gate = Gate()

    @model_validator(mode="after")
    def _fits_its_label(self) -> Task:
        if self.label not in LABELS:
            raise ValueError(f"unknown label '{self.label}'. {did_you_mean(self.label, LABELS)}")
        if LABELS[self.label].is_number != (self.kind != BINARY):
            meant = "is a number" if LABELS[self.label].is_number else "is 1 or 0"
            raise ValueError(f"label {self.label} {meant}: no task of kind {self.kind} learns it")
        return self

    @model_validator(mode="after")
    def _says_nothing_in_vain(self) -> Task:
        of_others = set().union(*(_OF_KIND[kind] for kind in KINDS if kind != self.kind))
        if vain := sorted(of_others & self.gate.model_fields_set):
            raise ValueError(f"gate: {', '.join(vain)} judges no task of kind {self.kind}")
        if self.kind == HISTORIES and (vain := sorted(_NOT_FOR_LIFETIME & self.model_fields_set)):
            raise ValueError(f"{', '.join(vain)}: models of histories take none; a backtest decides what they ship")
        if self.kind == AMOUNT and self.algorithm not in (None, XGBOOST):
            raise ValueError(f"algorithm: amounts are learned by {XGBOOST} alone, not by {self.algorithm}")
        if self.search and self.algorithm not in (None, XGBOOST):
            raise ValueError(f"search: its parameters are those of {XGBOOST}, not of {self.algorithm}")
        return self

    def inputs(self, features: Sequence[str]) -> tuple[str, ...]:
        """Those of `features` that the task's model reads, in their order.

        Raises ConfigurationError for a pattern of `leave_out` that matches none of them.
        """
        idle = [one for one in self.leave_out if not any(fnmatchcase(name, one) for name in features)]
        if idle:
            raise ConfigurationError(
                f"task of label {self.label}: leave_out matches no feature with {', '.join(idle)}. "
                f"{did_you_mean(idle[0], features)}"
            )
        return tuple(name for name in features if not any(fnmatchcase(name, one) for one in self.leave_out))


def task_config(text: str, *, where: str) -> Task:
    """The task that the YAML `text` declares; ConfigurationError with every fault at once, `where` in front."""
    return validated(Task, parse_yaml(text, where=where), where=where)


def shipped_tasks() -> dict[str, Task]:
    """The tasks of `conf/tasks/`, which the wheel ships, by the names of their files."""
    found = {entry.name: entry for entry in (files("conf") / "tasks").iterdir() if entry.name.endswith(".yml")}
    return {
        name.removesuffix(".yml"): task_config(found[name].read_text(encoding="utf-8"), where=f"conf/tasks/{name}")
        for name in sorted(found)
    }


def distinct(tasks: Mapping[str, Task]) -> Mapping[str, Task]:
    """`tasks`, no two of which write one column, or learn two labels under one head; ConfigurationError otherwise."""
    for mine, task in tasks.items():
        for other, its in tasks.items():
            if mine < other and task.output == its.output:
                raise ConfigurationError(f"tasks {mine} and {other} both write '{task.output}'.")
            if mine < other and task.head == its.head and (task.label, HISTORIES) != (its.label, its.kind):
                raise ConfigurationError(f"tasks {mine} and {other} both are head '{task.head}'.")
    return tasks


TASKS = distinct(shipped_tasks())
"""By name, the tasks that `conf/tasks/` declares."""
