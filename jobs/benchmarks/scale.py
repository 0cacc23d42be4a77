"""How the time of a backfill and the memory of its Python workers grow with the events."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import linear_regression

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from featurestore.customer_order import by_customer
from featurestore.fold import FoldPlan, fold_customers
from featurestore.frames import in_order, instant
from featurestore.schemas import ORDERS
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_orders import Shape, build_by_tessera, scratch_warehouse
from jobs.benchmarks.order_features import COUNTS_AND_SUMS
from jobs.run import Run

SIZES = {"events": 50_000, "customers": 500, "days": 730, "dates": 8}
TIMES = (1, 5, 20, 50)
BYTES_A_MIB = 1 << 20


def run(run: Run) -> list[Figure]:
    """`--events` of `--customers`, then 5, 20 and 50 times as many of both; the slope is of log time on log events."""
    figures: list[Figure] = []
    measured = []
    for times in TIMES:
        shape = Shape(run.arguments.events * times, run.arguments.customers * times, run.arguments.days)
        seconds, mebibytes = _measured(run, shape)
        measured.append((shape.events, seconds))
        figures += [
            Figure(f"events_{times}x", shape.events, "events"),
            Figure(f"seconds_{times}x", seconds, "s"),
            Figure(f"worker_peak_{times}x", mebibytes, "MiB"),
        ]
    events, seconds_taken = zip(*measured, strict=True)
    whole = linear_regression(np.log(events).tolist(), np.log(seconds_taken).tolist()).slope
    steps = [np.log(t2 / t1) / np.log(n2 / n1) for (n1, t1), (n2, t2) in pairwise(measured)]
    return [
        *figures,
        Figure("slope", whole, "log s / log events"),
        Figure("steepest_step", max(steps), "log s / log events"),
    ]


def _measured(run: Run, shape: Shape) -> tuple[float, float]:
    """Seconds of a backfill, and the most memory that one Python worker ever had."""
    days = shape.weekly(run.arguments.dates)
    with scratch_warehouse(run.warehouse, shape, seed=run.settings.seed) as warehouse:
        build_by_tessera(run, warehouse, COUNTS_AND_SUMS, days[:1])  # to warm up
        seconds = seconds_of(lambda: build_by_tessera(run, warehouse, COUNTS_AND_SUMS, days[1:]))
        plan = FoldPlan(COUNTS_AND_SUMS.folds, (), tuple(map(instant, days)), run.limits)

        def peak(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for _ in fold_customers(by_customer(batches), plan):
                pass
            kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            yield pa.RecordBatch.from_pydict({"kibibytes": pa.array([kibibytes], pa.int64())})

        ordered = in_order(warehouse.read(ORDERS.events_table), plan)
        (most,) = ordered.mapInArrow(peak, "kibibytes bigint").agg(F.max("kibibytes")).first() or (0,)
    return seconds, most * 1024 / BYTES_A_MIB
