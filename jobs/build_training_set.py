"""Join snapshots with a label, split by time so that no training label reaches into a later period."""

from __future__ import annotations

from datetime import date

from featurestore.errors import ConfigurationError
from featurestore.knowledge import AS_KNOWN, LATEST
from featurestore.label_definitions import Label
from featurestore.replay import Replay, replay
from featurestore.spine import MICROSECOND
from featurestore.training_set import Request, build_training_set
from featurestore.training_set_records import TrainingSet, recorded
from featurestore.watermarks import first_event_date
from jobs.build_features import build_step, chosen_as_of
from jobs.options.build_training_set import ALL
from jobs.run import Run
from jobs.settings import load_labels
from models.heads import HEADS
from models.splits import SplitPlan, plan_splits, recorded_plan
from models.training_rows import split_column


def run(run: Run) -> None:
    """Do what the arguments say."""
    labels = [one for name in labels_asked(run) for one in load_labels(name, views=run.views)]
    if run.arguments.replay is not None:
        for label in labels:
            replay_step(run, label, run.arguments.replay)
        return
    if run.arguments.build and run.arguments.knowledge == AS_KNOWN:
        raise ConfigurationError(
            "--build makes snapshots, of all that is known now; --knowledge as_known folds the events themselves.\n"
            "  Leave --build out."
        )
    as_of = chosen_as_of(run)
    for label in labels:
        plan = split_plan(run, label, as_of)
        if run.arguments.dry_run:
            run.out.print(label.name, plan.describe())
            continue
        if run.arguments.build:
            build_step(run, plan.as_ofs)
        built = training_set_step(run, label, plan)
        run.out.print(f"{built.table} version {built.version}: rows {dict(built.rows_per_split)}, "
                      f"{built.immature_as_ofs} immature as-ofs and {built.outside_population:,} "
                      f"customer-dates outside the population left out{built.of_whom}")  # fmt: skip


def labels_asked(run: Run) -> tuple[str, ...]:
    """The labels, or files of labels, that `--label` names, `all` of them, or those of the settings; each once."""
    asked = getattr(run.arguments, "label", None) or run.settings.training.labels
    every = [head.label for head in HEADS.values()]
    return tuple(dict.fromkeys(one for name in asked for one in (every if name == ALL else [name])))


def split_plan(run: Run, label: Label, as_of: date) -> SplitPlan:
    """The as-ofs of a label's training set and what each is for, by the settings."""
    training = run.settings.training
    return plan_splits(
        as_of,
        horizon_days=label.horizon_days,
        source_start=first_event_date(run.warehouse, label.source),
        first_after_days=training.first_as_of_after_days,
        step_days=training.step_days,
        minimum_fitted=training.minimum_fitted,
    )


def training_set_step(run: Run, label: Label, plan: SplitPlan) -> TrainingSet:
    """Build the training set of one label, or find that it stands already."""
    # The demo has no such option: its models learn from the snapshots.
    knowledge = getattr(run.arguments, "knowledge", LATEST)
    request = Request(label, run.features(), plan.dates, split_column(plan), run.settings.seed, knowledge,
                      run.settings.features.decision_delays, run.settings.training.customer_share)  # fmt: skip
    with run.step("build_training_set") as step:
        built = build_training_set(
            run.warehouse, request, limits=run.limits, run_id=run.run_id, built_at=run.started_at
        )
        step.results.update(label=label.name, rows=sum(built.rows_per_split.values()), reused=built.reused)
    return built


def replay_step(run: Run, label: Label, version: int) -> Replay:
    """Build a recorded training set again, and say that it is the same; DataContractError where it is not."""
    found = recorded(run.warehouse, label.name)
    if version not in found:
        known = [str(one) for one in found]
        raise ConfigurationError.unknown_name("version", str(version), known=known, where=f"training set {label.name}")
    plan = recorded_plan(found[version].as_ofs, horizon_days=label.horizon_days)
    features = run.feature_set(found[version].view_fingerprints)
    delays = {name: us * MICROSECOND for name, us in found[version].decision_delays_us.items()}
    request = Request(label, features, plan.dates, split_column(plan), found[version].seed, found[version].knowledge,
                      delays, found[version].customer_share)  # fmt: skip
    with run.step("replay") as step:
        again = replay(run.warehouse, found[version], request, limits=run.limits)
        step.results.update(label=label.name, version=version, rows=again.rows)
    run.out.print(f"{again.table}: {again.rows:,} rows, the same as version {version} to the last bit "
                  f"({again.content_hash})")  # fmt: skip
    return again
