"""How good parameters are in a fold: fitted in memory, on the driver, or several at once as Spark tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from models.algorithms.boosted import THREADS, XGBoost
from models.compare import forecast
from models.logistic import Floats
from models.parameters import TrainingParameters
from models.tuning.folds import Fold
from models.tuning.sampling import Parameters
from models.tuning.study import LossesOf

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def forecast_of(
    fold: Fold, parameters: TrainingParameters, changes: Parameters, *, seed: int, threads: int = THREADS
) -> Floats:  # fmt: skip
    """Probabilities of the judged rows by a fit with `changes` of `parameters`, its scale set by its stopping rows."""
    algorithm = XGBoost(replace(parameters, **changes).boosting(), threads=threads)  # type: ignore[arg-type]
    return forecast(algorithm, fold.learned, fold.matrix, seed=seed)


def loss_of(
    fold: Fold, parameters: TrainingParameters, changes: Parameters, *, seed: int, threads: int = THREADS
) -> float:  # fmt: skip
    """Log loss of `forecast_of`, in nats."""
    from models.evaluate import evaluate

    return evaluate(fold.labels, forecast_of(fold, parameters, changes, seed=seed, threads=threads)).log_loss or 0.0


def here(folds: Sequence[Fold], parameters: TrainingParameters, *, seed: int) -> LossesOf:
    """One fit after another, in this process."""
    return lambda asked, at: [loss_of(folds[at], parameters, changes, seed=seed) for changes in asked]


@contextmanager
def on_spark(
    spark: SparkSession, folds: Sequence[Fold], parameters: TrainingParameters, *, seed: int
) -> Iterator[LossesOf]:  # fmt: skip
    """A task of one thread for each fit. The folds are sent to every worker once: `tuning.rows` bounds them."""
    context = spark.sparkContext
    sent = [context.broadcast(fold) for fold in folds]

    def losses(asked: Sequence[Parameters], at: int) -> list[float]:
        fold = sent[at]

        def loss(changes: Parameters) -> float:
            return loss_of(fold.value, parameters, changes, seed=seed, threads=1)

        # Collects one number a trial.
        return list(context.parallelize(asked, len(asked)).map(loss).collect())

    try:
        yield losses
    finally:
        for fold in sent:
            fold.destroy()
