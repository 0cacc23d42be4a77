"""What a build of snapshots reads: the events of one source, and the aliases, each at one version."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths, aliases_version, events_of_persons
from featurestore.carrying import late_totals, of_customers, recent_events, touched_customers
from featurestore.errors import MissingInput
from featurestore.fold import FoldPlan, Limits
from featurestore.frames import folded, instant
from featurestore.persons import touching
from featurestore.schemas import source
from featurestore.snapshot_plan import Pass, Repair
from featurestore.snapshot_records import among
from featurestore.staleness import IngestedBatch, Late, Unseen
from featurestore.tables import Warehouse
from featurestore.watermarks import changes, highest_batch


@dataclass(frozen=True)
class Inputs:
    """The events of one source at one version, by the aliases of that moment (-1: none), and the customers of late
    batches, found once.
    """

    warehouse: Warehouse
    source: str
    version: int
    aliases_version: int
    batch_seq: int
    ingested: Sequence[IngestedBatch]
    held: ExitStack
    _late: dict[tuple[tuple[date, ...], Unseen], DataFrame] = field(default_factory=dict)

    @classmethod
    def pinned(cls, warehouse: Warehouse, name: str, held: ExitStack) -> Inputs:
        """The newest events; what is cached is released with `held`. MissingInput before any was ingested."""
        table = source(name).events_table
        if not warehouse.exists(table):
            raise MissingInput.table(table, warehouse=warehouse.root, make_with="ingest")
        version, aliases = _at_one_moment(warehouse, table)
        return cls(warehouse, name, version, aliases, highest_batch(warehouse, name), changes(warehouse, name), held)

    @property
    def moment(self) -> int:
        """A number that grows with both versions: who read later has a higher one, or has read the same."""
        return self.version + self.aliases_version + 1

    @property
    def events(self) -> DataFrame:
        """The events, told under persons."""
        return events_of_persons(
            self.warehouse, self.source, version=self.version, aliases_version=self.aliases_version
        )

    def late(self, dates: tuple[date, ...], unseen: Unseen) -> DataFrame:
        """`touched_customers` of the batches before the last of `dates`, from the months that they lie in."""
        key = (dates, unseen)
        if key not in self._late:
            paths = self._new_paths(unseen)
            events = self._late_events(dates, unseen) if unseen.batch_seqs or paths is None else None
            found = touched_customers(events, paths, dates=dates)
            self._late[key] = found.persist()
            self.held.callback(self._late[key].unpersist)
        return self._late[key]

    def _late_events(self, dates: tuple[date, ...], unseen: Unseen) -> DataFrame:
        own = [b for b in self.ingested if not b.of_aliases and b.batch_seq in unseen.batch_seqs]
        firsts = [b.first_event_time for b in own if b.first_event_time]
        late = before(self.events, dates[-1]).where(F.col("batch_seq").isin(sorted(unseen.batch_seqs)))
        return late.where(F.col("event_month") >= F.lit(min(firsts).date().replace(day=1))) if firsts else late

    def _new_paths(self, unseen: Unseen) -> DataFrame | None:
        paths = alias_paths(self.warehouse, version=self.aliases_version) if unseen.aliases else None
        return None if paths is None else touching(paths, sorted(unseen.aliases))

    def count_late(self, repair: Repair) -> dict[date, Late]:
        """What the snapshots of a repair have not seen, by date."""
        totals = late_totals(self.late(repair.dates, repair.unseen), dates=repair.dates).first()
        if totals is None:
            return {}
        return {
            day: Late(totals[f"events_{n}"], totals[f"customers_{n}"], totals["aliases"])
            for n, day in enumerate(repair.dates)
        }

    def count(self, passes: Sequence[Pass]) -> int:
        """The events that the passes read, each once."""
        if not passes:
            return 0
        events = self.warehouse.read(source(self.source).events_table, version=self.version)
        events = before(events, max(one.dates[-1] for one in passes))
        if all(one.recent is not None for one in passes):
            since = min(one.recent.since for one in passes if one.recent is not None)
            events = events.where(F.col("event_time") >= F.lit(since).cast("timestamp"))
        return events.count()

    def swept(self, one: Pass, limits: Limits) -> DataFrame:
        """The rows that a sweep gives."""
        events = before(self.events, one.dates[-1])
        if one.unseen:
            events = of_customers(events, self.late(one.dates, one.unseen))
        if one.recent is not None:
            seen = self.warehouse.read(one.recent.table).where(among([one.recent.seen_at]))
            events = recent_events(events, seen, since=one.recent.since)
        return folded(events, FoldPlan(one.folds, one.derived, tuple(map(instant, one.dates)), limits))


def _at_one_moment(warehouse: Warehouse, table: str) -> tuple[int, int]:
    """The versions of `table` and of the aliases at one moment.

    So of two readers one has read both tables later, or both the same; and who has not seen an alias has read the
    events before it was there, whose earliest is looked for after that.
    """
    while True:
        aliases = aliases_version(warehouse)
        version = warehouse.version(table)
        if aliases_version(warehouse) == aliases:
            return version, aliases


def before(events: DataFrame, day: date) -> DataFrame:
    """Events strictly before midnight UTC of `day`; months after it are not read."""
    return events.where((F.col("event_month") <= F.lit(day)) & (F.col("event_time") < F.lit(day).cast("timestamp")))
