"""The table of batches: reserving a batch's rank and instant, closing it with its counts, reading it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from deltalake.exceptions import CommitFailedError

from featurestore.database_queries import in_order
from featurestore.errors import DataContractError, EnvironmentProblem
from featurestore.record_tables import add_records, put_records
from featurestore.schemas import Column
from featurestore.tables import ATTEMPTS, Table, Transaction, Warehouse, until_committed

STARTED, DONE, RETRACTING, RETRACTED = "started", "done", "retracting", "retracted"

INGEST_RUNS = Table(
    "ingest_runs",
    (
        Column("batch_id", "string", "Hash of source, input identity and content", required=True),
        Column("source", "string", "Source of events that the batch belongs to, or aliases", required=True),
        Column("batch_seq", "bigint", "Rank of the batch among the batches of its source, from 1", lineage=True),
        Column("ingested_at", "timestamp", "When the batch was taken in, UTC; grows with batch_seq", lineage=True),
        Column("status", "string", "started; done once all of its rows are in their tables; retracting; retracted"),
        Column("input_name", "string", "Name of the input, without its folder", lineage=True),
        Column("rows_read", "bigint", "Events that the input holds; equals the sum of the next four"),
        Column("rows_accepted", "bigint", "Events added to events_<source>"),
        Column("rows_quarantined", "bigint", "Rows added to quarantine_<source>"),
        Column("rows_duplicate", "bigint", "Rows that stood already, in the table or in the batch"),
        Column("rows_suppressed", "bigint", "Rows of customers who were erased: they went nowhere; NULL for 0"),
        Column("accepted_erased", "bigint", "Of the accepted, events that an erasure took out since; NULL for 0"),
        Column("quarantined_erased", "bigint", "Of the quarantined, rows that an erasure took out since; NULL for 0"),
        Column("reasons", "map<string,bigint>", "Quarantined rows per reason; a row may have several"),
        Column("nonexistent_local_times", "bigint", "Accepted events whose wall clock a clock change skips"),
        Column("ambiguous_local_times", "bigint", "Accepted events whose wall clock exists twice"),
        Column(
            "first_event_time", "timestamp", "Earliest accepted event: what is older is untouched by the batch, UTC"
        ),
        Column("complete_through", "timestamp", "No event before this instant is still expected, UTC"),
        Column("is_restatement", "boolean", "Tells of things known before an earlier batch was taken in"),
        Column(
            "events_version",
            "bigint",
            "Version of events_<source> (customer_aliases) that first holds the batch, or lacks it again",
            lineage=True,
        ),
        Column("retracted_at", "timestamp", "When it was taken back, UTC", lineage=True),
        Column("input_key", "string", "Hash of how, and of a database from where, it was read"),
        Column("input_columns", "map<string,string>", "Columns that the input had, with their types, string for text"),
        Column("read_from", "string", "Value of the watermark that the table had been read through before; NULL: none"),
        Column("read_through", "string", "Value of the watermark that the batch has read the table through"),
        Column("landed", "string", "Folder below landed/ that holds the rows of a table until they are taken in",
               lineage=True),
    ),
    "One row a batch of events: what was read, where it went, and what the source is complete through",
)  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """A batch that has its rank: written rows carry these four."""

    batch_id: str
    source: str
    batch_seq: int
    ingested_at: datetime


@dataclass(frozen=True)
class Reading:
    """What is remembered of how a batch was read; the columns of these names say what each is."""

    input_key: str = ""
    input_columns: dict[str, str] = field(default_factory=dict)
    read_from: str | None = None
    read_through: str | None = None
    landed: str | None = None


NOT_REMEMBERED = Reading()


@dataclass(frozen=True)
class IngestReport:
    """What one ingest found: `rows_read` = accepted + quarantined + duplicate + suppressed; instants in UTC."""

    source: str
    batch_id: str
    batch_seq: int
    ingested_at: datetime
    input_name: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_suppressed: int = 0
    accepted_erased: int = 0
    quarantined_erased: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    nonexistent_local_times: int = 0
    ambiguous_local_times: int = 0
    first_event_time: datetime | None = None
    complete_through: datetime | None = None
    is_restatement: bool = False
    events_version: int = -1
    retracted_at: datetime | None = None
    input_key: str = ""
    input_columns: dict[str, str] = field(default_factory=dict)
    read_from: str | None = None
    read_through: str | None = None
    landed: str | None = None
    status: str = DONE
    already_ingested: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        return self.status == DONE

    @property
    def reading(self) -> Reading:
        """How it was read."""
        return Reading(**{name: getattr(self, name) for name in Reading.__dataclass_fields__})

    def fed_again(self) -> IngestReport:
        """The report of feeding this very batch once more: nothing added, every row a duplicate."""
        return replace(
            self,
            rows_accepted=0,
            rows_quarantined=0,
            rows_duplicate=self.rows_read,
            rows_suppressed=0,
            reasons={},
            already_ingested=True,
        )


@dataclass(frozen=True)
class Standing:
    """Of a source's batches: the one asked for, the highest rank (0 if none) and the latest `ingested_at`."""

    own: IngestReport | None
    highest: int
    latest: datetime | None

    def dated(self, ingested_at: datetime) -> datetime:
        """The instant that the batch has, or will have: it grows with the rank, so it may be lifted."""
        if self.own is not None:
            return self.own.ingested_at
        return ingested_at if self.latest is None else max(ingested_at, self.latest + timedelta(microseconds=1))


def complete_through(warehouse: Warehouse, source: str) -> datetime | None:
    """The instant (UTC) that `source` is complete through: the highest of its batches, None before any."""
    instants = [run["complete_through"] for run in done(warehouse) if run["source"] == source]
    return max((instant for instant in instants if instant is not None), default=None)


def last_taken_in(warehouse: Warehouse, *, but: str = "") -> datetime | None:
    """When (UTC) the last batch of any source, or of aliases, was taken in (`but` that of this id); None before any."""
    runs = warehouse.records(INGEST_RUNS.name, ("batch_id", "ingested_at"))
    return max((run["ingested_at"] for run in runs if run["batch_id"] != but), default=None)


def done(warehouse: Warehouse) -> list[dict[str, Any]]:
    """What readers must know of every batch that is wholly ingested: rank, extent and where its events are."""
    return [run for run in settled(warehouse) if run["status"] == DONE]


def settled(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The batches that are wholly ingested, and those that were and are taken back again, or are being so."""
    columns = ("source", "status", "batch_seq", "first_event_time", "complete_through", "events_version", "ingested_at")
    return [run for run in warehouse.records(INGEST_RUNS.name, columns) if run["status"] != STARTED]


def unfinished(warehouse: Warehouse, sources: Collection[str]) -> list[dict[str, Any]]:
    """The batches of `sources` that have their rank but not all of their rows yet: id, source, input, instant."""
    runs = warehouse.records(INGEST_RUNS.name, ("batch_id", "source", "input_name", "status", "ingested_at"))
    return [run for run in runs if run["status"] == STARTED and run["source"] in sources]


def standing(warehouse: Warehouse, *, source: str, batch_id: str, before: int | None = None) -> Standing:
    """How `batch_id` stands among the batches of `source` (of a rank below `before`, if given)."""
    names = [column.name for column in INGEST_RUNS.columns]
    runs = [run for run in warehouse.records(INGEST_RUNS.name, names) if run["source"] == source]
    if before is not None:
        runs = [run for run in runs if run["batch_seq"] < before]
    own = next((recorded(run) for run in runs if run["batch_id"] == batch_id), None)
    highest = max((run["batch_seq"] for run in runs), default=0)
    return Standing(own, highest, max((run["ingested_at"] for run in runs), default=None))


def reports(warehouse: Warehouse, source: str) -> list[IngestReport]:
    """All batches of `source`, in any order and any state."""
    names = [column.name for column in INGEST_RUNS.columns]
    return [recorded(run) for run in warehouse.records(INGEST_RUNS.name, names) if run["source"] == source]


def recorded(run: dict[str, Any]) -> IngestReport:
    """A row of the table as a report."""
    known = {name: run[name] for name in IngestReport.__dataclass_fields__ if run.get(name) is not None}
    maps = {name: dict(run.get(name) or ()) for name in ("reasons", "input_columns")}
    return IngestReport(**{**known, **maps})


def feeding(warehouse: Warehouse, source: str, content_id: str, *, restore: bool) -> str:
    """The id that the batch with this content goes by when it is fed now.

    That is `content_id`, until a retraction takes away events that the batch held or found there already: fed
    after that, the same content is a batch of its own. One that was taken back itself stays out unless `restore`;
    DataContractError says so.
    """
    known = {report.batch_id: report for report in reports(warehouse, source)}
    last_retraction = _last_retraction(known.values())
    times, batch_id = 0, content_id
    while (own := known.get(batch_id)) is not None:
        if own.status in (RETRACTING, RETRACTED):
            if not restore:
                raise DataContractError(
                    f"this input was taken back (batch {own.batch_id[:12]} of {source}); nothing is added.\n"
                    "  To take it in after all, add --restore."
                )
        elif not _may_lack_rows(own, last_retraction):
            return batch_id
        times += 1
        batch_id = hashlib.sha256(f"{content_id}:{times}".encode()).hexdigest()
    return batch_id


def _last_retraction(batches: Iterable[IngestReport]) -> datetime | None:
    return max((one.retracted_at for one in batches if one.retracted_at is not None), default=None)


def _may_lack_rows(own: IngestReport, last_retraction: datetime | None) -> bool:
    """Whether rows of a batch that were duplicates may have been duplicates of what was taken back since."""
    return bool(own.rows_duplicate) and last_retraction is not None and last_retraction >= own.ingested_at


def standing_batches(warehouse: Warehouse, source: str, *, restore: bool) -> set[str]:
    """The ids of batches whose input need not be read again: wholly ingested, or taken back to stay out.

    With `restore`, what was taken back is not among them, and never one whose duplicates may have gone with it.
    """
    known = reports(warehouse, source)
    last_retraction = _last_retraction(known)
    return {one.batch_id for one in known if _stands(one, last_retraction, restore=restore)}


def _stands(own: IngestReport, last_retraction: datetime | None, *, restore: bool) -> bool:
    if own.status in (RETRACTING, RETRACTED):
        return not restore
    return own.is_done and not _may_lack_rows(own, last_retraction)


def read_already(warehouse: Warehouse, source: str, input_key: str, *, restore: bool) -> str | None:
    """The value of its watermark that a table has been read through by batches that stand; None before any.

    A batch that was taken back counts as read, since it is to stay out, unless `restore`; one whose duplicates may
    have gone with another that was taken back does not.
    """
    stands = standing_batches(warehouse, source, restore=restore)
    of_input = [one for one in reports(warehouse, source) if one.input_key == input_key and one.batch_id in stands]
    return reach((one.read_from, one.read_through) for one in of_input if one.read_through is not None)


def reach(stretches: Iterable[tuple[str | None, str]]) -> str | None:
    """How far stretches (from, through) lead without a gap, from the very beginning: None.

    >>> reach([(None, "10"), ("10", "12"), ("15", "20")]), reach([("10", "12")])
    ('12', None)
    """
    left, reached = list(stretches), None
    while True:
        on = [
            end
            for start, end in left
            if start is None or (reached is not None and in_order(start) <= in_order(reached))
        ]
        furthest = max(on, key=in_order, default=None)
        if furthest is None or furthest == reached:
            return reached
        reached = furthest


def cut_off(warehouse: Warehouse, source: str, input_key: str) -> list[IngestReport]:
    """The batches of an input that have their rank but not all of their rows yet, in their order."""
    begun = [one for one in reports(warehouse, source) if one.status == STARTED and one.input_key == input_key]
    return sorted(begun, key=lambda one: one.batch_seq)


def columns_before(warehouse: Warehouse, source: str, input_key: str) -> dict[str, str]:
    """The columns that an input had when it was last taken in, with their types; empty before that."""
    known = [one for one in reports(warehouse, source) if one.input_key == input_key and one.is_done]
    newest = max((one for one in known if one.input_columns), key=lambda one: one.batch_seq, default=None)
    return {} if newest is None else newest.input_columns


def mark(warehouse: Warehouse, report: IngestReport) -> None:
    """Record what has become of a batch."""
    until_committed(
        lambda: put_records(warehouse, INGEST_RUNS, [_row(asdict(report))], keys=["batch_id"]),
        what=f"batch {report.batch_id[:12]} of {report.source}",
    )


def reserve(
    warehouse: Warehouse, *, source: str, batch_id: str, input_name: str, ingested_at: datetime,
    reading: Reading = NOT_REMEMBERED,
) -> Batch:  # fmt: skip
    """Give the batch the next rank of its source, or the one that an earlier try was given.

    The rank is the version of a transaction per source, so of two batches that ask at once one gets
    it and the other asks again. `ingested_at` is lifted where needed to grow with the rank.
    Raises EnvironmentProblem when others win three times.
    """
    app_id = f"batch_seq:{source}"
    for _ in range(ATTEMPTS):
        # The order matters: whoever commits after this line takes the rank that is asked for below.
        committed = warehouse.committed(INGEST_RUNS.name, app_id)
        stands = standing(warehouse, source=source, batch_id=batch_id)
        rank = stands.own.batch_seq if stands.own is not None else max(committed, stands.highest) + 1
        batch = Batch(batch_id, source, rank, stands.dated(ingested_at))
        if stands.own is not None:
            return batch
        if _took_rank(warehouse, batch, input_name, reading, Transaction(app_id, rank)):
            return batch
    raise EnvironmentProblem(
        f"batch {batch_id[:12]} of {source}: other batches took the next rank {ATTEMPTS} times in a row.\n"
        f"  Nothing was written. Run the job again when the others have ended."
    )


def is_restatement(warehouse: Warehouse, batch: Batch, *, earliest_known_at: datetime | None) -> bool:
    """Whether the batch tells of something known before an earlier batch of its source was taken in."""
    if earliest_known_at is None:
        return False
    earlier = standing(warehouse, source=batch.source, batch_id=batch.batch_id, before=batch.batch_seq)
    return earlier.latest is not None and earliest_known_at < earlier.latest


def close(warehouse: Warehouse, report: IngestReport) -> None:
    """Record the batch as done, with its counts."""
    mark(warehouse, replace(report, status=DONE))


def _took_rank(warehouse: Warehouse, batch: Batch, input_name: str, reading: Reading, transaction: Transaction) -> bool:
    """Whether the batch stands under its rank now: an append that comes second is dropped in silence."""
    row = _row({**asdict(batch), "status": STARTED, "input_name": input_name, **asdict(reading)})
    try:
        add_records(warehouse, INGEST_RUNS, [row], transaction=transaction)
    except CommitFailedError:
        return False
    own = standing(warehouse, source=batch.source, batch_id=batch.batch_id).own
    return own is not None and own.batch_seq == batch.batch_seq


def _row(values: dict[str, Any]) -> list[Any]:
    return [values.get(column.name) for column in INGEST_RUNS.columns]
