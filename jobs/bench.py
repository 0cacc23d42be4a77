"""Measure: every contender on the same data in the same run, results compared first, then times and ratios.

./spark-submit.sh bench readers --warehouse lakehouse --json figures.json
"""

from __future__ import annotations

import argparse
import importlib
import json
from dataclasses import asdict
from pathlib import Path

from jobs.benchmarks.contest import Figure
from jobs.run import Run
from jobs.workplace import check_readable

BENCHMARKS = {
    "oracle": "written scores of the simulated shop beside its oracle, on the same customers",
    "start": "seconds from the command to the end of its first Spark job",
    "readers": "customer_scores read by Spark, delta-rs and DuckDB: the same rows, the same mean",
}

NEEDS_NO_WAREHOUSE = {"start"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    explained = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    parser.add_argument("name", choices=list(BENCHMARKS), metavar="NAME", help=explained)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")


def run(run: Run) -> None:
    """Do what the arguments say."""
    if run.arguments.name not in NEEDS_NO_WAREHOUSE:
        check_readable(run.settings.warehouse)
    benchmark = importlib.import_module(f"jobs.benchmarks.{run.arguments.name}")
    with run.step(f"bench {run.arguments.name}"):
        figures: list[Figure] = benchmark.run(run)
    for figure in figures:
        run.out.print(str(figure))
    if run.arguments.json:
        Path(run.arguments.json).write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n", "utf-8")
