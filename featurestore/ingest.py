"""Taking in a batch of events: read, judge, and write it once, however often it is tried.

Whatever can refuse the batch is looked at before anything is written. Then four writes follow, each
safe to repeat: the batch's rank, the quarantine, the events, the counts. Between any two of them the
process may die; the next try ends where one clean run would have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePosixPath

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.batch_checks import BatchCounts, counted, refuse_bad_batch
from featurestore.batch_identity import batch_id as batch_id_of
from featurestore.batch_identity import described
from featurestore.erasure_key import ErasureKey
from featurestore.errors import ConfigurationError
from featurestore.event_tables import in_months, write_events, write_quarantine
from featurestore.events import failed_expectations, mapped_events
from featurestore.fold import CUSTOMER
from featurestore.identity import (
    against_events,
    against_quarantine,
    content_hash,
    identified,
)
from featurestore.ingest_runs import (
    Batch,
    IngestReport,
    close,
    feeding,
    is_restatement,
    reserve,
    standing,
)
from featurestore.input_errors import readable
from featurestore.reading import input_files, raw_rows
from featurestore.schemas import Source
from featurestore.source_config import SourceConfig
from featurestore.suppression import Kept, kept_out
from featurestore.tables import Warehouse

MOST_LITERAL_MONTHS = 600
"""Beyond fifty years of months in one batch, naming them prunes nothing."""


def ingest(
    warehouse: Warehouse, config: SourceConfig, input_path: str, *, ingested_at: datetime, restore: bool = False,
    erasure_key: ErasureKey | None = None,
) -> IngestReport:  # fmt: skip
    """Add the input's events that are not there yet, and set aside what breaks a rule.

    `ingested_at` (with a time zone) dates the batch; a batch tried before keeps its first date. A batch
    already done adds nothing: its report counts every row as a duplicate. A batch that was taken back is
    refused unless `restore`. A row that holds several events counts once for each of them. Rows of customers who were
    erased with `erasure_key` are counted, and go nowhere.
    Raises ConfigurationError for a path, an expression or a key that does not fit; DataContractError (nothing
    written) for an input that cannot be read, lacks a column, breaks a `fail` expectation, has more rows
    to quarantine than allowed, or is the source's first and has no row to accept; EnvironmentProblem
    when other writers win every time.
    """
    if ingested_at.tzinfo is None:
        raise ConfigurationError(f"ingested_at {ingested_at} has no time zone; instants are UTC.")
    kept = kept_out(warehouse, erasure_key)
    files = input_files(warehouse.spark, config, input_path)
    content_id = batch_id_of(warehouse.spark, described(config), files)
    batch_id = feeding(warehouse, config.source, content_id, restore=restore)
    stands = standing(warehouse, source=config.source, batch_id=batch_id)
    if stands.own is not None and stands.own.is_done:
        return stands.own.fed_again()
    dated = stands.dated(ingested_at)
    with readable(input_path):
        raw = raw_rows(warehouse.spark, config, input_path, files=files)
        events = identified(mapped_events(raw, config, ingested_at=dated), config)
    with held(events):
        with readable(input_path):
            months = _months(events)
            judged = _judged(warehouse, config, events, batch_id=batch_id, months=months, kept=kept)
        with held(judged):
            with readable(input_path):
                counts = counted(judged)
            refuse_bad_batch(
                judged,
                counts,
                source=config.source,
                failing=failed_expectations(config),
                quarantined_share_limit=config.quarantined_share_limit,
                is_first_load=counts.accepted == 0 and is_empty(warehouse, config.shape),
                where=input_path,
            )
            name = PurePosixPath(input_path).name
            batch = reserve(warehouse, source=config.source, batch_id=batch_id, input_name=name, ingested_at=dated)
            write_quarantine(warehouse, config.shape, judged, batch=batch, rows=counts.quarantined)
            added = write_events(warehouse, config, judged, batch=batch, months=months)
            report = _report(warehouse, config, batch, counts=counts, input_name=name, months=months, added=added)
            close(warehouse, report)
            return report


def _judged(
    warehouse: Warehouse, config: SourceConfig, events: DataFrame, *, batch_id: str, months: list[str],
    kept: Kept | None,
) -> DataFrame:  # fmt: skip
    """The batch's rows with their final status, given what the tables hold."""
    source = config.shape
    if warehouse.exists(source.events_table):
        known = warehouse.read(source.events_table)
        if not config.has_natural_id:
            known = known.where(in_months("event_month", months) or "true")
        known = known.select("event_id", content_hash(source).alias("content"), "batch_id")
        events = against_events(events, known, batch_id=batch_id)
    if warehouse.exists(source.quarantine_table):
        known = warehouse.read(source.quarantine_table).select("row_id", "batch_id")
        events = against_quarantine(events, known, batch_id=batch_id)
    return events if kept is None else kept.marked(events, ids=[CUSTOMER])


def _report(
    warehouse: Warehouse,
    config: SourceConfig,
    batch: Batch,
    *,
    counts: BatchCounts,
    input_name: str,
    months: list[str],
    added: int | None,
) -> IngestReport:
    """The counts as they stand in the tables: what another batch committed meanwhile is a duplicate.

    `added` counts the events that this try inserted; where there are none, an earlier try may have done so.
    """
    table = config.shape.events_table
    version = warehouse.version(table)
    if not added:  # none, or none that this try knows of
        stand = warehouse.read(table, version=version).where(in_months("event_month", months) or "true")
        accepted = stand.where(F.col("batch_id") == batch.batch_id).count()
    else:
        accepted = added
    through = config.complete_through
    if through is None and counts.last_event_time is not None:
        through = counts.last_event_time - config.lateness
    return IngestReport(
        **vars(batch),
        input_name=input_name,
        rows_read=counts.read,
        rows_accepted=accepted,
        rows_quarantined=counts.quarantined,
        rows_duplicate=counts.read - accepted - counts.quarantined - counts.suppressed,
        rows_suppressed=counts.suppressed,
        reasons=counts.reasons,
        nonexistent_local_times=counts.nonexistent_local,
        ambiguous_local_times=counts.ambiguous_local,
        first_event_time=counts.first_event_time,
        complete_through=through,
        is_restatement=is_restatement(warehouse, batch, earliest_known_at=counts.earliest_known_at),
        events_version=version,
    )


def _months(events: DataFrame) -> list[str]:
    """The months of the batch's clean events, ISO dates; empty where naming them would not help."""
    found = events.where(F.col("event_id").isNotNull()).select(F.col("event_month").cast("string")).distinct()
    months = [row[0] for row in found.limit(MOST_LITERAL_MONTHS + 1).collect()]  # bounded by the limit
    return sorted(months) if len(months) <= MOST_LITERAL_MONTHS else []


def is_empty(warehouse: Warehouse, source: Source) -> bool:
    """Whether nothing of a source is there yet."""
    return not warehouse.exists(source.events_table) or warehouse.read(source.events_table).isEmpty()


@contextmanager
def held(rows: DataFrame) -> Iterator[None]:
    """`rows` computed once, for as long as they are needed."""
    rows.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield
    finally:
        rows.unpersist()
