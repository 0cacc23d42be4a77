"""What a warehouse holds at one moment, as far as a command that failed must not change it; read without Spark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable

from featurestore.ingest_runs import DONE, INGEST_RUNS
from featurestore.schemas import ORDERS
from jobs.run import JOB_RUNS

COUNTED = ("batch_id", "source", "status", "rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")


@dataclass(frozen=True)
class Standing:
    """Versions of the tables, the folder's entries, the rows that each batch read, and what is wrong.

    `unbalanced` says where rows read are not accepted + quarantined + duplicate, or not those that the tables hold.
    """

    versions: Mapping[str, int]
    entries: frozenset[str]
    rows_read: Mapping[str, int]
    unbalanced: Sequence[str]


def standing_of(warehouse: Path) -> Standing:
    """How a warehouse of orders, and of aliases, stands."""
    logs = [log.parent for log in warehouse.glob("*/_delta_log")]
    versions = {table.name: DeltaTable(table).version() for table in logs if table.name != JOB_RUNS.name}
    entries = frozenset(entry.name for entry in warehouse.iterdir()) if warehouse.is_dir() else frozenset()
    runs = DeltaTable(warehouse / INGEST_RUNS.name).to_pyarrow_table(columns=list(COUNTED)).to_pylist() if (
        INGEST_RUNS.name in versions) else []  # fmt: skip
    held = {name: _by_batch(warehouse / name) for name in (ORDERS.events_table, ORDERS.quarantine_table)
            if name in versions}  # fmt: skip
    read = {run["batch_id"]: run["rows_read"] for run in runs}
    return Standing(versions, entries, read, tuple(fault for run in runs for fault in _faults(run, held)))


def _by_batch(table: Path) -> Counter[str]:
    return Counter(DeltaTable(table).to_pyarrow_table(columns=["batch_id"])["batch_id"].to_pylist())


def _faults(run: Mapping[str, object], held: Mapping[str, Counter[str]]) -> list[str]:
    batch, source, status, read, accepted, quarantined, duplicate = (run[name] for name in COUNTED)
    if status != DONE:
        return [f"batch {batch} is {status}"]
    found = []
    if read != accepted + quarantined + duplicate:  # type: ignore[operator]
        found.append(f"{read} rows read are not {accepted} + {quarantined} + {duplicate}")
    for table, counted in ((ORDERS.events_table, accepted), (ORDERS.quarantine_table, quarantined)):
        # Of aliases the table also holds what follows from the rows that were accepted.
        if source == ORDERS.name and table in held and held[table][str(batch)] != counted:
            found.append(f"{table} holds {held[table][str(batch)]} rows, {counted} were counted")
    return found


def breaks(before: Standing, after: Standing) -> list[str]:
    """What a command that failed has changed: versions of tables, entries of the folder."""
    moved = [name for name in after.versions if after.versions[name] != before.versions.get(name)]
    new = sorted(after.entries - before.entries - {JOB_RUNS.name, ".tessera-lock"})
    return [f"{name} was written" for name in moved] + [f"{name} was left" for name in new]
