"""What a label's head learns from as of a date: its training set, features and parameters, checked before any fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from featurestore.errors import ConfigurationError, DataContractError, MissingInput
from featurestore.label_config import label
from featurestore.training_set_records import TrainingSet, newest, table_of
from featurestore.views import FeatureSet
from jobs.build_training_set import split_plan
from jobs.run import Run
from models.fingerprints import training_fingerprint
from models.heads import HEADS, Head, task_of
from models.inputs import Inputs
from models.parameters import TrainingParameters
from models.splits import CALIBRATE, FIT, STOP, SplitPlan
from models.tasks import Task
from models.train import inputs_of
from models.training_rows import Sample, joined

NOTHING: Mapping[str, Any] = MappingProxyType({})
HEAD_OF = {head.label: head for head in HEADS.values()}


def head_of(label_name: str) -> Head:
    """The head that learns a label; ConfigurationError where none does."""
    if label_name not in HEAD_OF:
        raise ConfigurationError(f"no head learns label '{label(label_name).name}'; heads learn {', '.join(HEAD_OF)}.")
    return HEAD_OF[label_name]


@dataclass(frozen=True)
class Learning:
    """What a label's head learns from, as of a date: dates, rows, features, and the parameters of the settings."""

    head: Head
    plan: SplitPlan
    training_set: TrainingSet
    features: FeatureSet
    parameters: TrainingParameters

    @property
    def inputs(self) -> tuple[str, ...]:
        """The features that the model reads."""
        return task_of(self.head).inputs(self.features.model_inputs)

    def identity(self, run: Run, parameters: TrainingParameters, *, around: Mapping[str, Any]) -> str:
        """The fingerprint of a training with `parameters`; `around` are the settings of what stands around its fit."""
        return training_fingerprint(
            self.head, training_set=self.training_set.fingerprint, features=self.inputs,
            feature_fingerprint=self.features.fingerprint, plan=self.plan, parameters=parameters,
            seed=run.settings.seed, settings=around,
        )  # fmt: skip


def learning_of(run: Run, label_name: str, as_of: date) -> Learning:
    """What the head of a label learns from; the errors name the job that must run first."""
    head, plan = head_of(label_name), split_plan(run, label(label_name), as_of)
    parameters = training_parameters(run, task_of(head))
    return Learning(head, plan, standing(run, label_name, plan, as_of), run.features(), parameters)


def learned_in_memory(run: Run, learning: Learning) -> tuple[Inputs, Sample]:
    """All rows but those of the test, at most `training.max_baseline_rows` of a split, drawn by customer."""
    rows, parameters = learning.training_set.load_df(run.warehouse), learning.parameters
    inputs = inputs_of(rows, learning.head, features=learning.inputs, parameters=parameters)
    most = parameters.max_baseline_rows
    return inputs, joined([inputs.sample(split, at_most=most) for split in (FIT, STOP, CALIBRATE)])


def standing(run: Run, label_name: str, plan: SplitPlan, as_of: date) -> TrainingSet:
    """The training set of a label, whole, of the dates of `plan` and the share of customers that the settings say.

    The error names the job that makes one.
    """
    make_with = f"build_training_set --label {label_name} --as-of {as_of} --build"
    found = newest(run.warehouse, label_name)
    if found is not None and found.erased_since:
        raise DataContractError(
            f"customers were erased from what training set '{label_name}' version {found.version} was built from.\n"
            f"  Build it again, without them: ./spark-submit.sh {make_with} --warehouse {run.warehouse.root}"
        )
    if found is None or not found.is_current(run.warehouse):
        raise MissingInput.table(table_of(label_name), warehouse=run.warehouse.root, make_with=make_with)
    other = found.as_ofs.items() - {str(day): split for day, split in plan.dates.items()}.items()
    if other:
        raise ConfigurationError(
            f"training set '{label_name}' was built for other dates than --as-of {as_of} asks for "
            f"({len(other)} differ, {sorted(other)[0][0]} among them).\n"
            f"  Build it: ./spark-submit.sh {make_with} --warehouse {run.warehouse.root}"
        )
    asked = run.settings.training.customer_share
    if found.customer_share != asked:
        raise ConfigurationError(
            f"training set '{label_name}' has a share of {found.customer_share:.4g} of the customers; the setting "
            f"training.customer_share asks for {asked:.4g}.\n"
            f"  Set the same share, or build it again: ./spark-submit.sh {make_with} --warehouse {run.warehouse.root}"
        )
    return found


def training_parameters(run: Run, task: Task) -> TrainingParameters:
    """The settings of training, with the algorithm of the task where it names one."""
    other = {"labels", "first_as_of_after_days", "step_days", "customer_share", "minimum_fitted", "algorithms"}
    chosen = run.settings.training
    told = TrainingParameters(**chosen.model_dump(exclude=other), algorithms=chosen.algorithms)
    return replace(told, algorithm=task.algorithm or told.algorithm)


def around_the_fit(run: Run, label_name: str) -> dict[str, Any]:
    """What decides whether a training passes and what is said of it, beside its fit."""
    values = run.settings.values.get(label_name)
    return {"guard": run.settings.guard.model_dump(mode="json"), "values": values and values.model_dump(mode="json")}


def families_of(features: FeatureSet) -> dict[str, str]:
    """Feature to family, where it has one."""
    return {one.name: one.family for one in features.features if one.family}
