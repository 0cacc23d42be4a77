"""Taking a wrong batch back: its events and set-aside rows go, its record stays and says when.

Readers notice as they notice late events: dates later than its first event are stale. Each of the four writes is
safe to repeat; interrupted between any two, the next try ends where one clean run would have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError
from featurestore.ingest_runs import RETRACTED, RETRACTING, IngestReport, mark, reports
from featurestore.schemas import SOURCES, source
from featurestore.tables import Warehouse

SHORTEST_PREFIX = 6
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True)
class Retraction:
    """What was taken back, and the batches fed since whose duplicates may have been duplicates of it."""

    batch: IngestReport
    to_feed_again: tuple[IngestReport, ...]


def retract(warehouse: Warehouse, batch: str, *, retracted_at: datetime) -> Retraction:
    """Take back the batch whose id starts with `batch` (six digits at least), in whatever state it is.

    What other batches brought stays, though an event that both held came in with the first only: the report names
    the inputs to feed again, which then add what is missing. Taken back already, nothing happens.
    Raises ConfigurationError for an id that is unknown or not unique.
    """
    own = _named(warehouse, batch)
    if own.status != RETRACTED:
        own = _taken_back(warehouse, own, retracted_at)
    others = [one for one in reports(warehouse, own.source) if one.is_done and one.rows_duplicate]
    since = sorted((one for one in others if one.batch_seq > own.batch_seq), key=lambda one: one.batch_seq)
    return Retraction(own, tuple(since))


def _taken_back(warehouse: Warehouse, own: IngestReport, retracted_at: datetime) -> IngestReport:
    table, is_its = source(own.source).events_table, F.col("batch_id") == own.batch_id
    first = own.first_event_time
    if own.status != RETRACTING and first is None and warehouse.exists(table):  # its ingest was interrupted
        first = earliest(warehouse.read(table).where(is_its))
    leaving = replace(own, status=RETRACTING, first_event_time=first, retracted_at=own.retracted_at or retracted_at)
    mark(warehouse, leaving)
    warehouse.delete(table, is_its)
    warehouse.delete(source(own.source).quarantine_table, is_its)
    version = warehouse.version(table) if warehouse.exists(table) else -1
    gone = replace(leaving, status=RETRACTED, events_version=version)
    mark(warehouse, gone)
    return gone


def earliest(events: DataFrame) -> datetime | None:
    """The instant (UTC) of the first of `events`, None without any."""
    found = events.agg(F.unix_micros(F.min("event_time")).alias("us")).first()
    return None if found is None or found["us"] is None else EPOCH + found["us"] * MICROSECOND


def _named(warehouse: Warehouse, batch: str) -> IngestReport:
    known = [one for name in SOURCES for one in reports(warehouse, name)]
    found = [one for one in known if one.batch_id.startswith(batch)]
    if len(batch) < SHORTEST_PREFIX or len(found) != 1:
        shown = [f"{one.batch_id[:12]} ({one.source}, {one.input_name}, {one.status})" for one in known]
        what = "no batch starts" if not found else f"{len(found)} batches start"
        raise ConfigurationError(
            f"{what} with '{batch}'; give at least {SHORTEST_PREFIX} digits of one of:\n  " + "\n  ".join(shown)
        )
    return found[0]
