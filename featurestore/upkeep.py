"""Keeping tables small and quick to read: small files made one, and files that no needed version has removed.

Needed are the newest version, all of the last days, and what the newest training set of each label rests on: a training
rebuilds a sample of it from the very events that it was built from. Local folders only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from delta.tables import DeltaTable
from deltalake import DeltaTable as DeltaLog
from deltalake.exceptions import DeltaError

from featurestore.table_files import live_files
from featurestore.tables import Warehouse
from featurestore.training_set_records import TRAINING_SETS, newest, table_of

BY_SPARK_FROM = 256 * 2**20
"""Bytes of a table from which Spark rewrites it, in all tasks; below it the driver does, at once."""
COMPACTED_FROM = 2


@dataclass(frozen=True)
class Kept:
    """What was done to a table, or would be: files before and after, small ones among those before, and what goes.

    `why_not` says why its small files were left alone, "" where they were not; `versions` are those that training sets
    need beside the newest.
    """

    table: str
    files: int
    small: int
    files_after: int
    removed: int
    removed_bytes: int
    versions: tuple[int, ...] = ()
    why_not: str = ""


def needed_versions(warehouse: Warehouse) -> dict[str, set[int]]:
    """By table, the versions that the newest training set of each label rests on, as far as it is current."""
    needed: defaultdict[str, set[int]] = defaultdict(set)
    names = {row["name"] for row in warehouse.records(TRAINING_SETS.name, ("name",))}
    for name in names:
        found = newest(warehouse, name)
        if found is not None and found.is_current(warehouse):
            needed[table_of(name)].add(found.table_version)
            for table, version in found.input_versions.items():
                if version >= 0:
                    needed[table].add(version)
    return dict(needed)


def keep_up(
    warehouse: Warehouse, tables: Iterable[str], *, keep_hours: int, dry_run: bool = False
) -> list[Kept]:  # fmt: skip
    """Make small files one and remove what no needed version has, table by table; `dry_run`: only say so.

    The rows stay what they are, and change feeds silent. A training set that is current is not rewritten: its record
    names the version that holds its rows.
    """
    needed = needed_versions(warehouse)
    standing = {table_of(row["name"]) for row in warehouse.records(TRAINING_SETS.name, ("name",))}
    found = []
    for table in tables:
        held, versions = live_files(warehouse, table), needed.get(table, set())
        why_not = "its record names this version" if table in standing and held.version in versions else ""
        compacts = held.small >= COMPACTED_FROM and not why_not
        if compacts and not dry_run:
            _compact(warehouse, table, held.bytes)
        after = live_files(warehouse, table).files
        unneeded = _unneeded(warehouse, table, versions, keep_hours=keep_hours)
        size = sum(file.stat().st_size for file in unneeded)
        if not dry_run:
            for file in unneeded:
                file.unlink()
                file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
        said = why_not if held.small >= COMPACTED_FROM else ""
        found.append(Kept(table, held.files, held.small, after, len(unneeded), size, tuple(sorted(versions)), said))
    return found


def _compact(warehouse: Warehouse, table: str, size: int) -> None:
    path = warehouse.path(table)
    if size < BY_SPARK_FROM:
        DeltaLog(path).optimize.compact()
    else:
        DeltaTable.forPath(warehouse.spark, path).optimize().executeCompaction()
    warehouse.journal.note_written(table)


def _unneeded(warehouse: Warehouse, table: str, versions: Iterable[int], *, keep_hours: int) -> Sequence[Path]:
    """Files that VACUUM would remove. Named by it, removed by us: its own commits would make another version."""
    folder = Path(warehouse.path(table))
    held = DeltaLog(str(folder))
    kept = [one for one in sorted(versions) if _is_readable(folder, one)]
    names = held.vacuum(retention_hours=keep_hours, dry_run=True, enforce_retention_duration=False, full=True,
                        keep_versions=kept or None)  # fmt: skip
    return [file for file in (folder / name for name in names) if file.is_file() and file.suffix != ".crc"]


def _is_readable(folder: Path, version: int) -> bool:
    """Whether the log still tells of a version: Delta forgets it in time, an erasure at once."""
    try:
        DeltaLog(str(folder), version=version)
    except DeltaError:
        return False
    return True
