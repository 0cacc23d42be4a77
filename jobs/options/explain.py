"""Say in words what a view, a feature or a label means, and which source columns it comes from.

./spark-submit.sh explain overdue_ratio
./spark-submit.sh explain churn_60d
./spark-submit.sh explain my_label.yml
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("name", metavar="NAME", help="a view, a feature, a label, or a file that declares one")
