"""Fit, calibrate, judge and register the model of each label; an unchanged training is reused.

./spark-submit.sh train --label churn_60d --as-of 2011-12-09
./spark-submit.sh train --label churn_60d --tune --trials 30
./spark-submit.sh train --lifetime --as-of 2011-12-09
"""

from __future__ import annotations

import argparse

from jobs.arguments import at_least_two, day, minutes
from jobs.options.build_training_set import ALL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--label", action="append", metavar="NAME",
                        help=f"repeatable; '{ALL}' is every task's of conf/tasks/ (default: setting training.labels)",
                        )  # fmt: skip
    parser.add_argument("--as-of", type=day, metavar="D", help="as in build_training_set, which must have run with it")
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--lifetime",
        action="store_true",
        help="BG/NBD, Gamma-Gamma and customer value instead of labels; needs ingested orders only",
    )
    other.add_argument("--compare", action="store_true",
                       help="rank all algorithms on the same rows and folds, and register nothing")  # fmt: skip
    other.add_argument("--stability", action="store_true",
                       help="fit ten times without a tenth of the customers, and register nothing: mean and spread of "
                            "AUC and log loss")  # fmt: skip
    other.add_argument("--tune", action="store_true",
                       help="first search for better parameters, or go on with a search; they are used where they beat "
                            "those of the settings out of time")  # fmt: skip
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--trials", type=at_least_two, metavar="N",
                        help="with --tune: finished trials, those of earlier commands included (default: settings)",
                        )  # fmt: skip
    budget.add_argument("--minutes", type=minutes, metavar="M",
                        help="with --tune: minutes spent in trials, those of earlier commands included")  # fmt: skip
    parser.add_argument("--refit", action="store_true", help="fit again even if nothing has changed")
