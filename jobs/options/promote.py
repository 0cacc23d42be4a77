"""Judge each head's challenger against its champion; move `champion` only if it is better, and write down why.

./spark-submit.sh promote --label churn_60d --as-of 2011-12-09
./spark-submit.sh promote --label churn_60d --rollback
"""

from __future__ import annotations

import argparse

from jobs.arguments import day
from jobs.options.build_training_set import ALL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--label", action="append", metavar="NAME",
                        help=f"repeatable, or {ALL} (default: the setting training.labels)")  # fmt: skip
    parser.add_argument("--as-of", type=day, metavar="D",
                        help="judge by what is known at this date (default: the latest complete one)")  # fmt: skip
    parser.add_argument(
        "--build", action="store_true", help="first build the snapshots to judge at, where they are missing"
    )
    parser.add_argument("--rollback", action="store_true",
                        help="make the champion before this one champion again; needs --label")  # fmt: skip
