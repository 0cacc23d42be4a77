"""The command line: which jobs there are, and what one is asked; read without Spark, so that it is answered at once.

The launcher runs this file before it starts a Java machine: what is wrong with the words ends there.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from featurestore.errors import ConfigurationError
from jobs.arguments import Parser, common_options

JOBS = {
    "demo": "the whole line: raw order lines in, scored customers out, and a table to read",
    "simulate": "write raw files of simulated customers, as shops export them, and their true probabilities",
    "ingest": "take a file of events in: clean events, quarantine with reasons, counts; or a file of aliases",
    "build_features": "fold events into feature snapshots at any dates",
    "build_training_set": "join snapshots with a label, split by time",
    "train": "fit, calibrate, judge and register the model of a label",
    "report": "write a page for people: of a trained model (how good, how sure, why), or of the scores of a date",
    "promote": "judge each challenger against the champion, move the alias if it is better, write down why",
    "score": "score every customer at a date with the champion models",
    "segment": "put every customer of a date into segments: RFM cell, cluster with a persona, behaviour by rule",
    "export": "write customers with their scores and actions to one file, CSV or Parquet",
    "sql": "run a query over all tables of the warehouse",
    "serve_sql": "let JDBC clients ask the tables of the warehouse, until stopped",
    "status": "say how the warehouse stands: tables, files, last writers, and what is due",
    "erase": "take customers out of every table and file for good, prove it, and sign a receipt",
    "maintain": "make small files one, and remove those that no needed version has",
    "doctor": "check the environment and what must hold of the warehouse, and say what to do",
    "verify": "recompute random feature values from raw events and compare",
    "explain": "say in words what a view, a feature or a label means, or what a job would do",
    "bench": "measure: all contenders on the same data, results compared first, then times and ratios",
}
HELP = ("-h", "--help", "help")


def asked(words: Sequence[str]) -> argparse.Namespace | None:
    """What a command asks for, the job among it; None where it was a question about the jobs, which is answered.

    Raises ConfigurationError for an unknown job and for arguments that it does not take, SystemExit after the help
    of one job.
    """
    if not words or words[0] in HELP:
        print(overview())
        return None
    job, *rest = words
    if job not in JOBS:
        raise ConfigurationError.unknown_name("job", job, known=JOBS)
    if job == "explain" and rest and rest[0] in JOBS:
        return _planned(*rest)
    arguments = parser_of(job).parse_args(rest)
    arguments.job = job
    return arguments


def _planned(job: str, *rest: str) -> argparse.Namespace:
    """What `explain JOB ...` asks for: the plan of that job, `JOB ... --dry-run`."""
    arguments = parser_of(job).parse_args(rest)
    if "dry_run" not in arguments:
        raise ConfigurationError(
            f"'{job}' is a job that plans nothing beforehand.\n"
            f"  What it does: ./spark-submit.sh {job} --help. Jobs with a plan take --dry-run, such as build_features."
        )
    arguments.job, arguments.dry_run = job, True
    return arguments


def parser_of(job: str) -> argparse.ArgumentParser:
    """The parser of one job, its own options first."""
    options = importlib.import_module(f"jobs.options.{job}")
    parser = Parser(prog=f"./spark-submit.sh {job}", description=options.__doc__, parents=[common_options()],
                    formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)  # fmt: skip
    options.add_arguments(parser)
    return parser


def overview() -> str:
    """What there is to run."""
    lines = [f"  {job:<20}{what}" for job, what in JOBS.items()]
    return "\n".join(
        ["usage: ./spark-submit.sh JOB [options] [--master URL] [-- spark-submit options]", "", "jobs:", *lines, "",
         "Every job explains itself: ./spark-submit.sh JOB --help"]
    )  # fmt: skip


def main(words: Sequence[str]) -> int:
    """The exit status: 0 where the command can be run or was answered, 2 for what is wrong with it."""
    try:
        asked(words)
    except SystemExit as ended:  # argparse after --help
        return int(ended.code or 0)
    except ConfigurationError as error:
        print(f"tessera: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
