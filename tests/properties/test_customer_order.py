"""However few bits of a hash the sort key has, its order gives the customers that the plain order gives."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.customer_order import SORT_KEY, TICK_BITS, TIME_BITS, by_customer
from featurestore.fold import FoldPlan, Limits, fold_customers, run_starts, whole_customers
from tests.properties.histories import AS_OFS, EVENTS, events, features
from tests.properties.test_sweep import micros

FOLDS = tuple(features()[::23])
PLAN = FoldPlan(FOLDS, (), tuple(map(micros, AS_OFS)), Limits(4096, 10**6))


def keyed(rows, *, hash_bits, batch_rows):
    """Batches of `rows` as Spark sorts them, the customer's hash in the key cut to `hash_bits`; negative hashes too."""

    def key(row):
        hashed = zlib.crc32(row["customer_id"].encode()) % (1 << hash_bits) - (1 << hash_bits) // 2
        return (hashed << TIME_BITS) | ((micros(row["event_time"]) >> TICK_BITS) & ((1 << TIME_BITS) - 1))

    order = sorted((key(row), row["event_time"], row["event_id"], n) for n, row in enumerate(rows))
    table = pa.Table.from_pylist([rows[n] for *_, n in order], schema=EVENTS)
    table = table.append_column(SORT_KEY, pa.array([at[0] for at in order], pa.int64()))
    return table.to_batches(max_chunksize=batch_rows)


def plain(rows):
    """Batches of `rows` by customer, time and event."""
    ordered = sorted(rows, key=lambda e: (e["customer_id"], e["event_time"], e["event_id"]))
    return pa.Table.from_pylist(ordered, schema=EVENTS).to_batches()


def per_customer(tables):
    """Rows by customer; fails where a customer's lie apart, within a table or between two."""
    found = {}
    for table in tables:
        starts = [*run_starts(table.column("customer_id")).tolist(), table.num_rows]
        for start, end in pairwise(starts):
            own = table.slice(start, end - start).to_pylist()
            assert found.setdefault(own[0]["customer_id"], own) is own
    return found


@settings(deadline=None, max_examples=200)
@given(events(), st.integers(0, 3), st.integers(1, 9))
def test_customers_are_whole_and_by_time_for_any_number_of_bits(rows, hash_bits, batch_rows):
    sorted_by_key = keyed(rows, hash_bits=hash_bits, batch_rows=batch_rows)
    assert per_customer(by_customer(sorted_by_key)) == per_customer(whole_customers(plain(rows)))


@settings(deadline=None, max_examples=25)
@given(events(), st.integers(0, 3), st.integers(1, 9))
def test_no_fold_depends_on_the_number_of_bits(rows, hash_bits, batch_rows):
    def folded(tables):
        answered = [row for batch in fold_customers(tables, PLAN) for row in batch.to_pylist()]
        return {(row["customer_id"], row["as_of_date"]): row for row in answered}

    found = folded(by_customer(keyed(rows, hash_bits=hash_bits, batch_rows=batch_rows)))
    assert found == folded(whole_customers(plain(rows)))


@pytest.mark.parametrize("batch_rows", [7, 100])
def test_where_no_two_customers_share_a_hash_nothing_is_copied(batch_rows):
    customers = np.repeat(np.arange(10), 10)
    batches = pa.table({
        "customer_id": pa.array([str(c) for c in customers]),
        "event_time": pa.array(np.tile(np.arange(10), 10), pa.timestamp("us", "UTC")),
        SORT_KEY: pa.array((customers << TIME_BITS) + np.tile(np.arange(10), 10)),
    }).to_batches(max_chunksize=batch_rows)  # fmt: skip
    given_buffers = {batch.column("event_time").buffers()[1].address for batch in batches}
    kept = [chunk for table in by_customer(batches) for chunk in table.column("event_time").chunks if len(chunk)]
    assert sum(map(len, kept)) == 100
    assert {chunk.buffers()[1].address for chunk in kept} <= given_buffers
