"""The table of files: which were taken in, by which batch, and which were set aside, and why.

A file is known by its content (SHA-256) and by how it is read: the same bytes under another name are the same file,
and under another mapping they are not. One whose path, size and time of change stand there is not read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from featurestore.record_tables import put_records
from featurestore.schemas import Column
from featurestore.tables import Table, Warehouse, until_committed

TAKEN, SET_ASIDE = "taken", "set_aside"
RACY = timedelta(seconds=2)
"""A file that changed so shortly before it was looked at may have changed again within one tick of the clock."""

INGEST_FILES = Table(
    "ingest_files",
    (
        Column("source", "string", "Source of events that the file belongs to", required=True),
        Column("input_key", "string", "Hash of how it is read, as in ingest_runs", required=True),
        Column("sha256", "string", "Hash of its bytes", required=True),
        Column("path", "string", "Where it was found", lineage=True),
        Column("bytes", "bigint", "Its size"),
        Column("modified_at", "timestamp", "When it was last changed, UTC", lineage=True),
        Column("status", "string", "taken: its rows are those of its batch; set_aside: it is cut off or broken"),
        Column("batch_id", "string", "Batch that it is a part of, in ingest_runs"),
        Column("reason", "string", "Why it was set aside"),
        Column("seen_at", "timestamp", "When it was taken in or set aside, UTC", lineage=True),
    ),
    "One row a file that was given to ingest: taken in, or set aside and why",
)


@dataclass(frozen=True)
class SeenFile:
    """A file as it lies there."""

    path: str
    sha256: str
    bytes: int
    modified_at: datetime


@dataclass(frozen=True)
class FileRecord:
    """A row of the table."""

    source: str
    input_key: str
    sha256: str
    path: str
    bytes: int
    modified_at: datetime
    status: str
    batch_id: str | None
    reason: str | None
    seen_at: datetime

    def is_still(self, path: str, size: int, modified_at: datetime) -> bool:
        """Whether what lies at a path is this file for sure, without a look into it."""
        same = (self.path, self.bytes, self.modified_at) == (path, size, modified_at)
        return same and modified_at + RACY < self.seen_at


def file_records(warehouse: Warehouse, source: str, input_key: str) -> list[FileRecord]:
    """What is known of the files that are read in one way."""
    rows = warehouse.records(INGEST_FILES.name, INGEST_FILES.column_names)
    return [FileRecord(**row) for row in rows if (row["source"], row["input_key"]) == (source, input_key)]


def remember_files(
    warehouse: Warehouse, files: Sequence[SeenFile], *, source: str, input_key: str, seen_at: datetime,
    batch_id: str | None = None, reasons: Sequence[str | None] = (),
) -> None:  # fmt: skip
    """Record `files` as taken in by a batch, or as set aside, each for its reason; a file known already anew."""
    why = reasons or [None] * len(files)
    rows = [
        FileRecord(source, input_key, one.sha256, one.path, one.bytes, one.modified_at,
                   TAKEN if batch_id else SET_ASIDE, batch_id, reason, seen_at)
        for one, reason in zip(files, why, strict=True)
    ]  # fmt: skip
    if not rows:
        return
    values = [[asdict(row)[name] for name in INGEST_FILES.column_names] for row in rows]
    until_committed(
        lambda: put_records(warehouse, INGEST_FILES, values, keys=["source", "input_key", "sha256"]),
        what=f"files of {source}",
    )
