"""What a table keeps beside its newest version: files that only older versions have, and the log of those.

Local folders only, and only while no other job writes there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable as DeltaLog

from featurestore.tables import Warehouse

_ENTRY = re.compile(r"\.?(\d{20})\.[\w.-]+")
"""A commit, a checkpoint or a checksum of the log, and the checksum of a local file of one, by version."""


@dataclass(frozen=True)
class Cut:
    """Files and bytes that were removed."""

    files: int
    bytes: int


def cut_history(warehouse: Warehouse, table: str) -> Cut:
    """Leave of `table` its newest version alone: what VACUUM without retention removes, and the log before it.

    Logs hold the smallest and largest value of each file, ids among them. The rows, the version, and the transactions
    that writers have taken stay; older versions cannot be read any more. Again is the same.
    """
    folder = Path(warehouse.path(table))
    held = DeltaLog(str(folder))
    unread = held.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False, full=True)
    held.create_checkpoint()  # what is needed of the log, in one file of the newest version
    stale = [folder / name for name in unread]
    stale += [_checksum(file) for file in stale]
    stale += [entry for entry in (folder / "_delta_log").iterdir() if _version(entry.name) < held.version()]
    gone = {file for file in stale if file.is_file()}  # VACUUM names some checksums itself
    size = sum(file.stat().st_size for file in gone)
    for file in gone:
        file.unlink()
    return Cut(len(gone), size)


def _checksum(file: Path) -> Path:
    """Where Hadoop keeps the checksum of a local file."""
    return file.with_name(f".{file.name}.crc")


def _version(name: str) -> float:
    """The version that a file of the log belongs to; infinite for what belongs to none."""
    found = _ENTRY.fullmatch(name)
    return int(found[1]) if found else float("inf")
