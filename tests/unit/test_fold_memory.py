"""The memory of a task: what a fold holds at once is bounded by a block, whichever shape the events have."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from featurestore.definitions import LIFETIME, Aggregate, Feature, Window
from featurestore.fold import FoldPlan, Limits, fold_customers, whole_customers

DAY = 86_400_000_000
FOLDS = tuple(
    Feature(f"{aggregate}_{window.name}", aggregate, window, kind, "", "", measure="amount")
    for aggregate, kind in [(Aggregate.SUM, "bigint"), (Aggregate.MAX, "bigint"), (Aggregate.DISTINCT, "bigint"),
                            (Aggregate.LAST, "bigint"), (Aggregate.GAP_MEAN, "double")]
    for window in [Window(30), LIFETIME]
)  # fmt: skip
AS_OFS = tuple(day * DAY for day in range(100, 700, 60))
ROWS_A_BATCH = 5_000
MIB = 1 << 20


def batches(customers: int, events_each: int) -> Iterator[pa.RecordBatch]:
    """Events sorted by (customer, time), made as they are asked for."""
    total = customers * events_each
    for first in range(0, total, ROWS_A_BATCH):
        n = np.arange(first, min(first + ROWS_A_BATCH, total))
        yield pa.RecordBatch.from_pydict({
            "customer_id": pa.array([f"{c:09}" for c in (n // events_each).tolist()]),
            "event_time": pa.array((n % events_each + 1) * (600 * DAY // (events_each + 1)), pa.timestamp("us", "UTC")),
            "amount": pa.array(n * 7919 % 1000),
        })  # fmt: skip


def peak_of(customers: int, events_each: int, limits: Limits) -> tuple[float, int]:
    """The most MiB that a fold held at once (Arrow's own and NumPy's), and the rows that it gave."""
    plan = FoldPlan(FOLDS, (), AS_OFS, limits)
    pool, rows, arrow = pa.default_memory_pool(), 0, 0
    before = pool.bytes_allocated()
    tracemalloc.start()
    try:
        for answered in fold_customers(whole_customers(batches(customers, events_each)), plan):
            rows += answered.num_rows
            arrow = max(arrow, pool.bytes_allocated() - before)
        return (tracemalloc.get_traced_memory()[1] + arrow) / MIB, rows
    finally:
        tracemalloc.stop()


def test_many_customers_with_one_event_each_take_no_more_than_a_block_of_them():
    """Five times the customers, the same memory."""
    limits = Limits(customers_per_fold=1000, events_per_fold=5_000)
    peak_of(10, 1, limits)  # what is imported or compiled at the first call is not the fold's
    few, _ = peak_of(5_000, 1, limits)
    many, rows = peak_of(25_000, 1, limits)
    assert rows > 25_000 * len(AS_OFS) / 2
    assert many < 1.2 * few
    wider, _ = peak_of(5_000, 1, Limits(customers_per_fold=4000, events_per_fold=5_000))
    assert wider > 1.5 * few, "the block decides, so a larger one must show"


@pytest.mark.parametrize("events", [50_000, 200_000])
def test_a_customer_with_many_events_takes_memory_for_these_alone(events):
    """A block alone, whatever the limits say: about 300 bytes an event, and few answers."""
    peak, rows = peak_of(1, events, Limits(customers_per_fold=1000, events_per_fold=5_000))
    assert rows == len(AS_OFS)
    assert peak < 5 + events * BYTES_AN_EVENT / MIB


BYTES_AN_EVENT = 400
"""Of these ten features; the sparse table of the maximum takes most: 8 bytes for each power of two in the events."""
