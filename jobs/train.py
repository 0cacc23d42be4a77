"""Fit, calibrate, judge and register the model of each label, or of lifetimes; an unchanged training is reused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from featurestore.errors import ConfigurationError, MissingInput
from featurestore.label_config import label
from featurestore.rebuilding import rebuild_rows
from featurestore.training_set_records import TrainingSet, newest, table_of
from featurestore.views import FeatureSet
from jobs.build_features import chosen_as_of
from jobs.build_training_set import labels_asked, split_plan
from jobs.judged_rows import training_table
from jobs.lifetime import lifetime_step
from jobs.model_registry import registry_of
from jobs.run import Run
from models.algorithms import NAMES, XGBOOST
from models.bundle import UNGATED, Bundle
from models.compare import Ranked, compare
from models.fingerprints import training_fingerprint
from models.guard.evidence import Guard, Rebuilt
from models.heads import HEADS, Head, gate_of, task_of
from models.parameters import TrainingParameters
from models.promotion.rivals import Admission, admission
from models.promotion.rule import shortfalls
from models.registration import Entry, Trained, enter
from models.registry import CHALLENGER
from models.splits import CALIBRATE, FIT, STOP, SplitPlan
from models.tasks import Task
from models.train import inputs_of, train_head
from models.train_amounts import train_amounts
from models.training_rows import joined

HEAD_OF = {head.label: head for head in HEADS.values()}


def run(run: Run) -> None:
    """Do what the arguments say."""
    if run.arguments.lifetime and run.arguments.label:
        raise ConfigurationError("--lifetime learns from histories and takes no --label: run train twice.")
    if run.arguments.lifetime:
        lifetime_step(run)
        return
    as_of = chosen_as_of(run)
    for name in labels_asked(run):
        if run.arguments.compare:
            compare_step(run, name, as_of)
            continue
        print_metrics(run, train_step(run, name, as_of))


def head_of(label_name: str) -> Head:
    """The head that learns a label; ConfigurationError where none does."""
    if label_name not in HEAD_OF:
        raise ConfigurationError(f"no head learns label '{label(label_name).name}'; heads learn {', '.join(HEAD_OF)}.")
    return HEAD_OF[label_name]


def train_step(run: Run, label_name: str, as_of: date) -> Entry:
    """The model of a label's training, fitted now or found registered: its head's champion, or a challenger."""
    head, plan = head_of(label_name), split_plan(run, label(label_name), as_of)
    with run.step("train") as step:
        training_set = standing(run, label_name, plan, as_of)
        task, features = task_of(head), run.features()
        parameters = _parameters(run, task)
        what: dict[str, Any] = {
            "features": task.inputs(features.model_inputs), "feature_fingerprint": features.fingerprint,
            "plan": plan, "parameters": parameters, "seed": run.settings.seed,
        }  # fmt: skip
        meanings = features.feature_fingerprints
        identity = training_fingerprint(head, training_set=training_set.fingerprint, **what,
                                        settings=_around(run, label_name))  # fmt: skip

        def fit() -> Trained:
            rows = training_set.load_df(run.warehouse)
            guard = Guard(run.settings.guard, rebuilt_sample(run, training_set, features), families_of(features))
            what.update(head=head, training_fingerprint=identity, guard=guard, meanings=meanings)
            if head.is_amount:
                return train_amounts(rows, **what)
            return train_head(rows, **what, values=run.settings.values.get(label_name))

        def admit(bundle: Bundle) -> Admission:
            if head.is_amount:
                return Admission(replace(bundle, gate=f"{UNGATED}: the rule of promotion is one of probabilities"))
            rows = training_table(run, training_set, head, [bundle])
            return admission(bundle, rows, task.gate, seed=run.settings.seed, meanings=meanings)

        refit = getattr(run.arguments, "refit", False)
        entry = enter(registry_of(run), head, fingerprint=identity, fit=fit, admit=admit,
                      parameters=parameters.describe(), refit=refit)  # fmt: skip
        bundle = entry.model.bundle
        step.results.update(head=head.name, version=entry.model.version, role=entry.role, gate=bundle.gate,
                            guard=bundle.guard, reused=entry.reused, **_headline(bundle))  # fmt: skip
    return entry


def compare_step(run: Run, label_name: str, as_of: date) -> list[Ranked]:
    """All algorithms with the parameters of the settings, over as-ofs before the test and over customers."""
    from jobs.tables_for_people import comparison_table

    head, plan = head_of(label_name), split_plan(run, label(label_name), as_of)
    if head.is_amount:
        raise ConfigurationError(f"--compare ranks probabilities; label {label_name} is a number, for {XGBOOST} alone.")
    with run.step("compare") as step:
        rows = standing(run, label_name, plan, as_of).load_df(run.warehouse)
        task = task_of(head)
        parameters = _parameters(run, task)
        inputs = inputs_of(rows, head, features=task.inputs(run.features().model_inputs), parameters=parameters)
        most = parameters.max_baseline_rows
        ranked = compare(
            joined([inputs.sample(split, at_most=most) for split in (FIT, STOP, CALIBRATE)]),
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


def print_metrics(run: Run, entry: Entry) -> None:
    """The head's figures on a time it has not seen, beside the best single feature on the same rows; then its role."""
    from jobs.tables_for_people import metrics_tables

    bundle = entry.model.bundle
    for table in metrics_tables([bundle]):
        run.out.print(table)
    if entry.admission is not None:
        reasons = [f"  {reason}" for reason in entry.admission.reasons]
        run.out.print("\n".join([f"gate of a first champion: {bundle.gate}", *reasons]), markup=False)
    for note in shortfalls(bundle.metrics, gate_of(HEADS[bundle.head])):
        run.out.print(f"{bundle.head}: {note}", markup=False)
    if entry.role == CHALLENGER:
        command = f"./spark-submit.sh promote --label {bundle.label} --warehouse {run.settings.warehouse}"
        run.out.print(f"{bundle.head}: version {entry.model.version} is a challenger. Decide: {command}")
