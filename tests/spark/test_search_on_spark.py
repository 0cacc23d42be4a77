"""Trials as Spark tasks: the losses that the driver finds, with as many threads, to the digit."""

from __future__ import annotations

from models.tuning.objective import loss_of, on_spark
from tests.unit.models.tuning.test_tune import CONSTANT, PARAMETERS, TREES, folds


def test_a_task_finds_the_loss_that_the_driver_finds(spark) -> None:
    searched = folds().searched
    asked = [CONSTANT, TREES, {"learning_rate": 0.1}]
    with on_spark(spark, searched, PARAMETERS, seed=3) as losses:
        for at, fold in enumerate(searched):
            here = [loss_of(fold, PARAMETERS, changes, seed=3, threads=1) for changes in asked]
            assert list(losses(asked, at)) == here
            assert len(set(here)) == 3
