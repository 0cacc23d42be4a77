"""Score every customer at a date with the champion models, and keep each customer's newest scores.

./spark-submit.sh score --as-of 2011-12-09
"""

from __future__ import annotations

import argparse

from jobs.arguments import day


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--as-of", type=day, metavar="D", help="midnight UTC (default: the latest complete one)")
    parser.add_argument("--build", action="store_true", help="build the snapshot of the date first if it is missing")
