"""Score every customer at a date with the champion models, and keep each customer's newest scores."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Observation
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths
from featurestore.fold import CUSTOMER
from featurestore.persons import ALIAS
from featurestore.snapshot_records import among
from featurestore.snapshots import read_features
from featurestore.tables import Warehouse
from jobs.build_features import build_step, chosen_as_of
from jobs.build_training_set import labels_asked
from jobs.model_registry import registry_of
from jobs.run import Run
from jobs.score_tables import LATEST, SCORES
from jobs.train import head_of
from models.heads import HEADS
from models.registry import Registered
from models.score import score_frame


def run(run: Run) -> None:
    """Do what the arguments say."""
    as_of = chosen_as_of(run)
    if run.arguments.build:
        build_step(run, [as_of])
    models = champions(run)
    score_step(run, as_of, models)
    warn_of_hindsight(run, as_of, models)


def champions(run: Run) -> dict[str, Registered]:
    """By head, the champions of the labels that the settings name, and of any other that has one.

    Raises NoModel where a head of the settings has none; columns of other heads without one will be NULL, which is
    said.
    """
    registry = registry_of(run)
    trained = {*registry.heads_with(), *(head_of(name).name for name in labels_asked(run))}
    absent = [head for head in HEADS.values() if head.name not in trained]
    if absent:
        labels = " ".join(f"--label {head.label}" for head in absent)
        run.progress.print(f"note: no model of {', '.join(head.name for head in absent)}: {len(absent)} columns stay "
                           f"NULL (./spark-submit.sh train {labels})")  # fmt: skip
    return {name: registry.load(head) for name, head in HEADS.items() if name in trained}


def score_step(run: Run, as_of: date, models: dict[str, Registered]) -> None:
    """Write `customer_scores` of the date in one commit, then bring `customer_scores_latest` up to it."""
    with run.step("score") as step:
        features = run.features()
        snapshot = read_features(run.warehouse, features, dates=[as_of])
        seen = Observation("scores")
        scores = score_frame(snapshot, models=models, feature_fingerprint=features.fingerprint, as_of_date=as_of,
                             run_id=run.run_id, scored_at=run.started_at, observation=seen,
                             meanings=features.feature_fingerprints)  # fmt: skip
        run.warehouse.replace(SCORES, scores, where=among([as_of]))
        keep_latest(run.warehouse, as_of)
        step.results.update(as_of=as_of, **seen.get)


def keep_latest(warehouse: Warehouse, as_of: date) -> None:
    """Bring `customer_scores_latest` up to the scores of a date; ids that are aliases by now leave it."""
    written = warehouse.read(SCORES.name).where(among([as_of]))
    warehouse.upsert(LATEST, written, keys=(CUSTOMER,), update_if="new.as_of_date >= old.as_of_date")
    aliases = alias_paths(warehouse)
    if aliases is not None:
        warehouse.delete_keys(LATEST.name, aliases.select(F.col(ALIAS).alias(CUSTOMER)), key=CUSTOMER)


def warn_of_hindsight(run: Run, as_of: date, models: dict[str, Registered]) -> None:
    """Say so where a model has learned from outcomes later than the date it scores."""
    for name, model in models.items():
        known = date.fromisoformat(model.bundle.dates["test"]) + timedelta(days=model.bundle.horizon_days)
        if known > as_of:
            run.progress.print(f"note: the {name} model was chosen knowing outcomes up to {known}, later than {as_of}: "
                               "its scores of that date are no forecast")  # fmt: skip
