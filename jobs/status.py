"""How the warehouse stands: its tables with who wrote them last, and what is due; read from logs and records alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.table import Table as Rich

from featurestore import ingest_runs
from featurestore.erasure_records import unfinished_erasures
from featurestore.schemas import ALIASES, SOURCES
from featurestore.snapshot_records import complete_dates, listed_dates
from featurestore.table_files import LiveFiles, live_files
from featurestore.watermarks import ingested_sources, latest_complete_midnight
from jobs.publication_tables import publications
from jobs.run import JOB_RUNS, Run
from jobs.score_tables import SCORES
from jobs.sql import local_tables
from models.publication.gate import STOPPED

MEBIBYTE = 2**20
SHOWN = 3


@dataclass(frozen=True)
class Written:
    """A step of a run that wrote a table: what ran, when it began (UTC), and how it ended."""

    job: str
    started_at: datetime
    status: str

    def __str__(self) -> str:
        return self.job if self.status == "done" else f"{self.job} ({self.status})"


@dataclass(frozen=True)
class Due:
    """Something that waits to be done: why, and the command that does it."""

    why: str
    command: str


def run(run: Run) -> None:
    """Do what the arguments say."""
    files = {name: live_files(run.warehouse, name) for name in local_tables(run.warehouse)}
    writers = last_writers(run.warehouse.records(JOB_RUNS.name, ("job", "output_versions", "started_at", "status")))
    due = list(what_is_due(run))
    run.out.print(tables_table(files, writers))
    for one in due:
        run.out.print(f"due: {one.why}\n     ./spark-submit.sh {one.command} --warehouse {run.settings.warehouse}")
    if not due:
        run.out.print("nothing is due")
    if run.arguments.json:
        told = {
            "tables": {name: {**asdict(one), "written_by": _plain(writers.get(name))} for name, one in files.items()},
            "due": [asdict(one) for one in due],
        }
        Path(run.arguments.json).write_text(json.dumps(told, indent=2, default=str) + "\n", "utf-8")


def last_writers(steps: list[dict[str, Any]]) -> dict[str, Written]:
    """By table, the step that wrote it last, of rows of `job_runs`."""
    found: dict[str, Written] = {}
    for step in sorted(steps, key=lambda one: one["started_at"]):
        for table in dict(step["output_versions"] or ()):
            found[table] = Written(step["job"], step["started_at"], step["status"])
    return found


def what_is_due(run: Run) -> Iterator[Due]:
    """What waits, in the order of the line: erasures and batches that were cut off, snapshots, scores, publications."""
    warehouse = run.warehouse
    for one in unfinished_erasures(warehouse):
        yield Due(f"erasure {one} was cut off: files still hold who is to go", "erase")
    for batch in ingest_runs.unfinished(warehouse, {*SOURCES, ALIASES.name}):
        how = "--aliases" if batch["source"] == ALIASES.name else "--source SOURCE.yml --input"
        yield Due(f"batch {batch['batch_id'][:12]} of {batch['source']} was cut off; its rows do not count yet",
                  f"ingest {how} {shlex.quote(batch['input_name'])}")  # fmt: skip
    if not ingested_sources(warehouse):
        return
    features = run.features()
    newest = latest_complete_midnight(warehouse, features.sources)
    built = {view.name: listed_dates(warehouse, view) for view in features.views}
    lacking = [name for name, days in built.items() if newest not in days]
    if lacking:
        yield Due(f"events are complete through {newest}, which has no snapshot of {', '.join(lacking)}",
                  f"build_features --as-of {newest}")  # fmt: skip
    stale = sorted({day for view in features.views for day in built[view.name] - complete_dates(warehouse, view)})
    if stale:
        yield Due(f"later batches changed what {len(stale)} snapshots were folded from ({_few(stale)})",
                  f"build_features --dates {','.join(map(str, stale))}")  # fmt: skip
    scored = warehouse.rows_by_date(SCORES.name)
    last = max(scored, default=None)
    if last is None or last < newest:
        since = f"the newest scores are of {last}" if last else "nobody is scored yet"
        yield Due(f"{since}, and events are complete through {newest}", f"score --as-of {newest} --build")
    stopped = publications(warehouse).get(last) if last else None
    if stopped is not None and stopped.decision == STOPPED:
        yield Due(f"the scores of {last} were kept from customer_scores_latest: {stopped.findings[0]}",
                  f"score --as-of {last} --publish-anyway")  # fmt: skip


def tables_table(files: Mapping[str, LiveFiles], writers: Mapping[str, Written]) -> Rich:
    """A line a table."""
    table = Rich(title="Tables", title_justify="left")
    for name in ("table", "rows", "MiB", "files", "small", "version", "committed (UTC)", "last written by"):
        table.add_column(name, justify="left" if name in ("table", "last written by") else "right")
    for name, one in sorted(files.items()):
        rows = "-" if one.rows is None else f"{one.rows:,}"
        table.add_row(name, rows, f"{one.bytes / MEBIBYTE:,.1f}", f"{one.files:,}", f"{one.small:,}", str(one.version),
                      f"{one.committed_at:%Y-%m-%d %H:%M:%S}", str(writers.get(name, "-")))  # fmt: skip
    return table


def _plain(written: Written | None) -> dict[str, Any] | None:
    return None if written is None else asdict(written)


def _few(days: list[date]) -> str:
    return ", ".join(map(str, days[:SHOWN])) + (", ..." if len(days) > SHOWN else "")
