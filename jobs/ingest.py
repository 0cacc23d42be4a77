"""Take a file of events in: clean events, quarantine with reasons, counts.

./spark-submit.sh ingest --source conf/sources/online_retail_ii.yml --input online_retail_II.csv.gz
"""

from __future__ import annotations

import argparse

from featurestore.ingest import ingest
from featurestore.ingest_runs import IngestReport
from jobs.run import Run, Step
from jobs.settings import load_source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument(
        "--source", required=True, metavar="FILE", help="how to read it: a file like conf/sources/*.yml"
    )
    parser.add_argument("--input", required=True, metavar="PATH", help="a file, a folder or a glob")


def run(run: Run) -> None:
    """Do what the arguments say."""
    with run.step("ingest") as step:
        report_ingest(step, ingest_file(run, run.arguments.source, run.arguments.input))
    print_reasons(run, step)


def ingest_file(run: Run, source_file: str, input_path: str) -> IngestReport:
    """Ingest one input as its source file says."""
    return ingest(run.warehouse, load_source(source_file), input_path, ingested_at=run.started_at)


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
