"""The six learned heads over made-up customers, reading and writing included: one pass, SparkXGB, one process alone."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial, reduce
from operator import or_
from statistics import linear_regression
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.snapshot_records import among
from featurestore.tables import Table, Warehouse
from featurestore.views import FeatureSet
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_features import DAY, written
from jobs.benchmarks.score_models import Sample, fitted
from jobs.benchmarks.score_rivals import Alone, by_transform
from jobs.run import Run
from jobs.score_tables import ACTION_COLUMNS, SCORES
from models.algorithms.parameters import XGBoostParameters
from models.heads import HEADS
from models.score import Scorers, one_pass, prepared, score_frame

SIZES = {"customers": 20_000, "most": 20_000, "trees": 400}
VIEWS = ("orders", "interactions", "support", "profiles")
LEARNED_FROM, STEP = 5_000, 5
SCORED = Table("scored", tuple(column for column in SCORES.columns if column.name not in ACTION_COLUMNS),
               "What the one pass alone gives: scores before actions", SCORES.partition_by)  # fmt: skip
CLOSE = 2e-6
"""Contenders may differ by so much of a score: SparkXGB's inputs and outputs are floats."""
KIB_A_MIB = 1024


def run(run: Run) -> list[Figure]:
    """Seconds of all three on `--customers`, then of the one pass on five times as many each, up to `--most`."""
    near = Warehouse(run.spark, f"{run.settings.warehouse}/bench")
    features = run.feature_set(VIEWS)
    asked = run.arguments
    models = _models(run, near, features)
    with TemporaryDirectory(prefix="run-", dir=near.root) as folder:
        contest = Contest(run, near, Warehouse(run.spark, folder), features, models)
        figures = [Figure("customers", asked.customers, "customers"), Figure("inputs", len(features.model_inputs), "1")]
        return [*figures, *contest.figures(asked.customers), *contest.slope(asked.customers, most=asked.most)]


class Contest:
    """The models, the tables that they score, and where their scores go."""

    def __init__(self, run: Run, near: Warehouse, out: Warehouse, features: FeatureSet, models: Scorers) -> None:
        self.run, self.near, self.out, self.features, self.models = run, near, out, features, models

    def figures(self, customers: int) -> list[Figure]:
        """Seconds of each, after their scores were found equal; the memory of a worker before SparkXGB uses it."""
        table = written(self.near, self.features, customers, seed=self.run.settings.seed)
        self.tessera(table)
        ours = seconds_of(lambda: self.tessera(table))
        memory = self.worker_peak(table)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
            task = self.alone(table)
            apart.submit(task.run).result()
            alone = seconds_of(lambda: apart.submit(task.run).result())
        transform = seconds_of(lambda: self.transform(table))
        furthest = {name: self.furthest(name) for name in ("alone", "transform")}
        return [
            Figure("tessera_seconds", ours, "s"), Figure("transform_seconds", transform, "s"),
            Figure("alone_seconds", alone, "s"), Figure("transform_times_tessera", transform / ours, "x"),
            Figure("tessera_times_alone", ours / alone, "x"),
            Figure("tessera_rows_a_second", customers / ours, "rows/s"), Figure("worker_peak", memory, "MiB"),
            *(Figure(f"furthest_{name}", value, "1") for name, value in furthest.items()),
        ]  # fmt: skip

    def slope(self, least: int, *, most: int) -> list[Figure]:
        """The one pass alone at growing sizes; the slope is of log time on log customers."""
        sizes = [least]
        while sizes[-1] * STEP <= most:
            sizes.append(sizes[-1] * STEP)
        if len(sizes) == 1:
            return []
        figures, seconds = [], []
        for customers in sizes:
            table = written(self.near, self.features, customers, seed=self.run.settings.seed)
            seconds.append(seconds_of(partial(self.tessera, table)))
            figures += [Figure(f"seconds_{customers}", seconds[-1], "s"),
                        Figure(f"worker_peak_{customers}", self.worker_peak(table), "MiB")]  # fmt: skip
        slope = linear_regression(np.log(sizes).tolist(), np.log(seconds).tolist()).slope
        return [*figures, Figure("slope", slope, "log s / log customers")]

    def tessera(self, table: str) -> None:
        """As `score` does it: read, one pass, one commit."""
        scores = score_frame(self.near.read(table), models=self.models, feature_fingerprint=self.features.fingerprint,
                             as_of_date=DAY, run_id="bench", scored_at=datetime(2024, 1, 1, tzinfo=UTC))  # fmt: skip
        self.out.replace(SCORED, scores, where=among([DAY]))

    def transform(self, table: str) -> None:
        """SparkXGB on the same rows, written by the same engine."""
        models = {name: one.bundle for name, one in self.models.heads.items()}
        scores = by_transform(self.near.read(table), models, DAY)
        scores.write.format("delta").mode("overwrite").partitionBy("as_of_date").save(self.out.path("transform"))

    def alone(self, table: str) -> Alone:
        """One process with as many threads as Spark has slots."""
        models = {name: one.bundle for name, one in self.models.heads.items()}
        slots = self.run.spark.sparkContext.defaultParallelism
        return Alone(self.near.path(table), self.out.path("alone"), models, slots,
                     self.run.settings.spark.arrow_batch_rows, DAY)  # fmt: skip

    def worker_peak(self, table: str) -> float:
        """The most memory that a Python worker had in it, MiB."""
        of = one_pass(self.models, as_of=DAY)

        def peak(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for _ in of(batches):
                pass
            kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            yield pa.RecordBatch.from_pydict({"kibibytes": pa.array([kibibytes], pa.int64())})

        chosen = of.chosen(prepared(self.near.read(table), of, self.models, stands_for=""))
        (most,) = chosen.mapInArrow(peak, "kibibytes bigint").agg(F.max("kibibytes")).first() or (0,)
        return float(most) / KIB_A_MIB

    def furthest(self, other: str) -> float:
        """The largest difference of any score, over the larger of 1 and the score; refused beyond `CLOSE`."""
        names = [head.output for head in HEADS.values()]
        theirs = self.out.read(other).select("customer_id", *(F.col(name).alias(f"their_{name}") for name in names))
        both = self.out.read(SCORED.name).join(theirs, "customer_id", "full")
        off = [_off(F.col(name), F.col(f"their_{name}")) for name in names]
        unlike = [F.col(name).isNull() != F.col(f"their_{name}").isNull() for name in names]
        found = both.agg(*(F.max(one).alias(f"off_{at}") for at, one in enumerate(off)),
                         F.count_if(_any(unlike)).alias("unlike"), F.count("*").alias("rows")).first()  # fmt: skip
        furthest = max(found[f"off_{at}"] or 0.0 for at in range(len(names))) if found else float("nan")
        if found is None or found["unlike"] or not furthest <= CLOSE:
            raise DataContractError(f"{other} and tessera differ by up to {furthest:.3g}, and in what is NULL in "
                                    f"{found['unlike'] if found else 0} rows.")  # fmt: skip
        return float(furthest)


def _off(one: Column, other: Column) -> Column:
    return F.abs(one - other) / F.greatest(F.abs(one), F.lit(1.0))


def _any(conditions: Sequence[Column]) -> Column:
    return reduce(or_, conditions)


def _models(run: Run, near: Warehouse, features: FeatureSet) -> Scorers:
    """Fitted on a sample of their own size, so that all sizes are scored by the same models."""
    table = written(near, features, LEARNED_FROM, seed=run.settings.seed)
    chosen = run.settings.training.model_dump(include=set(XGBoostParameters.model_fields))
    trees = run.arguments.trees
    parameters = XGBoostParameters(**{**chosen, "trees": trees, "early_stopping_rounds": trees})
    sample = Sample(near.read(table).toArrow(), tuple(features.model_inputs), features.fingerprint)
    return Scorers(fitted(sample, parameters, seed=run.settings.seed))
