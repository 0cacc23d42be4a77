"""What is recorded of erasures: which tables lost rows and versions, so that what rests on those can say so."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from featurestore.record_tables import put_records
from featurestore.schemas import Column
from featurestore.tables import Table, Warehouse
from featurestore.training_set_records import TRAINING_SETS

STARTED, DONE = "started", "done"
ERASURES = Table(
    "erasures",
    (
        Column("erasure_id", "string", "Erasure", required=True),
        Column("ids", "bigint", "Ids that were erased, aliases of the same persons among them"),
        Column("tables", "array<string>", "Tables that lost rows, and every version before"),
        Column("status", "string", "started; done once no file holds the ids and the receipt is written"),
        Column("receipt", "string", "The receipt, below the warehouse"),
        Column("started_at", "timestamp", "When, UTC", lineage=True),
        Column("run_id", "string", "Run that began it", lineage=True),
    ),
    comment="Customers who were erased, without their ids",
)


def write_erasure(
    warehouse: Warehouse, erasure_id: str, *, ids: int, tables: Collection[str], status: str, receipt: str | None,
    started_at: datetime, run_id: str,
) -> None:  # fmt: skip
    """Record how an erasure stands."""
    row = (erasure_id, ids, sorted(tables), status, receipt, started_at, run_id)
    put_records(warehouse, ERASURES, [row], keys=("erasure_id",))


def erasures_of(warehouse: Warehouse, tables: Collection[str]) -> list[str]:
    """The erasures that took rows and versions from any of `tables`, by their ids."""
    found = warehouse.records(ERASURES.name, ("erasure_id", "tables"))
    return sorted(row["erasure_id"] for row in found if not set(tables).isdisjoint(row["tables"] or ()))


def unfinished_erasures(warehouse: Warehouse) -> list[str]:
    """The erasures that began and did not end."""
    found = warehouse.records(ERASURES.name, ("erasure_id", "status"))
    return sorted(row["erasure_id"] for row in found if row["status"] != DONE)


def mark_training_sets(warehouse: Warehouse, tables: Collection[str], erasure_id: str) -> list[tuple[str, int]]:
    """Say on the record of each training set that was built from one of `tables` that it cannot be given again.

    Those that were built since the erasure are not among them: their record names it as something they rest on.
    Returns name and version of all that say so.
    """
    names = TRAINING_SETS.column_names
    rows = [
        row for row in warehouse.records(TRAINING_SETS.name, names)
        if not {table for table, _ in row["input_versions"] or ()}.isdisjoint(tables)
        and erasure_id not in (row["erasures"] or ())
    ]  # fmt: skip
    new = [row for row in rows if erasure_id not in (row["erased_since"] or ())]
    if new:
        told = [{**row, "erased_since": sorted({*(row["erased_since"] or ()), erasure_id})} for row in new]
        put_records(warehouse, TRAINING_SETS, [[row[name] for name in names] for row in told],
                    keys=("name", "version"))  # fmt: skip
    return sorted((row["name"], row["version"]) for row in rows)
