"""Rows with known outcomes that models are judged on: those of a training set, or those of later snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import events_of_persons
from featurestore.label_config import label
from featurestore.labels import labelled
from featurestore.snapshot_inputs import before
from featurestore.snapshots import read_features
from featurestore.training_set_records import TrainingSet
from jobs.run import Run
from models.bundle import Bundle
from models.errors import OtherFeatures
from models.heads import Head
from models.inputs import Inputs
from models.promotion.forecasts import Forecast, together
from models.promotion.recipes import Table
from models.promotion.rivals import RIVAL_FEATURES
from models.splits import CALIBRATE, FIT, SPLITS, STOP, TEST
from models.training_rows import AS_OF, SPLIT, count_splits, joined, labelled_rows


def training_table(run: Run, training_set: TrainingSet, head: Head, bundles: Sequence[Bundle]) -> Table:
    """All splits with the features of `bundles` and of the rivals, as far as the views have those.

    As many rows as a training reads on the driver: `training.max_baseline_rows` of those fitted,
    `training.max_evaluation_rows` of the others. Raises OtherFeatures for a set without a feature of `bundles`.
    """
    rows = labelled_rows(training_set.load_df(run.warehouse), label=head.label)
    there, words = set(rows.columns), {name: known for one in bundles for name, known in one.words.items()}
    rivals = [name for name in RIVAL_FEATURES if name in there]
    columns = tuple(dict.fromkeys([*(name for one in bundles for name in one.features), *rivals]))
    if missing := [name for name in columns if name not in there]:
        raise OtherFeatures.columns(f"a judgement on {training_set.table}", missing=missing, available=rows.columns)
    inputs = Inputs(rows, head.label, columns, words, count_splits(rows, label=head.label))
    most, later = run.settings.training.max_baseline_rows, run.settings.training.max_evaluation_rows
    limits = {FIT: most, STOP: most, CALIBRATE: later, TEST: later}
    samples = [inputs.sample(split, at_most=limits[split]) for split in SPLITS]
    return Table(joined(samples), columns, frozenset(words))


def rows_of_the_test(run: Run, training_set: TrainingSet) -> DataFrame:
    """The rows of the training set's test, with all its columns."""
    return training_set.load_df(run.warehouse).where(F.col(SPLIT) == TEST)


def rows_at(rows: DataFrame, day: date) -> DataFrame:
    """Those of one as-of."""
    return rows.where(F.col(AS_OF) == F.lit(day))


def later_rows(run: Run, head: Head, as_ofs: Sequence[date]) -> DataFrame:
    """The snapshots of `as_ofs` with the label of the head, for customers whom it asks about."""
    asked = label(head.label)
    events = before(events_of_persons(run.warehouse, asked.source), max(as_ofs) + timedelta(days=head.horizon_days))
    outcomes = labelled(events, [asked], as_ofs=sorted(as_ofs), limits=run.limits)
    features = read_features(run.warehouse, run.features(), dates=sorted(as_ofs))
    return labelled_rows(features.join(outcomes, ["customer_id", "as_of_date"]).withColumn(SPLIT, F.lit(TEST)),
                         label=head.label)  # fmt: skip


def forecast(run: Run, rows: DataFrame, bundle: Bundle) -> Forecast:
    """What a model says of `later_rows`, at most `training.max_evaluation_rows` of them, by customer."""
    inputs = Inputs(rows, bundle.label, bundle.features, bundle.words, count_splits(rows, label=bundle.label))
    sample = inputs.sample(TEST, at_most=run.settings.training.max_evaluation_rows, purpose="promotion")
    parts = []
    for day in np.unique(sample.days):
        at = sample.days == day
        said = bundle.at(day.item()).predict(sample.matrix[at])
        parts.append(Forecast(sample.customers[at], sample.days[at], sample.labels[at], said))
    return together(parts)
