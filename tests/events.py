"""Small frames of order events for tests: literals in, the canonical shape out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from featurestore import ingest_runs
from featurestore.event_tables import events_table
from featurestore.record_tables import add_records
from featurestore.schemas import ORDERS, Source
from featurestore.tables import Transaction, Warehouse

INGESTED = datetime(2024, 12, 1, tzinfo=UTC)


def order_line(customer: str, time: datetime, **more: Any) -> dict[str, Any]:
    """One order line as a plain dictionary, canonical columns only."""
    line = {"customer_id": customer, "event_time": time, "order_id": f"{customer}@{time.isoformat()}",
            "product_id": "p", "quantity": 1, "amount": Decimal("10.00"), "is_product": True, **clock(time),
            **more}  # fmt: skip
    return {**line, "unit_price": Decimal(line["amount"]) if line["amount"] is not None else None}


def interaction(customer: str, time: datetime, kind: str = "page_view", **more: Any) -> dict[str, Any]:
    """One interaction as a plain dictionary, canonical columns only."""
    return {"customer_id": customer, "event_time": time, "interaction_type": kind, "session_id": None,
            "product_id": None, "device": None, **clock(time), **more}  # fmt: skip


def ticket_event(customer: str, time: datetime, what: str = "opened", **more: Any) -> dict[str, Any]:
    """One event of a ticket as a plain dictionary, canonical columns only."""
    return {"customer_id": customer, "event_time": time, "ticket_id": "t", "ticket_event": what,
            "satisfaction": None, "is_escalated": None, **clock(time), **more}  # fmt: skip


def profile_change(customer: str, time: datetime, attribute: str, value: str, **more: Any) -> dict[str, Any]:
    """One attribute told or changed as a plain dictionary, canonical columns only."""
    return {"customer_id": customer, "event_time": time, "attribute": attribute, "value": value, **clock(time), **more}


def clock(time: datetime) -> dict[str, int]:
    """Hour and ISO weekday on the source's clock, for a source in UTC."""
    return {"local_hour": time.hour, "local_weekday": time.isoweekday()}


def add_batch(warehouse: Warehouse, lines: list[dict[str, Any]], *, batch_seq: int = 1,
              complete_through: datetime = INGESTED, source: Source = ORDERS) -> None:  # fmt: skip
    """Put `lines` into events_<source> as one ingested batch, the way ingest leaves it."""
    table = events_table(source)
    rows = [
        {"event_id": f"{batch_seq}-{n}", "known_at": INGESTED, **line, "ingested_at": INGESTED,
         "batch_seq": batch_seq, "batch_id": f"{source.name}-{batch_seq}",
         "event_month": line["event_time"].astimezone(UTC).date().replace(day=1)}
        for n, line in enumerate(lines)
    ]  # fmt: skip
    ordered = [tuple(row[column.name] for column in table.columns) for row in rows]
    warehouse.create(table)
    add_records(warehouse, table, ordered, transaction=Transaction(f"test:{batch_seq}"))
    batch = ingest_runs.reserve(warehouse, source=source.name, batch_id=f"{source.name}-{batch_seq}", input_name="test",
                                ingested_at=INGESTED)  # fmt: skip
    ingest_runs.close(warehouse, ingest_runs.IngestReport(
        source=source.name, batch_id=batch.batch_id, batch_seq=batch.batch_seq, ingested_at=batch.ingested_at,
        input_name="test", rows_read=len(lines), rows_accepted=len(lines), rows_quarantined=0, rows_duplicate=0,
        first_event_time=min((line["event_time"] for line in lines), default=None),
        complete_through=complete_through, events_version=warehouse.version(table.name)))  # fmt: skip
