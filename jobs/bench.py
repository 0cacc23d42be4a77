"""Measure: every contender on the same data in the same run, results compared first, then times and ratios."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from featurestore.errors import ConfigurationError
from jobs.benchmarks.contest import Figure
from jobs.options.bench import SIZES
from jobs.run import Run
from jobs.workplace import check_readable

NEEDS_NO_WAREHOUSE = {"start"}
TAKEN_BY = {"input": "lifetime", "kind": "faults"}


def run(run: Run) -> None:
    """Do what the arguments say."""
    benchmark = importlib.import_module(f"jobs.benchmarks.{run.arguments.name}")
    own_sizes = getattr(benchmark, "SIZES", {})  # of events of its own making
    settle_sizes(run.arguments, own_sizes)
    for option, taker in TAKEN_BY.items():
        if getattr(run.arguments, option) and run.arguments.name != taker:
            raise ConfigurationError(f"bench {run.arguments.name} takes no --{option}; bench {taker} does.")
    if not own_sizes and run.arguments.name not in NEEDS_NO_WAREHOUSE:
        check_readable(run.settings.warehouse)
    with run.step(f"bench {run.arguments.name}"):
        figures: list[Figure] = benchmark.run(run)
    for figure in figures:
        run.out.print(str(figure))
    if run.arguments.json:
        Path(run.arguments.json).write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n", "utf-8")


def settle_sizes(arguments: argparse.Namespace, defaults: Mapping[str, int]) -> None:
    """Give the sizes that were not named the benchmark's own; ConfigurationError for one that it does not take."""
    for name in SIZES:
        given = getattr(arguments, name)
        if given is not None and name not in defaults:
            taken = ", ".join(f"--{size}" for size in defaults) or "no size"
            raise ConfigurationError(f"bench {arguments.name} takes no --{name}, but {taken}.")
        setattr(arguments, name, given or defaults.get(name))
