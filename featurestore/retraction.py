"""Taking a wrong batch back: its events and set-aside rows go, its record stays and says when.

Readers notice as they notice late events: dates later than its first event are stale. Each of the four writes is
safe to repeat; interrupted between any two, the next try ends where one clean run would have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from featurestore.alias_table import first_event_of
from featurestore.definitions import quoted
from featurestore.errors import ConfigurationError
from featurestore.ingest_runs import RETRACTED, RETRACTING, IngestReport, mark, reports
from featurestore.persons import BATCHES
from featurestore.schemas import ALIASES, ORIGINS, origin
from featurestore.tables import Warehouse
from featurestore.watermarks import earliest

SHORTEST_PREFIX = 6


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
    table, first = origin(own.source).events_table, own.first_event_time
    is_its = set_aside = f"batch_id = {quoted(own.batch_id)}"
    if own.source == ALIASES.name:
        is_its = f"array_contains({BATCHES}, {own.batch_seq:d})"  # a way over several aliases goes with any of them
        if own.status != RETRACTING and warehouse.exists(table):  # those ids may have had earlier events since
            now = first_event_of(warehouse, warehouse.read(table).where(is_its))
            first = min((one for one in (first, now) if one is not None), default=None)
    elif own.status != RETRACTING and first is None and warehouse.exists(table):  # its ingest was interrupted
        first = earliest(warehouse.read(table).where(is_its))
    leaving = replace(own, status=RETRACTING, first_event_time=first, retracted_at=own.retracted_at or retracted_at)
    mark(warehouse, leaving)
    warehouse.delete(table, is_its)
    warehouse.delete(origin(own.source).quarantine_table, set_aside)
    version = warehouse.version(table) if warehouse.exists(table) else -1
    gone = replace(leaving, status=RETRACTED, events_version=version)
    mark(warehouse, gone)
    return gone


def _named(warehouse: Warehouse, batch: str) -> IngestReport:
    known = [one for name in ORIGINS for one in reports(warehouse, name)]
    found = [one for one in known if one.batch_id.startswith(batch)]
    if len(batch) < SHORTEST_PREFIX or len(found) != 1:
        shown = [f"{one.batch_id[:12]} ({one.source}, {one.input_name}, {one.status})" for one in known]
        what = "no batch starts" if not found else f"{len(found)} batches start"
        raise ConfigurationError(
            f"{what} with '{batch}'; give at least {SHORTEST_PREFIX} digits of one of:\n  " + "\n  ".join(shown)
        )
    return found[0]
