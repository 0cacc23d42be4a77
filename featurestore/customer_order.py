"""Rows that Spark sorted by one packed integer first, as tables of whole customers, each customer's rows by time.

Spark compares 8 bytes of the first sort column before it looks at a row. Ids that begin alike share them; `SORT_KEY`
does not: its high bits are a hash of the customer, its low `TIME_BITS` the time in ticks. Two customers whose hashes
agree in those bits lie mixed in time, and are put apart here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from featurestore.fold import CUSTOMER, run_starts, whole_runs

SORT_KEY = "_sort_key"
TIME_BITS = 24
TICK_BITS = 27
"""A tick is 2**27 microseconds, some 134 seconds; `TIME_BITS` of ticks are 71 years."""


def by_customer(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches sorted by (SORT_KEY, event_time, event_id) as tables of whole customers, without the key.

    A customer's rows lie together in the order of (event_time, event_id). Holds the rows of one hash at a time (of a
    customer, as a rule) beside one batch; nothing is copied but where customers share a hash.
    """
    for rows in whole_runs(map(_hashed, batches), SORT_KEY):
        hashes, customers = (len(run_starts(rows.column(name))) for name in (SORT_KEY, CUSTOMER))
        yield (_put_apart(rows) if customers > hashes else rows).drop_columns([SORT_KEY])


def _hashed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with the bits of the hash alone as its key."""
    at = batch.schema.get_field_index(SORT_KEY)
    return batch.set_column(at, SORT_KEY, pa.array(np.asarray(batch.column(SORT_KEY)) >> TIME_BITS))


def _put_apart(rows: pa.Table) -> pa.Table:
    """`rows` in the order in which each customer comes first, else as they are."""
    codes = rows.column(CUSTOMER).combine_chunks().dictionary_encode().indices
    return rows.take(pa.array(np.argsort(np.asarray(codes), kind="stable")))
