"""Where the seconds of a backfill go: each stage is added to the one before, and what it adds is its own.

The transport is a sweep that computes nothing: it takes the same events in and gives as many rows of the same columns
out, copies of one folded block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from featurestore.customer_order import by_customer
from featurestore.fold import CUSTOMER, TIME, FoldPlan, blocks, fold_block, micros, run_starts
from featurestore.frames import fold_schema, folded, in_order, instant, needed
from featurestore.schemas import ORDERS
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_orders import Shape, build_by_tessera, scratch_warehouse
from jobs.benchmarks.order_features import COUNTS_AND_SUMS
from jobs.run import Run

SIZES = {"events": 2_000_000, "customers": 20_000, "days": 730, "dates": 52}


def run(run: Run) -> list[Figure]:
    """Seconds and share of each stage, and how far the whole is from one that only reads, moves and writes."""
    shape = Shape(run.arguments.events, run.arguments.customers, run.arguments.days)
    days = shape.weekly(run.arguments.dates)
    plan = FoldPlan(COUNTS_AND_SUMS.folds, (), tuple(map(instant, days)), run.limits)
    with scratch_warehouse(run.warehouse, shape, seed=run.settings.seed) as warehouse:
        build_by_tessera(run, warehouse, COUNTS_AND_SUMS, days[:1])  # to warm up
        events = warehouse.read(ORDERS.events_table)
        moved = in_order(events, plan).mapInArrow(_moving(plan), fold_schema(plan))
        whole_by = {
            "read": seconds_of(lambda: _drop(needed(events, plan))),
            "shuffle_and_sort": seconds_of(lambda: _drop(in_order(events, plan))),
            "transport": seconds_of(lambda: _drop(moved)),
            "fold": seconds_of(lambda: _drop(folded(events, plan))),
        }
        nothing_folded = seconds_of(lambda: _write(moved, f"{warehouse.root}/moved"))
        whole = seconds_of(lambda: build_by_tessera(run, warehouse, COUNTS_AND_SUMS, days[1:]))
        whole_by["write"] = whole * len(days) / (len(days) - 1)
    stages, before = [], 0.0
    for name, until in whole_by.items():
        stages += [Figure(f"{name}_seconds", until - before, "s")]
        before = until
    return [
        *shape.figures(),
        Figure("dates", len(days), "dates"),
        *stages,
        Figure("whole_seconds", before, "s"),
        Figure("nothing_folded_seconds", nothing_folded, "s"),
        Figure("whole_times_nothing_folded", before / nothing_folded, "x"),
    ]


def _drop(rows: DataFrame) -> None:
    rows.write.format("noop").mode("overwrite").save()


def _write(rows: DataFrame, path: str) -> None:
    rows.write.format("delta").partitionBy("as_of_date").save(path)


def _moving(plan: FoldPlan):  # type: ignore[no-untyped-def]
    """A function for mapInArrow that gives as many rows as the fold of `plan`, all copies of its first block's."""

    def move(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        pattern: pa.RecordBatch | None = None
        for events in by_customer(batches):
            for block in blocks(events, plan):
                pattern = pattern or fold_block(block, plan)
                first = micros(block.column(TIME))[run_starts(block.column(CUSTOMER))]
                left = int((first[:, None] < np.asarray(plan.as_ofs)[None, :]).sum())
                while left > 0 and pattern.num_rows:
                    yield pattern.slice(0, left)
                    left -= pattern.num_rows

    return move
