"""How far each source is known: its highest batch, its first event, and the instant it is complete through."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore import ingest_runs
from featurestore.errors import DataContractError, MissingInput
from featurestore.schemas import ALIASES, SOURCES
from featurestore.staleness import IngestedBatch
from featurestore.tables import Warehouse

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def complete_through(warehouse: Warehouse, source: str) -> datetime:
    """The instant (UTC) up to which `source` claims to hold every event; MissingInput before any batch."""
    found = ingest_runs.complete_through(warehouse, source)
    if found is None:
        raise _nothing_ingested(warehouse, source)
    return found


def latest_complete_midnight(warehouse: Warehouse, sources: Iterable[str]) -> date:
    """The default as-of: the latest midnight UTC that all of `sources` are complete through."""
    return min(complete_through(warehouse, source) for source in sources).date()


def ingested_sources(warehouse: Warehouse) -> set[str]:
    """Sources with a batch that is wholly ingested."""
    return {run["source"] for run in ingest_runs.done(warehouse)} & set(SOURCES)


def highest_batch(warehouse: Warehouse, source: str) -> int:
    """The highest `batch_seq` of `source` that is wholly ingested; MissingInput before any batch."""
    return max(batch_ranks(warehouse, source))


def batch_ranks(warehouse: Warehouse, source: str) -> list[int]:
    """The ranks of the batches of `source` that are wholly ingested, ascending; MissingInput before any."""
    ranks = sorted(batch.batch_seq for batch in batches(warehouse, source))
    if not ranks:
        raise _nothing_ingested(warehouse, source)
    return ranks


def last_ingested(warehouse: Warehouse, source: str) -> datetime:
    """When (UTC) the last wholly ingested batch of `source` was taken in; MissingInput before any."""
    taken_in = [run["ingested_at"] for run in ingest_runs.done(warehouse) if run["source"] == source]
    if not taken_in:
        raise _nothing_ingested(warehouse, source)
    return max(taken_in)


def refuse_unknowable(warehouse: Warehouse, source: str, *, newest: date | datetime, delay: timedelta) -> None:
    """DataContractError where a later batch of `source` may still tell of what could be known `delay` after `newest`.

    `newest` is an instant (UTC), or a date: its midnight.
    """
    instant = newest if isinstance(newest, datetime) else datetime.combine(newest, time(), UTC)
    known = last_ingested(warehouse, source)
    asked = f"what was known of '{source}' is asked at {instant:%Y-%m-%d %H:%M:%S} plus a delay of {delay}"
    if instant + delay > known:
        raise DataContractError(
            f"{asked}; its last batch is of {known:%Y-%m-%d %H:%M:%S} (UTC), and a later one may still tell.\n"
            "  Leave later instants out, ingest what has come since, or ask by knowledge 'latest'."
        )
    for run in ingest_runs.unfinished(warehouse, (source, ALIASES.name)):
        if instant + delay > run["ingested_at"]:
            raise DataContractError(
                f"{asked}; batch {run['batch_id'][:12]} of {run['source']} is of {run['ingested_at']:%Y-%m-%d %H:%M:%S}"
                " (UTC) and was interrupted: what it tells would count then.\n"
                "  Ingest its file again, take it back (ingest --retract), or ask by knowledge 'latest'."
            )


def batches(warehouse: Warehouse, source: str) -> list[IngestedBatch]:
    """The batches of `source` that are wholly ingested, in any order."""
    return _of(source, ingest_runs.done(warehouse))


def changes(warehouse: Warehouse, source: str) -> list[IngestedBatch]:
    """What changed the events of `source`, and whose they are: batches of it and of aliases that are wholly ingested,
    and those taken back again.
    """
    runs = ingest_runs.settled(warehouse)
    return _of(source, runs) + _of(ALIASES.name, runs)


def _of(source: str, runs: Iterable[dict[str, Any]]) -> list[IngestedBatch]:
    return [
        IngestedBatch(run["batch_seq"], run["first_event_time"], _changed_at(run),
                      is_taken_back=run["status"] != ingest_runs.DONE, of_aliases=source == ALIASES.name)
        for run in runs
        if run["source"] == source
    ]  # fmt: skip


def _changed_at(run: dict[str, Any]) -> int:
    """The version of the events, or aliases, that has seen the change; none has while a batch is being taken back."""
    return sys.maxsize if run["status"] == ingest_runs.RETRACTING else int(run["events_version"])


def first_event_date(warehouse: Warehouse, source: str) -> date:
    """UTC date of the earliest event of `source`; MissingInput before any batch."""
    firsts = [batch.first_event_time for batch in batches(warehouse, source) if batch.first_event_time is not None]
    if not firsts:
        raise _nothing_ingested(warehouse, source)
    return min(firsts).date()


def _nothing_ingested(warehouse: Warehouse, source: str) -> MissingInput:
    return MissingInput(
        f"source '{source}' has no ingested batch in warehouse {warehouse.root}.\n"
        f"  Ingest one: ./spark-submit.sh ingest --source SOURCE.yml --input FILE --warehouse {warehouse.root}"
    )


def earliest(events: DataFrame) -> datetime | None:
    """The instant (UTC) of the first of `events`, None without any."""
    found = events.agg(F.unix_micros(F.min("event_time")).alias("us")).first()
    return None if found is None or found["us"] is None else EPOCH + found["us"] * MICROSECOND
