"""The tables of events and of quarantined records: what they look like, and one write a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from delta.exceptions import ConcurrentTransactionException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.identity import ACCEPTED, QUARANTINED, STATUS
from featurestore.ingest_runs import Batch
from featurestore.schemas import EVENT_ARRIVAL, LARGEST_MEASURE, Column, Source
from featurestore.source_config import SourceConfig
from featurestore.tables import Table, Transaction, Warehouse, until_committed

Written = TypeVar("Written")


def events_table(source: Source) -> Table:
    """The declaration of `events_<source>`: by month, with the rules that every event keeps."""
    # A CHECK of Delta is broken by NULL as well, other than in SQL.
    checks = {
        f"{name}_range": f"{name} IS NULL OR abs({name}) <= {LARGEST_MEASURE}"
        for name in (column.name for column in source.measures if column.is_number)
    }
    needed = [column.name for column in source.event_columns if column.required]
    return Table(
        source.events_table,
        source.event_columns,
        f"Clean events of source {source.name}, one row an event",
        partition_by=("event_month",),
        checks={**checks, **{f"{name}_present": f"{name} IS NOT NULL" for name in needed}},
    )


def quarantine_table(source: Source) -> Table:
    """The declaration of `quarantine_<source>`."""
    return Table(
        source.quarantine_table,
        (
            Column("row_id", "string", "Hash of the raw record and its rank among identical ones", required=True),
            Column("raw", "string", "The record as it came: JSON of its fields, or the line itself"),
            Column("reasons", "array<string>", "Every rule that the record breaks", required=True),
            *(column for column in EVENT_ARRIVAL if column.name != "known_at"),
        ),
        f"Records of source {source.name} that were set aside, with the reasons",
    )


def write_quarantine(warehouse: Warehouse, source: Source, judged: DataFrame, *, batch: Batch, rows: int) -> None:
    """Append the batch's quarantined rows, as many as `rows` says, once; the table is there even if it has none."""
    if not rows:
        warehouse.create(quarantine_table(source))
        return
    app_id = f"quarantine:{source.name}:{batch.batch_id}"
    bad = _dated(judged.where(F.col(STATUS) == QUARANTINED), batch)
    _once(
        warehouse,
        source.quarantine_table,
        app_id,
        lambda: warehouse.append(quarantine_table(source), bad, transaction=Transaction(app_id)),
    )


def write_events(
    warehouse: Warehouse, config: SourceConfig, judged: DataFrame, *, batch: Batch, months: list[str]
) -> int | None:
    """Insert the batch's accepted events, once; how many, None where an earlier try or another writer had done so.

    A hashed id tells the event's time, so only the batch's months can hold it; a natural one may stand
    anywhere.
    """
    app_id = f"events:{config.source}:{batch.batch_id}"
    rows = _dated(judged.where(F.col(STATUS) == ACCEPTED), batch)
    within = "" if config.has_natural_id else in_months("old.event_month", months)
    return _once(
        warehouse,
        config.shape.events_table,
        app_id,
        lambda: warehouse.insert_new(
            events_table(config.shape), rows, key="event_id", within=within, transaction=Transaction(app_id)
        ),
    )


def in_months(column: str, months: list[str]) -> str:
    """SQL true in these months (ISO dates), in literals so that files are pruned; "" for none.

    >>> in_months("event_month", ["2024-01-01"])
    "event_month IN (DATE'2024-01-01')"
    """
    literals = ", ".join(f"DATE'{month}'" for month in months)
    return f"{column} IN ({literals})" if months else ""


def _dated(rows: DataFrame, batch: Batch) -> DataFrame:
    """With the lineage columns that all rows of a batch share."""
    at = F.lit(batch.ingested_at)
    return rows.withColumns(
        {
            "ingested_at": at,
            "known_at": F.coalesce("known_at", at),
            "batch_seq": F.lit(batch.batch_seq).cast("bigint"),
            "batch_id": F.lit(batch.batch_id),
        }
    )


def _once(warehouse: Warehouse, table: str, app_id: str, write: Callable[[], Written]) -> Written | None:
    """What `write` gives; None where its transaction has been committed, by an earlier try or meanwhile."""

    def plan() -> Written | None:
        if warehouse.committed(table, app_id) >= 0:
            return None
        try:
            return write()
        except ConcurrentTransactionException:
            if warehouse.committed(table, app_id) < 0:
                raise
            return None

    return until_committed(plan, what=f"writing {table}")
