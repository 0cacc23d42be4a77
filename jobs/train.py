"""Fit, calibrate, judge and register the model of each label; an unchanged training is reused.

./spark-submit.sh train --label churn_60d --as-of 2011-12-09
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from pyspark.sql import functions as F

from featurestore.errors import MissingInput
from featurestore.labels import LABELS
from featurestore.training_set import TRAINING_SETS
from jobs.arguments import day
from jobs.build_training_set import chosen_as_of, split_plan
from jobs.run import Run
from models.fingerprints import training_fingerprint
from models.heads import HEADS
from models.parameters import TrainingParameters
from models.registration import Championship, crown
from models.registry import Registry
from models.train import TrainedHead, train_head

HEAD_OF = {head.label: head for head in HEADS.values()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--label", action="append", metavar="NAME", help=f"repeatable (default: {', '.join(LABELS)})")
    parser.add_argument("--as-of", type=day, metavar="D", help="as in build_training_set, which must have run with it")
    parser.add_argument("--refit", action="store_true", help="fit again even if nothing has changed")


def run(run: Run) -> None:
    """Do what the arguments say."""
    as_of = chosen_as_of(run)
    for name in run.arguments.label or list(LABELS):
        print_metrics(run, train_step(run, name, as_of))


def registry_of(run: Run) -> Registry:
    """The model registry of the settings: SQLite and files under the warehouse unless they name another."""
    home = Path(run.settings.warehouse).resolve()
    return Registry(
        run.settings.registry.tracking_uri or f"sqlite:///{home}/mlflow.db",
        run.settings.registry.artifact_root or f"{home}/mlruns",
    )


def train_step(run: Run, label_name: str, as_of: date) -> Championship:
    """The champion of a label's head, fitted now or found registered from the same training."""
    head, plan = HEAD_OF[label_name], split_plan(run, label_name, as_of)
    with run.step("train") as step:
        recorded = _recorded(run, label_name)
        parameters = _parameters(run)
        features, view = run.view().model_inputs, run.view()
        identity = training_fingerprint(
            head, training_set=recorded, features=features, feature_fingerprint=view.fingerprint, plan=plan,
            parameters=parameters, seed=run.settings.seed,
        )  # fmt: skip

        def fit() -> TrainedHead:
            rows = run.warehouse.read(f"training_set_{label_name}")
            return train_head(
                rows, head=head, features=features, feature_fingerprint=view.fingerprint,
                training_fingerprint=identity, plan=plan, parameters=parameters, seed=run.settings.seed,
            )  # fmt: skip

        refit = getattr(run.arguments, "refit", False)
        crowned = crown(
            registry_of(run), head, fingerprint=identity, fit=fit, parameters=parameters.describe(), refit=refit
        )
        bundle = crowned.champion.bundle
        step.results.update(head=head.name, version=crowned.champion.version, gate=bundle.gate, reused=crowned.reused,
                            test_auc=round(bundle.metrics.get("auc", float("nan")), 4))  # fmt: skip
    return crowned


def _parameters(run: Run) -> TrainingParameters:
    splitting = {"first_as_of_after_days", "step_days", "minimum_fitted"}
    return TrainingParameters(**run.settings.training.model_dump(exclude=splitting))


def _recorded(run: Run, label_name: str) -> str:
    """The fingerprint of the newest training set of a label; MissingInput names the job that makes one."""
    missing = MissingInput.table(f"training_set_{label_name}", warehouse=run.warehouse.root,
                                 make_with=f"build_training_set --label {label_name} --build")  # fmt: skip
    if not run.warehouse.exists(TRAINING_SETS.name):
        raise missing
    newest = (
        run.warehouse.read(TRAINING_SETS.name).where(F.col("name") == label_name).orderBy(F.desc("version")).first()
    )
    if newest is None:
        raise missing
    return newest["fingerprint"]


def print_metrics(run: Run, crowned: Championship) -> None:
    """The head's figures on a time it has not seen, beside the best single feature on the same rows."""
    from jobs.tables_for_people import metrics_table

    run.out.print(metrics_table([crowned.champion.bundle]))
