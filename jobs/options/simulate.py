"""Write raw files of simulated customers, as shops export them, and tables of their true probabilities.

./spark-submit.sh simulate --customers 20000 --days 1100 --seed 42 --out raw
"""

from __future__ import annotations

import argparse
from datetime import date

from jobs.arguments import day, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--customers", type=positive, metavar="N", help="default: setting simulation.customers")
    parser.add_argument("--days", type=positive, metavar="D", help="default: setting simulation.days")
    parser.add_argument("--start", type=day, default=date(2022, 1, 1), metavar="D", help="day 0 (default: 2022-01-01)")
    parser.add_argument("--truth-at", type=day, action="append", metavar="D",
                        help="an instant at which the truth is kept; repeatable "
                             "(default: 9/11 of the days)")  # fmt: skip
    parser.add_argument("--out", metavar="PATH", help="folder of the raw files (default: raw/ in the warehouse)")
