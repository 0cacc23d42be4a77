"""Take in events of files or of a database: clean events, quarantine, counts. Or aliases, or undo a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from featurestore.alias_ingest import ingest_aliases
from featurestore.database_address import address, is_address
from featurestore.database_intake import ingest_table
from featurestore.errors import ConfigurationError
from featurestore.file_intake import ingest_files
from featurestore.ingest_runs import IngestReport
from featurestore.retraction import retract
from featurestore.schemas import ALIASES
from featurestore.snapshot_records import complete_dates, listed_dates
from featurestore.views import FeatureView
from featurestore.watermarks import batches
from jobs.build_features import build_step
from jobs.credentials import credentials_of
from jobs.erasure_keys import erasure_key
from jobs.run import Run, Step
from jobs.settings import load_source


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked = run.arguments
    if asked.retract is not None:
        if asked.source or asked.input or asked.aliases or asked.restore or asked.accept_columns:
            raise ConfigurationError("--retract goes alone: it names a batch that was ingested.")
        _retract(run, asked.retract)
        return
    if asked.aliases is not None:
        if asked.source or asked.input or asked.accept_columns:
            raise ConfigurationError("--aliases names its own file and columns: leave --source and --input out.")
        _take_aliases(run, asked.aliases, restore=asked.restore)
        return
    if asked.source is None or asked.input is None:
        raise ConfigurationError(
            "give --source and --input, how to read the data and where they are; or --aliases; or --retract."
        )
    with run.step("ingest") as step:
        reports = ingest_input(run, asked.source, asked.input, restore=asked.restore,
                               accept_columns=asked.accept_columns)  # fmt: skip
        report_ingest(step, reports)
    print_reasons(run, step)


def _take_aliases(run: Run, path: str, *, restore: bool) -> None:
    with run.step("ingest") as step:
        limit = run.settings.aliases.quarantined_share_limit
        report = ingest_aliases(run.warehouse, path, ingested_at=run.started_at, run_id=run.run_id,
                                quarantined_share_limit=limit, restore=restore,
                                erasure_key=erasure_key(run.settings))  # fmt: skip
        report_ingest(step, [report])
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
        if stale and not batches(run.warehouse, view.source):
            run.out.print(f"{view.name}: {len(stale)} snapshots are not used until {view.source} has a batch again")
        elif stale:
            build_step(run, stale, [view])
            run.out.print(f"{view.name}: {len(stale)} snapshots built again")
    for one in done.to_feed_again:
        run.out.print(f"feed {one.input_name} again (batch {one.batch_id[:12]}): {one.rows_duplicate:,} of its rows "
                      f"were duplicates, maybe of {what} taken back now")  # fmt: skip
    run.out.print("training sets and scores follow when build_training_set, train and score run next.")


def ingest_input(
    run: Run, source_file: str, given: str, *, restore: bool = False, accept_columns: bool = False
) -> Sequence[IngestReport]:
    """Ingest one input, of files or of a database, as its source file says; a report a batch."""
    config, key = load_source(source_file), erasure_key(run.settings)
    if not is_address(given):
        if config.jdbc is not None:
            raise ConfigurationError(
                f"{source_file} reads a database: --input jdbc:postgresql://HOST[:PORT]/DATABASE, not {given}."
            )
        return ingest_files(run.warehouse, config, given, ingested_at=run.started_at, restore=restore,
                            accept_columns=accept_columns, erasure_key=key)  # fmt: skip
    if config.jdbc is None:
        raise ConfigurationError(f"{source_file} reads files of format {config.format}; --input names a database.")
    return ingest_table(run.warehouse, config, address(given), credentials_of(config.jdbc), ingested_at=run.started_at,
                        restore=restore, accept_columns=accept_columns, erasure_key=key)  # fmt: skip


def report_ingest(step: Step, reports: Sequence[IngestReport]) -> None:
    """Conservation, and what was noticed on the way, for the log and `job_runs`."""
    reasons: Counter[str] = Counter()
    for report in reports:
        reasons.update(report.reasons)
    suppressed = sum(one.rows_suppressed for one in reports)
    step.results.update(
        source=reports[-1].source,
        rows_read=sum(one.rows_read for one in reports),
        accepted=sum(one.rows_accepted for one in reports),
        quarantined=sum(one.rows_quarantined for one in reports),
        duplicate=sum(one.rows_duplicate for one in reports),
        **({"suppressed": suppressed} if suppressed else {}),
        reasons=dict(reasons),
    )
    notes = [note for report in reports for note in report.notes]
    if notes:
        step.results.update(notes=notes)


def print_reasons(run: Run, step: Step) -> None:
    """Conservation, for people."""
    facts = step.results
    run.out.print(
        f"{facts['rows_read']:,} rows read = {facts['accepted']:,} accepted + {facts['quarantined']:,} quarantined"
        f" + {facts['duplicate']:,} duplicate{_suppressed(facts)}"
    )
    for reason, count in sorted(dict(facts["reasons"]).items()):  # type: ignore[call-overload]
        run.out.print(f"  {reason}: {count:,}")
    for note in facts.get("notes", ()):  # type: ignore[attr-defined]
        run.out.print(f"  {note}")


def _suppressed(facts: Mapping[str, object]) -> str:
    return f" + {facts['suppressed']:,} of erased customers" if "suppressed" in facts else ""
