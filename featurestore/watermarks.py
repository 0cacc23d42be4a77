"""How far each source is known: its highest batch, its first event, and the instant it is complete through."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import functions as F

from featurestore import ingest_runs
from featurestore.errors import MissingInput
from featurestore.schemas import source as source_named
from featurestore.tables import Warehouse


def complete_through(warehouse: Warehouse, source: str) -> datetime:
    """The instant (UTC) up to which `source` claims to hold every event; MissingInput before any batch."""
    found = ingest_runs.complete_through(warehouse, source)
    if found is None:
        raise _nothing_ingested(warehouse, source)
    return found


def latest_complete_midnight(warehouse: Warehouse, source: str) -> date:
    """The default as-of: the latest midnight UTC that `source` is complete through."""
    return complete_through(warehouse, source).date()


def highest_batch(warehouse: Warehouse, source: str) -> int:
    """The highest `batch_seq` of `source` that is wholly ingested; MissingInput before any batch."""
    complete_through(warehouse, source)
    runs = warehouse.read(ingest_runs.INGEST_RUNS.name)
    done = runs.where((F.col("source") == source) & (F.col("status") == ingest_runs.DONE))
    return int(done.agg(F.max("batch_seq")).first()[0])  # type: ignore[index]


def first_event_date(warehouse: Warehouse, source: str) -> date:
    """UTC date of the earliest event of `source`; MissingInput before any batch."""
    table = source_named(source).events_table
    earliest = warehouse.read(table, make_with="ingest").agg(F.min("event_time").cast("date")).first()
    if earliest is None or earliest[0] is None:
        raise _nothing_ingested(warehouse, source)
    return earliest[0]


def _nothing_ingested(warehouse: Warehouse, source: str) -> MissingInput:
    return MissingInput(
        f"source '{source}' has no ingested batch in warehouse {warehouse.root}.\n"
        f"  Ingest one: ./spark-submit.sh ingest --source SOURCE.yml --input FILE --warehouse {warehouse.root}"
    )
