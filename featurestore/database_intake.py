"""Taking in what is new in a table of a database: read up to a fixed point, land, take in, and only then go on.

How far a table has been read is told by the batches that stand (`ingest_runs`), so that it moves on in the very
commit that closes a batch. What was cut off after that batch had its rank is finished first, from the rows that had
landed; what was cut off before is read anew. The overlap brings rows again that stand already: they are duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pyspark.sql import functions as F

from featurestore.batch_identity import batch_id as batch_id_of
from featurestore.batch_identity import described, input_key
from featurestore.database import Credentials, Database
from featurestore.database_address import Address
from featurestore.database_config import DatabaseTable
from featurestore.database_queries import Scale, in_order, rows_query, window
from featurestore.erasure_key import ErasureKey
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.ingest import Given, noticed, take_in
from featurestore.ingest_runs import IngestReport, Reading, cut_off, read_already
from featurestore.landing import clear, land, landed_files, landed_path
from featurestore.source_config import SourceConfig
from featurestore.tables import Warehouse


@dataclass(frozen=True)
class Extent:
    """What a run reads: beyond `since`, where the runs before have read to, up to `until`, where the table ends now."""

    scale: Scale | None = None
    since: str | None = None
    until: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def through(self) -> str | None:
        """How far the table has been read after this."""
        return max((end for end in (self.since, self.until) if end is not None), key=in_order, default=None)

    @property
    def is_quiet(self) -> bool:
        """Whether no row is known to be new: only late ones, or a table read whole, may bring any."""
        return self.through == self.since


def ingest_table(
    warehouse: Warehouse, config: SourceConfig, address: Address, credentials: Credentials, *, ingested_at: datetime,
    restore: bool = False, accept_columns: bool = False, erasure_key: ErasureKey | None = None,
) -> tuple[IngestReport, ...]:  # fmt: skip
    """Finish what was cut off of a table's last batch, then take in what is new in it since; a report a batch.

    Raises as `take_in` does; DataContractError (nothing written) for rows without a watermark and for a column that is
    missing or has another type than before; EnvironmentProblem where the database does not answer, at any time: the
    same command goes on from where the last batch that was closed had read to.
    """
    if config.jdbc is None:
        raise ConfigurationError(f"{address.identity} is a database: --source must be of format jdbc.")
    database = Database(warehouse.spark, address, credentials, config.jdbc.fetch_rows)
    identity = f"{described(config)}\n{address.identity}"
    intake = _TableIntake(warehouse, config, config.jdbc, database, identity, erasure_key)
    finished = tuple(intake.finished(one, ingested_at) for one in intake.cut_off())
    report = intake.new(ingested_at, restore=restore, accept_columns=accept_columns)
    return (*finished, report)


@dataclass(frozen=True)
class _TableIntake:
    """One table on its way into a source; `identity` describes how and from where it is read."""

    warehouse: Warehouse
    config: SourceConfig
    table: DatabaseTable
    database: Database
    identity: str
    erasure_key: ErasureKey | None

    @property
    def key(self) -> str:
        return input_key(self.identity)

    @property
    def where(self) -> str:
        return f"table {self.table.table} of {self.database.address.identity}"

    def cut_off(self) -> list[IngestReport]:
        """The batches of this table that have their rank but not all of their rows."""
        return cut_off(self.warehouse, self.config.source, self.key)

    def finished(self, begun: IngestReport, ingested_at: datetime) -> IngestReport:
        """A batch that was cut off, from the rows that had landed for it."""
        folder = str(begun.landed)
        if not landed_files(self.warehouse, folder):
            raise DataContractError(
                f"batch {begun.batch_id[:12]} of {self.config.source} was cut off, and the rows that it had read are "
                f"no longer in {landed_path(self.warehouse, folder)}.\n"
                f"  Take it back, then run this again: ./spark-submit.sh ingest --retract {begun.batch_id[:12]}"
            )
        given = self._given(folder, columns=begun.input_columns, reading=begun.reading, batch_id=begun.batch_id)
        report = take_in(self.warehouse, self.config, given, ingested_at=ingested_at, accept_columns=True,
                         erasure_key=self.erasure_key)  # fmt: skip
        self._clear()
        return report

    def new(self, ingested_at: datetime, *, restore: bool, accept_columns: bool) -> IngestReport:
        """What the table holds since it was last read, taken in."""
        types, looked_up = self._columns()
        columns = {**types, **looked_up}
        noticed(self.warehouse, self.config, columns, key=self.key, where=self.where, accept=accept_columns)
        extent = self._extent(types, restore=restore)
        folder = f"{self.key}-{int(ingested_at.timestamp() * 1_000_000)}"
        reading = Reading(read_from=extent.since, read_through=extent.through, landed=folder)
        self._clear()
        try:
            self._land(types, extent, folder)
            given = self._given(folder, columns=columns, reading=reading, quiet=extent.is_quiet)
            report = take_in(self.warehouse, self.config, given, ingested_at=ingested_at, restore=restore,
                             accept_columns=accept_columns, erasure_key=self.erasure_key)  # fmt: skip
        finally:
            self._clear()
        return replace(report, notes=(*report.notes, *extent.notes))

    def _given(
        self, folder: str, *, columns: Mapping[str, str], reading: Reading, quiet: bool = False,
        batch_id: str | None = None,
    ) -> Given:  # fmt: skip
        files = landed_files(self.warehouse, folder)
        return Given(
            path=landed_path(self.warehouse, folder), files=files, name=self.database.address.identity,
            content_id=batch_id_of(self.warehouse.spark, self.identity, files), key=self.key, where=self.where,
            batch_id=batch_id, columns=columns, reading=reading, quiet=quiet,
        )  # fmt: skip

    def _clear(self) -> None:
        """Remove what has landed for this table, but for batches that are cut off."""
        clear(self.warehouse, prefix=self.key, but={str(one.landed) for one in self.cut_off()})

    def _columns(self) -> tuple[dict[str, str], dict[str, str]]:
        """The table's columns with their types, and those that are looked up in the joined table."""
        types, joined = self.database.columns(self.table.table), self.table.joined
        looked_up: dict[str, str] = {}
        if joined is not None:
            there = self.database.columns(joined.table)
            _refuse_missing(
                [joined.key, *joined.columns], there, where=f"table {joined.table}, joined to {self.where},"
            )
            _refuse_missing([joined.key], types, where=self.where)
            self.database.refuse_repeated_key(joined)
            looked_up = {own: there[column] for own, column in joined.named.items()}
        ranged = [column for column in (self.table.watermark, self.table.partition_by) if column is not None]
        _refuse_missing([*self.config.raw_columns - set(looked_up), *ranged], types, where=self.where)
        return types, looked_up

    def _extent(self, types: Mapping[str, str], *, restore: bool) -> Extent:
        """How far the table goes, and how far it has been read."""
        if self.table.watermark is None:
            return Extent()
        scale = Scale.of(self.table.watermark, types, where=self.where)
        found = self.database.row(scale.extent_query(self.table.table, time_zone=self.config.time_zone))
        if found["lacking"]:
            raise DataContractError(
                f"{self.where}: rows have no {scale.column}, the watermark: they would never be read.\n"
                "  Nothing was written. Fill the column, name another watermark, or leave it out to read the table "
                "whole each time."
            )
        ahead = f"{self.where}: rows whose {scale.column} lies in the future are read when their time has come"
        since = read_already(self.warehouse, self.config.source, self.key, restore=restore)
        return Extent(scale, since, found["highest"], (ahead,) if found["ahead"] else ())

    def _land(self, types: Mapping[str, str], extent: Extent, folder: str) -> None:
        """Read the rows of `extent` in parts, and write them to where they are taken in from."""
        table, cut_by = self.table, self.table.parts_by
        rows = window(extent.scale, since=extent.since, until=extent.until, overlap=table.overlap)
        parts = ["true"]
        if cut_by is not None and table.partitions > 1:
            scale = Scale.of(cut_by, types, where=self.where)
            parts = scale.ranges(
                self.database.values(scale.cuts_query(table.table, where=rows, parts=table.partitions))
            )
        columns = sorted(self.config.raw_columns)
        query = rows_query(table, types, columns=columns, where=rows)
        found = self.database.rows(query, parts=parts).select(columns)
        if self.config.only is not None:
            found = found.where(F.expr(f"({self.config.only})"))  # Spark hands simple conditions on to the database
        with self.database.answering():
            land(self.warehouse, found, folder)


def _refuse_missing(needed: Iterable[str], types: Mapping[str, str], *, where: str) -> None:
    missing = sorted(set(needed) - set(types))
    if missing:
        raise DataContractError.missing_columns(missing, found=types, where=where)
