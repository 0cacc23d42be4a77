"""One run of a job: its settings, identity and clock, its session, its steps and their record."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from pyspark.sql import SparkSession
from rich.console import Console

from featurestore.definitions import fingerprint
from featurestore.feature_settings import configured_views
from featurestore.features import feature_set
from featurestore.features.orders import ORDERS_VIEW
from featurestore.fold import Limits
from featurestore.record_tables import add_records
from featurestore.schemas import Column
from featurestore.shipping import ship_code
from featurestore.table_versions import TableVersions
from featurestore.tables import Table, Transaction, Warehouse, is_local
from featurestore.views import FeatureSet, FeatureView
from featurestore.warehouse_format import migrate
from featurestore.watermarks import ingested_sources
from jobs.logs import FIELDS, set_up
from jobs.session import create_session, tell_less
from jobs.settings import Settings

log = logging.getLogger(__name__)
JOB_RUNS = Table(
    "job_runs",
    (
        Column("run_id", "string", "Run; all steps of one command share it", lineage=True),
        Column("attempt", "int", "Place of the step in its run, from 1"),
        Column("job", "string", "Verb"),
        Column("arguments", "string", "Command-line arguments as JSON", lineage=True),
        Column("settings_fingerprint", "string", "Hash of all settings"),
        Column("input_versions", "map<string,bigint>", "Table to the version that the step read", lineage=True),
        Column("output_versions", "map<string,bigint>", "Table to the version that holds what the step wrote",
               lineage=True),
        Column("results", "string", "What the step reported, as JSON", lineage=True),
        Column("seconds", "double", "Duration", lineage=True),
        Column("status", "string", "done or failed"),
        Column("error", "string", "First line of the error, if it failed"),
        Column("started_at", "timestamp", "When, UTC", lineage=True),
    ),
    comment="What ran, with what, how long, and how it ended",
)  # fmt: skip


WIDTH_OF_A_PIPE = 170


@dataclass
class Step:
    """One step of a run: what it is, how long it took, what it reported, which tables it read and wrote."""

    job: str
    started_at: datetime
    seconds: float = 0.0
    results: dict[str, object] = field(default_factory=dict)
    error: str | None = None
    versions: TableVersions = field(default_factory=lambda: TableVersions({}, {}))


class Run:
    """Carries what is set once at the top of a job: settings, run id, clock, session, warehouse."""

    def __init__(self, arguments: argparse.Namespace, settings: Settings) -> None:
        self.arguments, self.settings = arguments, settings
        self.run_id = uuid.uuid4().hex[:12]
        self.started_at = datetime.now(UTC)
        # A pipe or a file has no width: tables there are as wide as they need.
        width = None if sys.stdout.isatty() else WIDTH_OF_A_PIPE
        self.out = Console(highlight=False, soft_wrap=True, width=width)
        told = set_up(run_id=self.run_id, job=str(getattr(arguments, "job", "")), form=settings.log.format,
                      file=settings.log.file, verbose=bool(getattr(arguments, "verbose", False)))  # fmt: skip
        self.progress = Console(file=told, highlight=False, soft_wrap=True)
        self.steps: list[Step] = []
        self.writes = False

    @cached_property
    def spark(self) -> SparkSession:
        with self._status("starting Spark"):
            session = create_session(self.settings, app_name=f"tessera {self.arguments.job}")
            tell_less(session, "WARN" if self.arguments.verbose else "OFF")
        return session

    @cached_property
    def warehouse(self) -> Warehouse:
        found = Warehouse(self.spark, self.settings.warehouse)
        if self.writes and is_local(self.settings.warehouse):
            migrate(found)
        return found

    @property
    def has_begun(self) -> bool:
        """Whether it came as far as a step, or as its tables."""
        return bool(self.steps) or "warehouse" in vars(self)

    @property
    def limits(self) -> Limits:
        chosen = self.settings.features
        return Limits(chosen.customers_per_fold, chosen.events_per_fold, chosen.answers_per_fold)

    @cached_property
    def views(self) -> dict[str, FeatureView]:
        """All views by name, those of the settings' modules too; the code of these travels with the tasks."""
        known = configured_views(self.settings.features)
        for view in known.values():
            ship_code(view)
        return known

    def feature_set(self, names: Iterable[str]) -> FeatureSet:
        """The views called `names`, as the settings have them."""
        return feature_set(names, rfm_segments=self.settings.features.rfm_segments, views=self.views)

    def features(self) -> FeatureSet:
        """What models read: the views of the settings, else orders and every view whose source was ingested."""
        names = self.settings.features.views
        if names is None:
            ingested = ingested_sources(self.warehouse)
            views = self.views.items()
            names = tuple(name for name, view in views if name == ORDERS_VIEW.name or view.source in ingested)
        return self.feature_set(names)

    @contextmanager
    def step(self, job: str) -> Iterator[Step]:
        """Time a step, show that it runs, and keep what it reports for `job_runs`."""
        step = Step(job, datetime.now(UTC))
        self.steps.append(step)
        started = time.perf_counter()
        try:
            with self._status(job):
                yield step
        except BaseException as error:
            step.error = str(error).split("\n", 1)[0] or type(error).__name__
            raise
        finally:
            step.seconds = time.perf_counter() - started
            step.versions = self._versions()
            log.info("%s %s", job, "failed" if step.error else "done", extra={FIELDS: _told(step)})
            if step.error is None:
                self.progress.print(f"{job}: {_sentence(step)}")

    def _versions(self) -> TableVersions:
        """Of the tables read and written since the step before, from their logs; what chose the dates counts too."""
        if "warehouse" not in vars(self):  # a step without tables starts no session
            return TableVersions({}, {})
        return self.warehouse.journal.take(self.warehouse.version)

    @contextmanager
    def _status(self, what: str) -> Iterator[None]:
        """A spinner on a terminal, a log line elsewhere."""
        if self.progress.is_terminal:
            with self.progress.status(what):
                yield
        else:
            self.progress.print(f"{what} ...")
            yield

    def record(self, error: BaseException | None = None) -> None:
        """Append the steps to `job_runs`, once per run; a run that failed before its first step, as one."""
        if error is not None and not self.steps:
            told = str(error).split("\n", 1)[0] or type(error).__name__
            self.steps.append(Step(str(self.arguments.job), self.started_at, error=told))
        rows = [
            (self.run_id, place, step.job, json.dumps(vars(self.arguments), default=str),
             fingerprint([self.settings.model_dump()]), step.versions.read, step.versions.written,
             json.dumps(step.results, default=str), step.seconds, "failed" if step.error else "done", step.error,
             step.started_at)
            for place, step in enumerate(self.steps, start=1)
        ]  # fmt: skip
        if not rows:
            return
        add_records(self.warehouse, JOB_RUNS, rows, transaction=Transaction(f"job_runs:{self.run_id}"))

    def seconds_since_command(self) -> float | None:
        """Seconds since the launcher's first line, where it says when that was."""
        started = os.environ.get("TESSERA_STARTED_AT")
        return time.time() - float(started) if started else None


def _told(step: Step) -> dict[str, object]:
    """A step as a record of the log has it."""
    return {"step": step.job, "status": "failed" if step.error else "done", "seconds": round(step.seconds, 3),
            "results": step.results, "read": step.versions.read, "written": step.versions.written,
            **({"error": step.error} if step.error else {})}  # fmt: skip


def _sentence(step: Step) -> str:
    facts = [f"{name.replace('_', ' ')} {value}" for name, value in step.results.items()]
    return "; ".join([*facts, f"{step.seconds:.1f} s"])


def flush() -> None:
    """Everything printed so far reaches its reader before Spark's own shutdown lines."""
    sys.stdout.flush()
    sys.stderr.flush()
