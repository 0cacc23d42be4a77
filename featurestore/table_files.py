"""What the live files of a table come to: how many, how large, how many small; from its log, without a Spark job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from featurestore.delta_logs import DeltaLog
from featurestore.tables import Warehouse

SMALL_BYTES = 8 * 2**20
"""A file below this is small where it lies in one partition with others: together they would be read faster."""
PARTITION = "partition."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LiveFiles:
    """The newest version of a table: what it holds, and when (UTC) it was committed.

    `rows` is None where a file does not say how many it has. `small` are files that could be one with others.
    """

    version: int
    committed_at: datetime
    rows: int | None
    files: int
    bytes: int
    small: int


def live_files(warehouse: Warehouse, table: str) -> LiveFiles:
    """The files of `table`; one row of its log a file is held, never a row of the table."""
    log = DeltaLog(warehouse.path(table))
    added = pa.table(log.get_add_actions(flatten=True))
    rows, sizes = added["num_records"].to_pylist(), added["size_bytes"].to_pylist()
    by = [name for name in added.column_names if name.startswith(PARTITION)]
    places = [tuple(file[name] for name in by) for file in added.select([*by, "size_bytes"]).to_pylist()]
    (newest,) = log.history(1)
    return LiveFiles(
        version=log.version(),
        committed_at=EPOCH + timedelta(milliseconds=newest["timestamp"]),
        rows=None if None in rows else sum(rows),
        files=len(sizes),
        bytes=sum(sizes),
        small=small_files(places, sizes),
    )


def small_files(places: Sequence[tuple[object, ...]], sizes: Sequence[int]) -> int:
    """Files below `SMALL_BYTES` that share their partition with another one that is; `places` name partitions.

    >>> small_files([("a",), ("a",), ("b",), ("c",), ("c",)], [10, 20, 10, 10, SMALL_BYTES])
    2
    """
    counted: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for place, size in zip(places, sizes, strict=True):
        counted[place] += size < SMALL_BYTES
    return sum(many for many in counted.values() if many > 1)
