"""Take in a file of events: clean events, quarantine with reasons, counts. Or a file of aliases, or undo a batch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from featurestore.alias_ingest import ingest_aliases
from featurestore.errors import ConfigurationError
from featurestore.ingest import ingest
from featurestore.ingest_runs import IngestReport
from featurestore.retraction import retract
from featurestore.schemas import ALIASES
from featurestore.snapshot_records import complete_dates, listed_dates
from featurestore.views import FeatureView
from jobs.build_features import build_step
from jobs.erasure_keys import erasure_key
from jobs.run import Run, Step
from jobs.settings import load_source


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked = run.arguments
    if asked.retract is not None:
        if asked.source or asked.input or asked.aliases or asked.restore:
            raise ConfigurationError("--retract goes alone: it names a batch that was ingested.")
        _retract(run, asked.retract)
        return
    if asked.aliases is not None:
        if asked.source or asked.input:
            raise ConfigurationError("--aliases names its own file and columns: leave --source and --input out.")
        _take_aliases(run, asked.aliases, restore=asked.restore)
        return
    if asked.source is None or asked.input is None:
        raise ConfigurationError(
            "give --source and --input, how to read the data and where they are; or --aliases; or --retract."
        )
    with run.step("ingest") as step:
        report_ingest(step, ingest_file(run, asked.source, asked.input, restore=asked.restore))
    print_reasons(run, step)


def _take_aliases(run: Run, path: str, *, restore: bool) -> None:
    with run.step("ingest") as step:
        limit = run.settings.aliases.quarantined_share_limit
        report = ingest_aliases(run.warehouse, path, ingested_at=run.started_at, run_id=run.run_id,
                                quarantined_share_limit=limit, restore=restore,
                                erasure_key=erasure_key(run.settings))  # fmt: skip
        report_ingest(step, report)
    print_reasons(run, step)
    if report.is_restatement:
        run.out.print("known before an earlier batch was taken in: as_known answers given since then may change.")
    stale = {view.name: len(_stale(run, view)) for view in run.feature_set(run.views).views}
    for name, count in stale.items():
        if count:
            run.out.print(
                f"{name}: {count} stored snapshots are stale now; build_features repairs those it is asked for."
            )


def _stale(run: Run, view: FeatureView) -> list[date]:
    return sorted(listed_dates(run.warehouse, view) - complete_dates(run.warehouse, view))


def _retract(run: Run, batch: str) -> None:
    with run.step("retract") as step:
        done = retract(run.warehouse, batch, retracted_at=run.started_at)
        step.results.update(source=done.batch.source, batch=done.batch.batch_id, accepted=-done.batch.rows_accepted)
    of_aliases = done.batch.source == ALIASES.name
    what = "aliases" if of_aliases else "events"
    run.out.print(f"batch {done.batch.batch_id[:12]} of {done.batch.source} ({done.batch.input_name}) is taken back: "
                  f"{done.batch.rows_accepted:,} {what}, {done.batch.rows_quarantined:,} quarantined rows")  # fmt: skip
    views = run.feature_set(run.views).views
    for view in [view for view in views if of_aliases or view.source == done.batch.source]:
        stale = _stale(run, view)
        if stale:
            build_step(run, stale, [view])
            run.out.print(f"{view.name}: {len(stale)} snapshots built again")
    for one in done.to_feed_again:
        run.out.print(f"feed {one.input_name} again (batch {one.batch_id[:12]}): {one.rows_duplicate:,} of its rows "
                      f"were duplicates, maybe of {what} taken back now")  # fmt: skip
    run.out.print("training sets and scores follow when build_training_set, train and score run next.")


def ingest_file(run: Run, source_file: str, input_path: str, *, restore: bool = False) -> IngestReport:
    """Ingest one input as its source file says."""
    return ingest(run.warehouse, load_source(source_file), input_path, ingested_at=run.started_at, restore=restore,
                  erasure_key=erasure_key(run.settings))  # fmt: skip


def report_ingest(step: Step, report: IngestReport) -> None:
    """Conservation, for the log and `job_runs`."""
    step.results.update(
        source=report.source,
        rows_read=report.rows_read,
        accepted=report.rows_accepted,
        quarantined=report.rows_quarantined,
        duplicate=report.rows_duplicate,
        **({"suppressed": report.rows_suppressed} if report.rows_suppressed else {}),
        reasons=dict(report.reasons),
    )


def print_reasons(run: Run, step: Step) -> None:
    """Conservation, for people."""
    facts = step.results
    run.out.print(
        f"{facts['rows_read']:,} rows read = {facts['accepted']:,} accepted + {facts['quarantined']:,} quarantined"
        f" + {facts['duplicate']:,} duplicate{_suppressed(facts)}"
    )
    for reason, count in sorted(dict(facts["reasons"]).items()):  # type: ignore[call-overload]
        run.out.print(f"  {reason}: {count:,}")


def _suppressed(facts: Mapping[str, object]) -> str:
    return f" + {facts['suppressed']:,} of erased customers" if "suppressed" in facts else ""
