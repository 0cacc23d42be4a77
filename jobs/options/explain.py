"""Say in words what a view, a feature or a label means, and which source columns it comes from.

./spark-submit.sh explain overdue_ratio
./spark-submit.sh explain churn_60d
./spark-submit.sh explain my_label.yml

Of a job that plans its work it says what would be done with the same options, and why; nothing is written:

./spark-submit.sh explain build_features --start 2011-06-01 --end 2011-12-01 --step 7
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="a view, a feature, a label, or a file that declares one; or a job, and its options",
    )
