"""Fit, calibrate, judge and register the model of each label; an unchanged training is reused.

./spark-submit.sh train --label churn_60d --as-of 2011-12-09
./spark-submit.sh train --lifetime --as-of 2011-12-09
"""

from __future__ import annotations

import argparse

from jobs.arguments import day
from jobs.options.build_training_set import ALL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--label", action="append", metavar="NAME",
                        help=f"repeatable; '{ALL}' is every task's of conf/tasks/ (default: setting training.labels)",
                        )  # fmt: skip
    parser.add_argument("--as-of", type=day, metavar="D", help="as in build_training_set, which must have run with it")
    parser.add_argument(
        "--lifetime",
        action="store_true",
        help="BG/NBD, Gamma-Gamma and customer value instead of labels; needs ingested orders only",
    )
    parser.add_argument("--compare", action="store_true",
                        help="rank all algorithms on the same rows and folds, and register nothing")  # fmt: skip
    parser.add_argument("--refit", action="store_true", help="fit again even if nothing has changed")
