"""Recompute random feature values from raw events, one event at a time, and compare them with the stored ones.

./spark-submit.sh verify --sample 10000
"""

from __future__ import annotations

import argparse

from jobs.arguments import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--sample", type=positive, default=1000, metavar="N",
                        help="values to recompute, shared among the views (default: 1000)")  # fmt: skip
