"""Join snapshots with a label, split by time so that no training label reaches into a later period.

./spark-submit.sh build_training_set --label churn_60d --as-of 2011-12-09 --build
./spark-submit.sh build_training_set --label my_label.yml --build
./spark-submit.sh build_training_set --label churn_60d --knowledge as_known
./spark-submit.sh build_training_set --label churn_60d --replay 1
"""

from __future__ import annotations

import argparse

from featurestore.knowledge import KINDS, LATEST
from jobs.arguments import day, positive

ALL = "all"
"""Stands for the labels of all tasks that learn from a training set."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--label", action="append", metavar="NAME_OR_FILE",
                        help="a label of conf/labels/, or a file like those; repeatable; or all that a task of "
                             f"conf/tasks/ learns, as '{ALL}' (default: setting training.labels)")  # fmt: skip
    parser.add_argument("--as-of", type=day, metavar="D",
                        help="learn from what lies before this date only (default: the latest "
                             "complete midnight)")  # fmt: skip
    parser.add_argument("--knowledge", choices=KINDS, default=LATEST,
                        help="events that features fold: all that are known now (latest), or those that were known "
                             "at the as-of and its features.decision_delay_hours (as_known); labels always fold all "
                             "(default: latest)")  # fmt: skip
    parser.add_argument("--build", action="store_true", help="build the snapshots that are missing first")
    parser.add_argument(
        "--replay",
        type=positive,
        metavar="VERSION",
        help="build a recorded version again from the events that it saw, and compare every bit",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the dates of each split, and build nothing")
