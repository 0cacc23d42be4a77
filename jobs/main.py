"""The entry that spark-submit runs: read what is asked, run the job, say how it ended.

Exit status: 0 done; 2 wrong arguments or settings; 3 the data break a contract; 4 an environment
problem; 1 anything else.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack

from featurestore.errors import TesseraError
from jobs.command_line import asked
from jobs.failures import as_tessera_error
from jobs.run import Run, flush
from jobs.settings import load_settings
from jobs.workplace import check_format, only_reader, only_writer

READS_ONLY = {"sql", "serve_sql", "export", "verify", "status"}
NEEDS_NO_WAREHOUSE = {"explain", "bench", "doctor"}


log = logging.getLogger(__name__)


def run_job(words: Sequence[str]) -> None:
    """Run one command; raises what went wrong."""
    arguments = asked(words)
    if arguments is None:
        return
    settings = load_settings(arguments.conf, assignments=_assignments(arguments))
    run = Run(arguments, settings)
    asks_only = any(getattr(arguments, name, False) for name in ("dry_run", "verify"))
    reads_only = arguments.job in READS_ONLY or asks_only
    explains = getattr(arguments, "explain_actions", False)  # rules can be read before there is a warehouse
    writes = not reads_only and not explains and arguments.job not in NEEDS_NO_WAREHOUSE
    migrates = getattr(arguments, "migrate", False)
    with ExitStack() as held:
        hold = None
        if writes or migrates:
            hold = held.enter_context(
                only_writer(settings.warehouse, wait_seconds=settings.lock_wait_seconds, tell=run.progress.print)
            )
        elif reads_only:
            held.enter_context(only_reader(settings.warehouse))
        check_format(settings.warehouse)
        run.writes = writes
        try:
            importlib.import_module(f"jobs.{arguments.job}").run(run)
        except BaseException as error:
            if writes and run.has_begun and hold is not None and hold.is_there():
                record_failure(run, error)
            raise
        if writes and run.steps and hold is not None and hold.is_there():
            run.record()


def record_failure(run: Run, error: BaseException) -> None:
    """Record a run that failed; what hinders that, a full disk for one, must not hide why it failed."""
    try:
        run.record(error)
    except Exception as problem:  # noqa: BLE001 - the run's own error is raised next, and told
        log.warning("job_runs could not be written: %s", str(problem).split("\n", 1)[0])


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


def as_installed() -> None:
    """The entry point of the installed wheel: the command is the program's own; ends in silence where all is well."""
    if status := main(sys.argv[1:]):
        sys.exit(status)


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
