"""The entry that spark-submit runs: find the job, check its arguments, run it, say how it ended.

Exit status: 0 done; 2 wrong arguments or settings; 3 the data break a contract; 4 an environment
problem; 1 anything else.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack

from featurestore.errors import ConfigurationError, TesseraError
from jobs.arguments import Parser, common_options
from jobs.failures import as_tessera_error
from jobs.run import Run, flush
from jobs.settings import load_settings
from jobs.workplace import check_readable, only_writer

JOBS = {
    "demo": "the whole line: raw order lines in, scored customers out, and a table to read",
    "simulate": "write raw files of simulated customers, as shops export them, and their true probabilities",
    "ingest": "take a file of events in: clean events, quarantine with reasons, counts; or a file of aliases",
    "build_features": "fold events into feature snapshots at any dates",
    "build_training_set": "join snapshots with a label, split by time",
    "train": "fit, calibrate, judge and register the model of a label",
    "score": "score every customer at a date with the champion models",
    "sql": "run a query over all tables of the warehouse",
    "verify": "recompute random feature values from raw events and compare",
    "explain": "say in words what a view, a feature or a label means",
    "bench": "measure: all contenders on the same data, results compared first, then times and ratios",
}
READS_ONLY = {"sql", "verify"}
NEEDS_NO_WAREHOUSE = {"explain", "bench"}


def parser_of(job: str) -> argparse.ArgumentParser:
    """The parser of one job, its own options first."""
    module = importlib.import_module(f"jobs.{job}")
    parser = Parser(prog=f"./spark-submit.sh {job}", description=module.__doc__, parents=[common_options()],
                    formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)  # fmt: skip
    module.add_arguments(parser)
    return parser


def overview() -> str:
    """What there is to run."""
    lines = [f"  {job:<20}{what}" for job, what in JOBS.items()]
    return "\n".join(
        ["usage: ./spark-submit.sh JOB [options] [--master URL] [-- spark-submit options]", "", "jobs:", *lines, "",
         "Every job explains itself: ./spark-submit.sh JOB --help"]
    )  # fmt: skip


def run_job(words: Sequence[str]) -> None:
    """Run one command; raises what went wrong."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return
    job, *rest = words
    if job not in JOBS:
        raise ConfigurationError.unknown_name("job", job, known=JOBS)
    arguments = parser_of(job).parse_args(rest)
    arguments.job = job
    settings = load_settings(arguments.conf, assignments=_assignments(arguments))
    run = Run(arguments, settings)
    writes = job not in READS_ONLY | NEEDS_NO_WAREHOUSE
    with ExitStack() as held:
        if writes:
            held.enter_context(
                only_writer(settings.warehouse, wait_seconds=settings.lock_wait_seconds, tell=run.progress.print)
            )
        elif job in READS_ONLY:
            check_readable(settings.warehouse)
        try:
            importlib.import_module(f"jobs.{job}").run(run)
        finally:
            if writes and run.steps:
                run.record()


def _assignments(arguments: argparse.Namespace) -> list[str]:
    """`--set` first, then the options that are settings under another name."""
    named = {"warehouse": arguments.warehouse, "seed": arguments.seed}
    return arguments.assignments + [f"{key}={value}" for key, value in named.items() if value is not None]


def main(words: Sequence[str]) -> int:
    """Run a command and turn whatever it raises into a paragraph on stderr and an exit status."""
    try:
        run_job(words)
        return 0
    except SystemExit as ended:  # argparse after --help
        return int(ended.code or 0)
    except KeyboardInterrupt:
        print("interrupted; nothing half-written is visible, run the job again to go on.", file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001 - the top of the program: everything ends as a status
        return _explain(error, verbose="--verbose" in words)
    finally:
        flush()


def _explain(error: Exception, *, verbose: bool) -> int:
    known = as_tessera_error(error)
    if verbose:
        traceback.print_exception(error)
    if known is not None:
        print(f"tessera: {known}", file=sys.stderr)
        return known.exit_code
    first = str(error).strip().split("\n", 1)[0]
    print(f"tessera: unexpected {type(error).__name__}: {first}\n  Run again with --verbose for the stack trace.",
          file=sys.stderr)  # fmt: skip
    return TesseraError.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
