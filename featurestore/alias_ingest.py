"""Taking in declared aliases: read, judge against those that stand, follow them to the last person, write once.

As with events, whatever can refuse the file is looked at before anything is written, each write is safe to repeat,
and the next try of an interrupted one ends where a clean one would have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, reduce
from pathlib import PurePosixPath

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_file import SEVERAL, alias_file, declared_aliases
from featurestore.alias_table import CUSTOMER_ALIASES, alias_paths, aliases_version, first_event_of
from featurestore.batch_checks import BatchCounts, counted, refuse_bad_batch
from featurestore.batch_identity import batch_id
from featurestore.erasure_key import ErasureKey
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.event_tables import write_quarantine
from featurestore.events import REASONS
from featurestore.fold import CUSTOMER
from featurestore.identity import ACCEPTED, DUPLICATE, QUARANTINED, STATUS, against_quarantine
from featurestore.ingest import held, is_empty
from featurestore.ingest_runs import Batch, IngestReport, close, feeding, last_taken_in, reserve, standing
from featurestore.input_errors import readable
from featurestore.persons import ALIAS, BATCHES, LINKS, PATH, longer, touching
from featurestore.reading import input_files
from featurestore.schemas import ALIASES
from featurestore.spine_fold import KNOWN
from featurestore.suppression import Kept, kept_out
from featurestore.tables import StaleInput, Transaction, Warehouse, until_committed

MOST_LINKS = 16
"""Aliases that may lead on to one another; a chain this long is a mistake of whoever merges customers."""
CYCLE = "alias_cycle"
NOT_WRITTEN = 0
"""Stands for the rank of a batch that has none yet: ranks begin at 1."""


def ingest_aliases(
    warehouse: Warehouse,
    path: str,
    *,
    ingested_at: datetime,
    run_id: str,
    quarantined_share_limit: float = 0.05,
    restore: bool = False,
    erasure_key: ErasureKey | None = None,
) -> IngestReport:
    """Add the aliases of a file (see `alias_file`) that are not there yet, and set aside what breaks a rule.

    An alias is known from `known_at` on, or, without it, from `ingested_at`, which is lifted above all batches there
    are, so that no `as_known` answer given before is another one after. Told again, an alias that stands is a
    duplicate; told of another customer, or closing a circle, it is set aside; of a customer who was erased (see
    `suppression`) it goes nowhere. Raises ConfigurationError for a path or
    format that does not fit, DataContractError (nothing written) for a file that cannot be read, lacks a column, has
    more rows to quarantine than allowed or no row where none stands, or leads over more than `MOST_LINKS` aliases;
    EnvironmentProblem when other writers win every time.
    """
    if ingested_at.tzinfo is None:
        raise ConfigurationError(f"ingested_at {ingested_at} has no time zone; instants are UTC.")
    kept = kept_out(warehouse, erasure_key)
    layout = alias_file(path)
    files = input_files(warehouse.spark, layout, path)
    content_id = batch_id(warehouse.spark, ALIASES.name, files)
    own_id = feeding(warehouse, ALIASES.name, content_id, restore=restore)
    stands = standing(warehouse, source=ALIASES.name, batch_id=own_id)
    if stands.own is not None and stands.own.is_done:
        return stands.own.fed_again()
    latest = last_taken_in(warehouse)
    after_all = ingested_at if latest is None else max(ingested_at, latest + timedelta(microseconds=1))
    dated = stands.dated(after_all)
    read = partial(declared_aliases, warehouse.spark, layout, path, files=files, ingested_at=dated)
    feed = _Feed(warehouse, path=path, read=read, own_id=own_id, dated=dated, run_id=run_id,
                 limit=quarantined_share_limit, kept=kept)  # fmt: skip
    return until_committed(feed.taken_in, what=f"aliases of {path}")


@dataclass(frozen=True)
class _Feed:
    """One file being taken in: `read` gives its rows, judged by themselves; `own_id` and `dated` are its batch's."""

    warehouse: Warehouse
    path: str
    read: Callable[[], DataFrame]
    own_id: str
    dated: datetime
    run_id: str
    limit: float
    kept: Kept | None

    def taken_in(self) -> IngestReport:
        """Judge the file by the aliases that stand now, and write it; StaleInput if another one came first."""
        # The order matters: whoever commits after this line takes the number that is asked for below.
        number = self.warehouse.committed(CUSTOMER_ALIASES.name, ALIASES.name) + 1
        own = standing(self.warehouse, source=ALIASES.name, batch_id=self.own_id).own
        rank = NOT_WRITTEN if own is None else own.batch_seq
        others = self._others(rank)
        with readable(self.path):
            judged = self._judged(others)
        with held(judged):
            with readable(self.path):
                counts = counted(judged)
            first_load = counts.accepted == 0 and is_empty(self.warehouse, ALIASES)
            refuse_bad_batch(judged, counts, source=ALIASES.name, quarantined_share_limit=self.limit,
                             is_first_load=first_load, where=self.path)  # fmt: skip
            new = new_paths(_edges(judged), others, where=self.path)
            name = PurePosixPath(self.path).name
            batch = reserve(self.warehouse, source=ALIASES.name, batch_id=self.own_id, input_name=name,
                            ingested_at=self.dated)  # fmt: skip
            if counts.accepted and self._written(batch) is None:
                self._append(new, batch, number)
            write_quarantine(self.warehouse, ALIASES, judged, batch=batch, rows=counts.quarantined)
            report = self._report(batch, counts, name)
            close(self.warehouse, report)
            return report

    def _others(self, rank: int) -> DataFrame | None:
        """The paths that stand without this batch."""
        paths = alias_paths(self.warehouse)
        return None if paths is None else paths.where(~F.array_contains(BATCHES, F.lit(rank).cast("bigint")))

    def _judged(self, others: DataFrame | None) -> DataFrame:
        rows = self.read()
        if self.kept is not None:
            rows = self.kept.marked(rows, ids=[ALIAS, CUSTOMER])
        if others is not None:
            rows = _against_standing(rows, others)
        rows = _without_circles(rows, others)
        if self.warehouse.exists(ALIASES.quarantine_table):
            known = self.warehouse.read(ALIASES.quarantine_table).select("row_id", "batch_id")
            rows = against_quarantine(rows, known, batch_id=self.own_id)
        # What is counted of events beside: an alias is dated by when it was known.
        nothing = {"nonexistent_local": F.lit(False), "ambiguous_local": F.lit(False), "event_time": F.col(KNOWN)}
        return rows.withColumns(nothing)

    def _written(self, batch: Batch) -> DataFrame | None:
        """The paths that this batch has in the table, None if it has none."""
        paths = alias_paths(self.warehouse)
        own = None if paths is None else touching(paths, [batch.batch_seq])
        return None if own is None or own.isEmpty() else own

    def _append(self, new: DataFrame, batch: Batch, number: int) -> None:
        own = F.transform(BATCHES, lambda one: F.when(one == NOT_WRITTEN, batch.batch_seq).otherwise(one))
        rows = new.withColumns({BATCHES: own.cast("array<bigint>"), "ingested_at": F.lit(batch.ingested_at),
                                "run_id": F.lit(self.run_id)})  # fmt: skip
        self.warehouse.append(CUSTOMER_ALIASES, rows, transaction=Transaction(ALIASES.name, number))
        if self._written(batch) is None:  # an append that comes second is dropped in silence
            raise StaleInput(CUSTOMER_ALIASES.name, number, number)

    def _report(self, batch: Batch, counts: BatchCounts, name: str) -> IngestReport:
        own, earlier = self._written(batch), last_taken_in(self.warehouse, but=batch.batch_id)
        known = counts.earliest_known_at
        return IngestReport(
            **vars(batch),
            input_name=name,
            rows_read=counts.read,
            rows_accepted=counts.accepted,
            rows_quarantined=counts.quarantined,
            rows_duplicate=counts.duplicate,
            rows_suppressed=counts.suppressed,
            reasons=counts.reasons,
            # Read after the aliases are there: see `snapshot_inputs`, whose reader may have missed them.
            first_event_time=None if own is None else first_event_of(self.warehouse, own),
            is_restatement=known is not None and earlier is not None and known < earlier,
            events_version=aliases_version(self.warehouse),
        )


def _against_standing(rows: DataFrame, others: DataFrame) -> DataFrame:
    """Rows judged by the paths that stand: of a customer on its way an alias is a duplicate, of another it is wrong."""
    persons = others.groupBy(ALIAS).agg(F.collect_set(CUSTOMER).alias("_persons"))
    joined = rows.join(persons, ALIAS, "left")
    stands = (F.col(STATUS) == ACCEPTED) & F.col("_persons").isNotNull()
    same = F.array_contains("_persons", F.col(CUSTOMER))
    status = F.when(stands & same, DUPLICATE).when(stands, QUARANTINED).otherwise(F.col(STATUS))
    why = F.when(stands & ~same, F.array(F.lit(SEVERAL))).otherwise(F.col(REASONS))
    return joined.withColumn(REASONS, why).withColumn(STATUS, status).drop("_persons")


def _without_circles(rows: DataFrame, others: DataFrame | None) -> DataFrame:
    """Rows whose aliases lead back to themselves, set aside."""
    levels = _levels(_edges(rows), others)
    closed = [level.where(F.col(ALIAS) == F.col(CUSTOMER)).select(ALIAS) for level in levels]
    circles = reduce(DataFrame.union, closed).distinct().select(ALIAS, F.lit(True).alias("_circle"))
    joined = rows.join(circles, ALIAS, "left")
    closes = (F.col(STATUS) == ACCEPTED) & F.coalesce("_circle", F.lit(False))
    status = F.when(closes, QUARANTINED).otherwise(F.col(STATUS))
    why = F.when(closes, F.array(F.lit(CYCLE))).otherwise(F.col(REASONS))
    return joined.withColumn(REASONS, why).withColumn(STATUS, status).drop("_circle")


def _edges(judged: DataFrame) -> DataFrame:
    """The accepted rows as paths of one link, of a batch that is still to be written."""
    accepted = judged.where(F.col(STATUS) == ACCEPTED)
    own = F.array(F.lit(NOT_WRITTEN).cast("bigint"))
    return accepted.select(ALIAS, CUSTOMER, KNOWN, F.lit(1).alias(LINKS), own.alias(BATCHES))


def _levels(new: DataFrame, others: DataFrame | None) -> list[DataFrame]:
    """The paths of one link, of two links, ... that `new` aliases make with those that stand, until there are none.

    Each level is computed once and kept (a local checkpoint, so that plans stay short), `MOST_LINKS` of them and one.
    A path that has come back to where it began goes no further.
    """
    aliases = new if others is None else new.unionByName(others.where(F.col(LINKS) == 1).select(*PATH))
    aliases = aliases.localCheckpoint()
    levels = [aliases]
    while len(levels) <= MOST_LINKS:
        level = longer(levels[-1].where(F.col(ALIAS) != F.col(CUSTOMER)), aliases).localCheckpoint()
        if level.isEmpty():
            break
        levels.append(level)
    return levels


def new_paths(new: DataFrame, others: DataFrame | None, *, where: str) -> DataFrame:
    """All paths over `new` aliases (free of circles) and those that stand; DataContractError for one too long."""
    levels = _levels(new, others)
    if len(levels) > MOST_LINKS:
        shown = levels[-1].orderBy(ALIAS).limit(3).collect()
        raise DataContractError(
            f"{where}: more than {MOST_LINKS} aliases lead on to one another, as from "
            f"{', '.join(repr(row[ALIAS]) for row in shown)}.\n"
            "  Nothing was written. Declare the last person for each alias instead."
        )
    paths = reduce(DataFrame.unionByName, levels)
    return paths.where(F.array_contains(BATCHES, F.lit(NOT_WRITTEN).cast("bigint")))
