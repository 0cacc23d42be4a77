"""Taking in a batch of events: read, judge, and write it once, however often it is tried.

Whatever can refuse the batch is looked at before anything is written. Then four writes follow, each
safe to repeat: the batch's rank, the quarantine, the events, the counts. Between any two of them the
process may die; the next try ends where one clean run would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.batch_checks import BatchCounts, counted, refuse_bad_batch
from featurestore.batch_identity import batch_id as batch_id_of
from featurestore.batch_identity import described, input_key
from featurestore.drift import drift, remembered
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
    NOT_REMEMBERED,
    Batch,
    IngestReport,
    Reading,
    close,
    columns_before,
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
NO_RANK = 0
"""Of what leaves no batch behind: ranks begin at 1."""


@dataclass(frozen=True)
class Given:
    """The input of one batch: what Spark reads, the files behind it, and how it is called and remembered.

    `content_id` is the hash of its content and of how it is read, `batch_id` that of a batch that is to be finished;
    `key` stands for how (and from where) it is read alone. `base` is the folder whose subfolders name columns;
    `columns` are those that the input has, where they are known without reading it; `remember` is called with the
    id of the batch before it has its rank; a `quiet` input that brings nothing new leaves no trace.
    """

    path: str | list[str]
    files: Sequence[str]
    name: str
    content_id: str
    key: str
    where: str
    batch_id: str | None = None
    base: str | None = None
    columns: Mapping[str, str] | None = None
    reading: Reading = NOT_REMEMBERED
    remember: Callable[[str], None] | None = None
    quiet: bool = False


def ingest(
    warehouse: Warehouse, config: SourceConfig, input_path: str, *, ingested_at: datetime, restore: bool = False,
    accept_columns: bool = False, erasure_key: ErasureKey | None = None,
) -> IngestReport:  # fmt: skip
    """Add the events of a file, a folder or a glob that are not there yet; see `take_in`."""
    files = input_files(warehouse.spark, config, input_path)
    identity, name = described(config), PurePosixPath(input_path).name
    content_id = batch_id_of(warehouse.spark, identity, files)
    given = Given(input_path, files, name, content_id, input_key(identity), input_path)
    return take_in(warehouse, config, given, ingested_at=ingested_at, restore=restore, accept_columns=accept_columns,
                   erasure_key=erasure_key)  # fmt: skip


def take_in(
    warehouse: Warehouse, config: SourceConfig, given: Given, *, ingested_at: datetime, restore: bool = False,
    accept_columns: bool = False, erasure_key: ErasureKey | None = None,
) -> IngestReport:  # fmt: skip
    """Add the input's events that are not there yet, and set aside what breaks a rule.

    `ingested_at` (with a time zone) dates the batch; a batch tried before keeps its first date. A batch
    already done adds nothing: its report counts every row as a duplicate. A batch that was taken back is
    refused unless `restore`. A row that holds several events counts once for each of them. Rows of customers who were
    erased with `erasure_key` are counted, and go nowhere.
    Raises ConfigurationError for a path, an expression or a key that does not fit; DataContractError (nothing
    written) for an input that cannot be read, lacks a column, has one of another type than before (unless
    `accept_columns`), breaks a `fail` expectation, has more rows to quarantine than allowed, or is the source's
    first and has no row to accept; EnvironmentProblem when other writers win every time.
    """
    if ingested_at.tzinfo is None:
        raise ConfigurationError(f"ingested_at {ingested_at} has no time zone; instants are UTC.")
    kept = kept_out(warehouse, erasure_key)
    batch_id = given.batch_id or feeding(warehouse, config.source, given.content_id, restore=restore)
    stands = standing(warehouse, source=config.source, batch_id=batch_id)
    if stands.own is not None and stands.own.is_done:
        return stands.own.fed_again()
    dated = stands.dated(ingested_at)
    with readable(given.where):
        raw = raw_rows(warehouse.spark, config, given.path, files=given.files, where=given.where, base=given.base)
        columns = noticed(warehouse, config, given.columns or raw.columns, key=given.key, where=given.where,
                          accept=accept_columns)  # fmt: skip
        events = identified(mapped_events(raw.rows, config, ingested_at=dated), config)
    reading = replace(given.reading, input_key=given.key, input_columns=columns.remembered)
    with held(events):
        with readable(given.where):
            months = _months(events)
            judged = _judged(warehouse, config, events, batch_id=batch_id, months=months, kept=kept)
        with held(judged):
            with readable(given.where):
                counts = counted(judged)
            refuse_bad_batch(
                judged,
                counts,
                source=config.source,
                failing=failed_expectations(config),
                quarantined_share_limit=config.quarantined_share_limit,
                is_first_load=counts.accepted == 0 and is_empty(warehouse, config.shape),
                where=given.where,
            )
            if given.quiet and stands.own is None and counts.duplicate + counts.suppressed == counts.read:
                return _nothing_new(config, counts, batch_id=batch_id, dated=dated, name=given.name)
            if given.remember is not None:
                given.remember(batch_id)
            batch = reserve(warehouse, source=config.source, batch_id=batch_id, input_name=given.name,
                            ingested_at=dated, reading=reading)  # fmt: skip
            write_quarantine(warehouse, config.shape, judged, batch=batch, rows=counts.quarantined)
            added = write_events(warehouse, config, judged, batch=batch, months=months)
            report = _report(warehouse, config, batch, counts=counts, input_name=given.name, months=months, added=added)
            report = replace(report, **vars(reading))
            close(warehouse, report)
            return replace(report, notes=columns.notes)


@dataclass(frozen=True)
class Columns:
    """What is to be told of an input's columns, and what is to be remembered of them."""

    notes: tuple[str, ...]
    remembered: dict[str, str]


def noticed(
    warehouse: Warehouse, config: SourceConfig, columns: Mapping[str, str], *, key: str, where: str, accept: bool
) -> Columns:
    """An input's columns beside those that it had before; see `drift` for what raises DataContractError."""
    before = {} if accept else columns_before(warehouse, config.source, key)
    notes = drift(before, columns, read=config.raw_columns, stop_at_new=config.new_columns == "stop", where=where)
    return Columns(tuple(notes), remembered(before, columns, may_be_left_out=config.format == "json"))


def _nothing_new(
    config: SourceConfig, counts: BatchCounts, *, batch_id: str, dated: datetime, name: str
) -> IngestReport:
    """The report of rows that all stand already, or are to stay out: no batch of its own."""
    return IngestReport(config.source, batch_id, NO_RANK, dated, name, rows_read=counts.read,
                        rows_duplicate=counts.duplicate, rows_suppressed=counts.suppressed,
                        already_ingested=True)  # fmt: skip


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
