"""Take a file of events in: clean events, quarantine with reasons, counts. Or take a wrong batch back."""

from __future__ import annotations

from featurestore.errors import ConfigurationError
from featurestore.ingest import ingest
from featurestore.ingest_runs import IngestReport
from featurestore.retraction import retract
from featurestore.snapshot_records import complete_dates, listed_dates
from jobs.build_features import build_step
from jobs.run import Run, Step
from jobs.settings import load_source


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked = run.arguments
    if asked.retract is not None:
        if asked.source or asked.input or asked.restore:
            raise ConfigurationError("--retract goes alone: it names a batch that was ingested.")
        _retract(run, asked.retract)
        return
    if asked.source is None or asked.input is None:
        raise ConfigurationError("give --source and --input, how to read the data and where they are; or --retract.")
    with run.step("ingest") as step:
        report_ingest(step, ingest_file(run, asked.source, asked.input, restore=asked.restore))
    print_reasons(run, step)


def _retract(run: Run, batch: str) -> None:
    with run.step("retract") as step:
        done = retract(run.warehouse, batch, retracted_at=run.started_at)
        step.results.update(source=done.batch.source, batch=done.batch.batch_id, accepted=-done.batch.rows_accepted)
    run.out.print(f"batch {done.batch.batch_id[:12]} of {done.batch.source} ({done.batch.input_name}) is taken back: "
                  f"{done.batch.rows_accepted:,} events, {done.batch.rows_quarantined:,} quarantined rows")  # fmt: skip
    for view in [view for view in run.feature_set(run.views).views if view.source == done.batch.source]:
        stale = sorted(listed_dates(run.warehouse, view) - complete_dates(run.warehouse, view))
        if stale:
            build_step(run, stale, [view])
            run.out.print(f"{view.name}: {len(stale)} snapshots built again")
    for one in done.to_feed_again:
        run.out.print(f"feed {one.input_name} again (batch {one.batch_id[:12]}): {one.rows_duplicate:,} of its rows "
                      "were duplicates, maybe of events taken back now")  # fmt: skip
    run.out.print("training sets and scores follow when build_training_set, train and score run next.")


def ingest_file(run: Run, source_file: str, input_path: str, *, restore: bool = False) -> IngestReport:
    """Ingest one input as its source file says."""
    return ingest(run.warehouse, load_source(source_file), input_path, ingested_at=run.started_at, restore=restore)


def report_ingest(step: Step, report: IngestReport) -> None:
    """Conservation, for the log and `job_runs`."""
    step.results.update(
        source=report.source,
        rows_read=report.rows_read,
        accepted=report.rows_accepted,
        quarantined=report.rows_quarantined,
        duplicate=report.rows_duplicate,
        reasons=dict(report.reasons),
    )


def print_reasons(run: Run, step: Step) -> None:
    """Conservation, for people."""
    facts = step.results
    run.out.print(
        f"{facts['rows_read']:,} rows read = {facts['accepted']:,} accepted + {facts['quarantined']:,} quarantined"
        f" + {facts['duplicate']:,} duplicate"
    )
    for reason, count in sorted(dict(facts["reasons"]).items()):  # type: ignore[call-overload]
        run.out.print(f"  {reason}: {count:,}")
