"""Fold events into feature snapshots at any dates; dates that are complete are left alone.

./spark-submit.sh build_features --dates 2011-11-09,2011-12-09
./spark-submit.sh build_features --start 2010-12-01 --end 2011-12-01 --step 7
"""

from __future__ import annotations

import argparse

from jobs.arguments import day, days, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--view", action="append", metavar="NAME",
                        help="repeatable (default: the views that models read)")  # fmt: skip
    parser.add_argument("--dates", type=days, metavar="D,D,...", help="snapshot dates, midnight UTC")
    parser.add_argument("--start", type=day, metavar="D", help="first of dates at a step")
    parser.add_argument("--end", type=day, metavar="D", help="last possible of dates at a step")
    parser.add_argument("--step", type=positive, metavar="DAYS", help="days between dates (default: 28)")
    parser.add_argument("--as-of", type=day, metavar="D", help="one date (default: the latest complete midnight)")
    parser.add_argument("--dry-run", action="store_true",
                        help="print what would be built, how and why, and build nothing")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="with --dry-run: write the plan there too")
    parser.add_argument("--allow-incomplete", action="store_true",
                        help="allow dates later than the source is complete through")  # fmt: skip
