"""Check the environment and the warehouse: what is wrong, and what to do about it. Ends with 3 where anything is.

./spark-submit.sh doctor
./spark-submit.sh doctor --json health.json
./spark-submit.sh doctor --migrate
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--json", metavar="FILE", help="write the same there, for programs")
    parser.add_argument("--migrate", action="store_true",
                        help="bring the warehouse to the format of this version first")  # fmt: skip
