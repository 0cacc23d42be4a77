"""Fit, calibrate, judge and register the model of each label, or of lifetimes; an unchanged training is reused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from featurestore.errors import ConfigurationError, MissingInput
from featurestore.label_config import label
from featurestore.rebuilding import rebuild_rows
from featurestore.training_set_records import TrainingSet, newest, table_of
from featurestore.views import FeatureSet
from jobs.build_features import chosen_as_of
from jobs.build_training_set import labels_asked, split_plan
from jobs.lifetime import lifetime_step
from jobs.model_registry import registry_of
from jobs.run import Run
from models.algorithms import NAMES
from models.bundle import Bundle
from models.compare import Ranked, compare
from models.fingerprints import training_fingerprint
from models.guard.evidence import Guard, Rebuilt
from models.heads import HEADS, Head, task_of
from models.inputs import Inputs
from models.parameters import TrainingParameters
from models.registration import Championship, Trained, crown
from models.splits import CALIBRATE, FIT, STOP, SplitPlan
from models.tasks import Task
from models.train import inputs_of, train_head
from models.train_amounts import train_amounts
from models.training_rows import Sample, joined

NOTHING: Mapping[str, Any] = MappingProxyType({})
HEAD_OF = {head.label: head for head in HEADS.values()}


def run(run: Run) -> None:
    """Do what the arguments say."""
    if run.arguments.lifetime and run.arguments.label:
        raise ConfigurationError("--lifetime learns from histories and takes no --label: run train twice.")
    if run.arguments.lifetime:
        lifetime_step(run)
        return
    if not run.arguments.tune and (run.arguments.trials or run.arguments.minutes):
        raise ConfigurationError("--trials and --minutes are the budget of a search: add --tune.")
    as_of = chosen_as_of(run)
    for name in labels_asked(run):
        _of_label(run, name, as_of)


def _of_label(run: Run, name: str, as_of: date) -> None:
    asked = next((one for one in ("compare", "stability", "tune") if getattr(run.arguments, one)), None)
    if asked and head_of(name).is_amount:
        raise ConfigurationError(f"--{asked} judges probabilities by their log loss; label {name} is a number.")
    # What is asked for now and then loads what it needs, Optuna for one, only then.
    if run.arguments.compare:
        compare_step(run, name, as_of)
    elif run.arguments.stability:
        from jobs.stability import stability_step

        stability_step(run, name, as_of)
    elif run.arguments.tune:
        from jobs.tuning import tune_step

        found = tune_step(run, name, as_of)
        print_metrics(run, train_step(run, name, as_of, changes=found.changes, search=found.search))
    else:
        print_metrics(run, train_step(run, name, as_of))


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
    parameters = _parameters(run, task_of(head))
    return Learning(head, plan, standing(run, label_name, plan, as_of), run.features(), parameters)


def learned_in_memory(run: Run, learning: Learning) -> tuple[Inputs, Sample]:
    """All rows but those of the test, at most `training.max_baseline_rows` of a split, drawn by customer."""
    rows, parameters = learning.training_set.load_df(run.warehouse), learning.parameters
    inputs = inputs_of(rows, learning.head, features=learning.inputs, parameters=parameters)
    most = parameters.max_baseline_rows
    return inputs, joined([inputs.sample(split, at_most=most) for split in (FIT, STOP, CALIBRATE)])


def train_step(
    run: Run, label_name: str, as_of: date, *, changes: Mapping[str, Any] = NOTHING, search: str = ""
) -> Championship:  # fmt: skip
    """The champion of a label's head, fitted now or found registered from the same training.

    `changes` of the parameters are what the `search` of that name found.
    """
    with run.step("train") as step:
        learning = learning_of(run, label_name, as_of)
        head, training_set, features = learning.head, learning.training_set, learning.features
        parameters = replace(learning.parameters, **changes)
        identity = learning.identity(run, parameters, around=_around(run, label_name))

        def fit() -> Trained:
            rows = training_set.load_df(run.warehouse)
            guard = Guard(run.settings.guard, rebuilt_sample(run, training_set, features), families_of(features))
            told: dict[str, Any] = {
                "head": head, "features": learning.inputs, "feature_fingerprint": features.fingerprint,
                "training_fingerprint": identity, "plan": learning.plan, "parameters": parameters,
                "seed": run.settings.seed, "guard": guard,
            }  # fmt: skip
            if head.is_amount:
                return train_amounts(rows, **told)
            return train_head(rows, **told, values=run.settings.values.get(label_name))

        refit = getattr(run.arguments, "refit", False)
        described = {**parameters.describe(), **({"search": search} if search else {})}
        crowned = crown(registry_of(run), head, fingerprint=identity, fit=fit, parameters=described, refit=refit)
        bundle = crowned.champion.bundle
        step.results.update(head=head.name, version=crowned.champion.version, gate=bundle.gate, guard=bundle.guard,
                            reused=crowned.reused, **_headline(bundle))  # fmt: skip
    return crowned


def compare_step(run: Run, label_name: str, as_of: date) -> list[Ranked]:
    """All algorithms with the parameters of the settings, over as-ofs before the test and over customers."""
    from jobs.tables_for_people import comparison_table

    with run.step("compare") as step:
        learning = learning_of(run, label_name, as_of)
        head, parameters = learning.head, learning.parameters
        inputs, rows = learned_in_memory(run, learning)
        ranked = compare(
            rows,
            features=inputs.features, algorithms=[parameters.algorithm_of(name) for name in NAMES],
            horizon_days=head.horizon_days, folds=parameters.compare_folds, at_most=parameters.trial_rows,
            seed=run.settings.seed, categorical=inputs.categorical, progress=run.progress.print,
        )  # fmt: skip
        losses = {f"{one.folds}: {one.algorithm}": one.metrics.log_loss for one in ranked}
        step.results.update(head=head.name, best=ranked[0].algorithm, log_losses=losses)
    run.out.print(comparison_table(head.name, ranked))
    return ranked


def _parameters(run: Run, task: Task) -> TrainingParameters:
    """The settings of training, with the algorithm of the task where it names one."""
    other = {"labels", "first_as_of_after_days", "step_days", "minimum_fitted", "algorithms"}
    chosen = run.settings.training
    told = TrainingParameters(**chosen.model_dump(exclude=other), algorithms=chosen.algorithms)
    return replace(told, algorithm=task.algorithm or told.algorithm)


def _headline(bundle: Bundle) -> dict[str, float]:
    """The one figure of the test that a step reports."""
    name = "spearman" if bundle.is_amount else "auc"
    return {f"test_{name}": round(bundle.metrics.get(name, float("nan")), 4)}


def _around(run: Run, label_name: str) -> dict[str, Any]:
    """What decides whether a training passes and what is said of it, beside its fit."""
    values = run.settings.values.get(label_name)
    return {"guard": run.settings.guard.model_dump(mode="json"), "values": values and values.model_dump(mode="json")}


def rebuilt_sample(run: Run, training_set: TrainingSet, features: FeatureSet) -> Rebuilt:
    """A sample of the training set, rebuilt from the events that it was built from, each row's up to its as-of."""
    found = rebuild_rows(run.warehouse, features, training_set.load_df(run.warehouse),
                         sample=run.settings.guard.sample_rows, seed=run.settings.seed,
                         versions=training_set.input_versions, delays_us=training_set.decision_delays_us)  # fmt: skip
    return Rebuilt(found.compared, found.different, found.examples)


def families_of(features: FeatureSet) -> dict[str, str]:
    """Feature to family, where it has one."""
    return {one.name: one.family for one in features.features if one.family}


def standing(run: Run, label_name: str, plan: SplitPlan, as_of: date) -> TrainingSet:
    """The training set of a label, whole and of the dates of `plan`; the error names the job that makes one."""
    make_with = f"build_training_set --label {label_name} --as-of {as_of} --build"
    found = newest(run.warehouse, label_name)
    if found is None or not found.is_current(run.warehouse):
        raise MissingInput.table(table_of(label_name), warehouse=run.warehouse.root, make_with=make_with)
    other = found.as_ofs.items() - {str(day): split for day, split in plan.dates.items()}.items()
    if other:
        raise ConfigurationError(
            f"training set '{label_name}' was built for other dates than --as-of {as_of} asks for "
            f"({len(other)} differ, {sorted(other)[0][0]} among them).\n"
            f"  Build it: ./spark-submit.sh {make_with} --warehouse {run.warehouse.root}"
        )
    return found


def print_metrics(run: Run, crowned: Championship) -> None:
    """The head's figures on a time it has not seen, beside the best single feature on the same rows."""
    from jobs.tables_for_people import metrics_tables

    for table in metrics_tables([crowned.champion.bundle]):
        run.out.print(table)
