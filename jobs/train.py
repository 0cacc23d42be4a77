"""Fit, calibrate, judge and register the model of each label, or of lifetimes; an unchanged training is reused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from featurestore.errors import ConfigurationError
from featurestore.features.orders import CURRENCY
from featurestore.label_config import label
from featurestore.rebuilding import rebuild_rows
from featurestore.training_set_records import TrainingSet, table_of
from featurestore.views import FeatureSet
from jobs.build_features import chosen_as_of
from jobs.build_training_set import labels_asked
from jobs.judged_rows import training_table
from jobs.learning import (
    NOTHING,
    around_the_fit,
    families_of,
    head_of,
    learned_in_memory,
    learning_of,
)
from jobs.lifetime import lifetime_step
from jobs.model_registry import registry_of
from jobs.run import Run
from models.algorithms import NAMES
from models.bundle import UNGATED, Bundle
from models.compare import Ranked, compare
from models.guard.evidence import Guard, Rebuilt
from models.heads import gate_of, head_named, task_of
from models.parameters import TrainingParameters
from models.promotion.rivals import Admission, admission
from models.promotion.rule import shortfalls
from models.registration import Entry, enter
from models.registry import CHALLENGER
from models.report.asked import Asked
from models.report.page import report_files
from models.train import train_head
from models.train_amounts import TrainedAmounts, train_amounts
from models.trained import TrainedHead


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


def train_step(
    run: Run, label_name: str, as_of: date, *, changes: Mapping[str, Any] = NOTHING, search: str = ""
) -> Entry:  # fmt: skip
    """The model of a label's training, fitted now or found registered: its head's champion, or a challenger.

    `changes` of the parameters are what the `search` of that name found.
    """
    with run.step("train") as step:
        learning = learning_of(run, label_name, as_of)
        head, training_set, features = learning.head, learning.training_set, learning.features
        parameters = replace(learning.parameters, **changes)
        identity = learning.identity(run, parameters, around=around_the_fit(run, label_name))
        plan, meanings = learning.plan, features.feature_fingerprints

        def fit() -> TrainedHead | TrainedAmounts:
            rows = training_set.load_df(run.warehouse)
            guard = Guard(run.settings.guard, rebuilt_sample(run, training_set, features), families_of(features))
            told: dict[str, Any] = {
                "head": head, "features": learning.inputs, "feature_fingerprint": features.fingerprint,
                "training_fingerprint": identity, "plan": plan, "parameters": parameters, "seed": run.settings.seed,
                "guard": guard, "meanings": meanings,
            }  # fmt: skip
            if head.is_amount:
                return train_amounts(rows, **told)
            return train_head(rows, **told, values=run.settings.values.get(label_name))

        def report(trained: TrainedHead | TrainedAmounts, gate: str) -> Mapping[str, bytes]:
            made_from = f"{table_of(label_name)}, {training_set.fingerprint}{training_set.of_whom}"
            asked = _asked(run, label_name, as_of, made_from=made_from, parameters=parameters, features=features)
            judged = replace(trained, bundle=replace(trained.bundle, gate=gate))
            return report_files(judged, plan=plan, asked=asked)

        def admit(bundle: Bundle) -> Admission:
            if head.is_amount:
                return Admission(replace(bundle, gate=f"{UNGATED}: the rule of promotion is one of probabilities"))
            rows = training_table(run, training_set, head, [bundle])
            return admission(bundle, rows, task_of(head).gate, seed=run.settings.seed, meanings=meanings)

        refit = getattr(run.arguments, "refit", False)
        described = {**parameters.describe(), **({"search": search} if search else {})}
        entry = enter(registry_of(run), head, fingerprint=identity, fit=fit, admit=admit, report=report,
                      parameters=described, refit=refit)  # fmt: skip
        bundle = entry.model.bundle
        step.results.update(head=head.name, version=entry.model.version, role=entry.role, gate=bundle.gate,
                            guard=bundle.guard, reused=entry.reused, **_headline(bundle))  # fmt: skip
    return entry


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


def _asked(
    run: Run, label_name: str, as_of: date, *, made_from: str, parameters: TrainingParameters, features: FeatureSet
) -> Asked:
    settings = run.settings
    return Asked(meaning=tuple(line.strip() for line in label(label_name).explain()), as_of=as_of,
                 currency=settings.currency, made_from=made_from, seed=settings.seed, families=families_of(features),
                 parameters=parameters.describe(), values=settings.values.get(label_name),
                 counted=_counted(label_name))  # fmt: skip


def _counted(label_name: str) -> str:
    """What a head of amounts counts; "" for money, and for probabilities."""
    unit = head_of(label_name).unit
    return "" if unit == CURRENCY else unit


def _headline(bundle: Bundle) -> dict[str, float]:
    """The one figure of the test that a step reports."""
    name = "spearman" if bundle.is_amount else "auc"
    return {f"test_{name}": round(bundle.metrics.get(name, float("nan")), 4)}


def rebuilt_sample(run: Run, training_set: TrainingSet, features: FeatureSet) -> Rebuilt:
    """A sample of the training set, rebuilt from the events that it was built from, each row's up to its as-of."""
    found = rebuild_rows(run.warehouse, features, training_set.load_df(run.warehouse),
                         sample=run.settings.guard.sample_rows, seed=run.settings.seed,
                         versions=training_set.input_versions, delays_us=training_set.decision_delays_us)  # fmt: skip
    return Rebuilt(found.compared, found.different, found.examples)


def print_metrics(run: Run, entry: Entry) -> None:
    """The head's figures on a time it has not seen, beside the best single feature on the same rows; then its role."""
    from jobs.tables_for_people import metrics_tables

    bundle = entry.model.bundle
    for table in metrics_tables([bundle]):
        run.out.print(table)
    if entry.admission is not None:
        reasons = [f"  {reason}" for reason in entry.admission.reasons]
        run.out.print("\n".join([f"gate of a first champion: {bundle.gate}", *reasons]), markup=False)
    for note in shortfalls(bundle.metrics, gate_of(head_named(bundle.head))):
        run.out.print(f"{bundle.head}: {note}", markup=False)
    if entry.role == CHALLENGER:
        command = f"./spark-submit.sh promote --label {bundle.label} --warehouse {run.settings.warehouse}"
        run.out.print(f"{bundle.head}: version {entry.model.version} is a challenger. Decide: {command}")
