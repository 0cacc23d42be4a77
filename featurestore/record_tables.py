"""Tables of records: a row a batch, a snapshot, a training set, a run. Written, as they are read, without a Spark job.

They grow with runs, never with customers or events, so the driver holds what it writes and commits it by delta-rs:
milliseconds where Spark takes a second. Both write one log, and of two writers that cross one fails or asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field, Schema, write_deltalake
from deltalake import Transaction as AppTransaction
from deltalake.exceptions import CommitFailedError

from featurestore.delta_logs import DeltaLog
from featurestore.tables import Table, Transaction, Warehouse, log_schema

Rows = Iterable[Sequence[Any]]
"""Values in the order of the table's columns; instants have a time zone."""


def add_records(warehouse: Warehouse, table: Table, rows: Rows, *, transaction: Transaction) -> None:
    """Append `rows` in one commit, once per transaction; CommitFailedError when another took it meanwhile."""
    held = opened(warehouse, table)
    committed = held.transaction_version(transaction.app_id)
    if committed is not None and committed >= transaction.version:
        return
    taken = CommitProperties(app_transactions=[AppTransaction(transaction.app_id, transaction.version)])
    write_deltalake(held, _as_arrow(table, rows, held), mode="append", commit_properties=taken)
    warehouse.journal.note_written(table.name)


def put_records(warehouse: Warehouse, table: Table, rows: Rows, *, keys: Sequence[str]) -> None:
    """Insert rows of new keys and put the others in the place of those they repeat, in one commit."""
    held = opened(warehouse, table)
    same = " AND ".join(f"old.`{key}` = new.`{key}`" for key in keys)
    merge = held.merge(_as_arrow(table, rows, held), same, source_alias="new", target_alias="old")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
    warehouse.journal.note_written(table.name)


def replace_records(warehouse: Warehouse, table: Table, rows: Rows, *, where: str) -> None:
    """Put `rows` in the place of all that satisfy the predicate `where`, in one commit."""
    held = opened(warehouse, table)
    write_deltalake(held, _as_arrow(table, rows, held), mode="overwrite", predicate=where)
    warehouse.journal.note_written(table.name)


def opened(warehouse: Warehouse, table: Table) -> DeltaTable:
    """The table, made empty if it is not there; columns that an older one was made without are added, NULL so far."""
    path = warehouse.path(table.name)
    declared = Schema.from_json(log_schema(table).json())
    if not warehouse.exists(table.name):
        try:
            DeltaTable.create(path, declared, mode="ignore", description=table.comment)
        except CommitFailedError:
            if not warehouse.exists(table.name):
                raise
    held = DeltaLog(path)
    there = {one.name for one in held.schema().fields}
    lacking: list[Field] = [one for one in declared.fields if one.name not in there]
    if lacking:
        held.alter.add_columns(lacking)
    return held


def _as_arrow(table: Table, rows: Rows, held: DeltaTable) -> pa.Table:
    types = pa.schema(held.schema().to_arrow())
    schema = pa.schema([types.field(name) for name in table.column_names])
    plain = [dict(zip(table.column_names, map(_plain, row), strict=True)) for row in rows]
    return pa.Table.from_pylist(plain, schema=schema)


def _plain(value: Any) -> Any:
    """Arrow takes a map as its pairs."""
    return list(value.items()) if isinstance(value, Mapping) else value
