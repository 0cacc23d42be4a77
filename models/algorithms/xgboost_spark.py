"""The distributed fit: XGBoost's own Spark estimator, the one file that needs a classic Spark session.

Spark hands rows to workers by position and by chance; here the worker of a row follows from its key and the
order within a worker is that of the keys, so that two fits on the same rows see the same data in the same
places.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from xgboost import Booster
from xgboost.spark import SparkXGBRegressor

from models.algorithms.native_log import NativeLog
from models.algorithms.objectives import PROBABILITY, Objective
from models.algorithms.parameters import XGBoostParameters
from models.training_rows import as_float32, column
from models.vocabulary import NO_WORDS

log = logging.getLogger(__name__)

_LABEL, _STOP, _KNOWN, _WORKER = "fit_label", "fit_stop", "fit_known", "fit_worker"
# XGBoost gives these loggers a handler and the level INFO unless they have a level already.
_CHATTER = ("SparkXGBRegressor", "XGBoost-PySpark", "XGBoostPySpark")
ADAPTIVE = "spark.sql.adaptive.enabled"


@dataclass(frozen=True)
class DistributedFit:
    """A booster trimmed to its best iteration, and the loss of every iteration by data set."""

    booster: bytes
    best_iteration: int
    history: Mapping[str, Sequence[float]]
    workers: int


def fit_distributed(
    rows: DataFrame,
    *,
    features: Sequence[str],
    label: str,
    stopping: str,
    key: Sequence[str],
    parameters: XGBoostParameters,
    seed: int,
    objective: Objective = PROBABILITY,
    words: Mapping[str, Sequence[str]] = NO_WORDS,
    offset: str | None = None,
    mean: float | None = None,
) -> DistributedFit:
    """Fit on the rows where boolean `stopping` is false, stop where the loss on the others no longer falls.

    `label` is 0/1, or a number, without NULLs; features are numbers, booleans, or text whose `words` are known; NULL
    is missing; `key` names the columns that tell rows apart. Fewer workers are used where a worker would be left
    without rows of either kind. The column `offset` is what is known of a row's margin beforehand, without NULLs; it
    needs the `mean` label of the learned rows, from which all margins start.
    Raises CannotTrain for a feature that is no number.
    """
    known = None if offset is None or mean is None else column(offset) + F.lit(objective.margin(mean))
    numbers = _as_numbers(rows, features=features, words=words, label=label, stopping=stopping, key=key, known=known)
    workers = _workers(numbers, key=key, wanted=parameters.num_workers)
    placed = _placed(numbers, key=key, workers=workers)
    _hush()
    estimator = _estimator(features, parameters=parameters, objective=objective, workers=workers, seed=seed)
    if known is not None:
        estimator.setParams(base_margin_col=_KNOWN, base_score=mean)
    with _planned_once(rows.sparkSession):
        model = estimator.fit(placed)
    history = model.training_summary
    booster: Booster = model.get_booster()
    best = int(booster.best_iteration)
    return DistributedFit(
        booster=_trimmed(booster, best=best, features=features),
        best_iteration=best,
        history={
            "fit": history.train_objective_history[objective.figure],
            "stop": history.validation_objective_history[objective.figure],
        },
        workers=workers,
    )


@contextmanager
def _planned_once(spark: SparkSession) -> Iterator[None]:
    """Adaptive execution runs the shuffle when the estimator asks for the number of partitions, and again to fit."""
    before = str(spark.conf.get(ADAPTIVE))
    spark.conf.set(ADAPTIVE, "false")
    try:
        yield
    finally:
        spark.conf.set(ADAPTIVE, before)


def _as_numbers(
    rows: DataFrame, *, features: Sequence[str], words: Mapping[str, Sequence[str]], label: str, stopping: str,
    key: Sequence[str], known: Column | None,
) -> DataFrame:  # fmt: skip
    floats = as_float32(rows.schema, features, words=words)
    # Numbered names cannot clash with the estimator's own ("label", "weight", "values") nor hold dots.
    named = [one.alias(name) for one, name in zip(floats, _numbered(features), strict=True)]
    labelled = [column(label).cast("double").alias(_LABEL), column(stopping).alias(_STOP)]
    if known is not None:
        labelled.append(known.cast("double").alias(_KNOWN))
    return rows.select(*(column(name).alias(name) for name in key), *labelled, *named)


def _workers(numbers: DataFrame, *, key: Sequence[str], wanted: int) -> int:
    """The most workers, up to `wanted`, that all get rows of both kinds: XGBoost fails where one has none."""
    slots = local_slots(numbers.sparkSession.conf.get("spark.master", "") or "")
    if slots is not None and slots < wanted:
        log.warning("num_workers %d exceeds the %d local cores; %d workers are used", wanted, slots, slots)
    for workers in range(min(wanted, slots or wanted), 1, -1):
        shares = numbers.select(_worker(key, workers).alias(_WORKER), _STOP).distinct().count()
        if shares == 2 * workers:
            return workers
    return 1


def _placed(numbers: DataFrame, *, key: Sequence[str], workers: int) -> DataFrame:
    """One partition a worker, sorted by key; the estimator shuffles again only if the counts differ."""
    assigned = numbers.withColumn(_WORKER, _worker(key, workers))
    return assigned.repartitionById(workers, F.col(_WORKER)).sortWithinPartitions(*key).drop(_WORKER)


def _worker(key: Sequence[str], workers: int) -> Column:
    # The first word keeps it apart from other draws by a hash of the key: rows to stop by are often drawn like that.
    return F.pmod(F.xxhash64(F.lit(_WORKER), *(column(name) for name in key)), F.lit(workers)).cast("int")


def _estimator(
    features: Sequence[str], *, parameters: XGBoostParameters, objective: Objective, workers: int, seed: int
) -> SparkXGBRegressor:
    # A classifier would count the labels first, a pass over all rows; its booster is a regressor's with the same loss.
    return SparkXGBRegressor(
        features_col=_numbered(features),
        label_col=_LABEL,
        validation_indicator_col=_STOP,
        num_workers=workers,
        missing=float("nan"),
        tree_method="hist",
        eval_metric=objective.figure,
        random_state=seed,
        verbose=False,
        callbacks=[NativeLog()],
        # Where the first worker runs: those who start again, after one was lost, then start a tracker, too.
        launch_tracker_on_driver=False,
        n_estimators=parameters.trees,
        early_stopping_rounds=parameters.early_stopping_rounds,
        **parameters.native(),
        objective=objective.loss,
    )


def _trimmed(booster: Booster, *, best: int, features: Sequence[str]) -> bytes:
    trimmed = booster[: best + 1]
    trimmed.feature_names = list(features)
    return bytes(trimmed.save_raw("ubj"))


def _numbered(features: Sequence[str]) -> list[str]:
    return [f"x{at:05d}" for at in range(len(features))]


def local_slots(master: str) -> int | None:
    """Tasks that a local master runs at once; None for a cluster, where more workers can still arrive.

    >>> local_slots("local[2]"), local_slots("local"), local_slots("yarn")
    (2, 1, None)
    """
    found = re.fullmatch(r"local(?:\[(\d+|\*)(?:,\s*\d+)?\])?", master)
    if found is None:
        return None
    return os.cpu_count() or 1 if found[1] == "*" else int(found[1] or 1)


def _hush() -> None:
    for name in _CHATTER:
        logging.getLogger(name).setLevel(logging.WARNING)
