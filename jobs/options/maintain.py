"""Make small files one, and remove files that no version needs which replay, training or the last days ask for.

./spark-submit.sh maintain --dry-run
./spark-submit.sh maintain --keep-days 30
"""

from __future__ import annotations

import argparse

from jobs.arguments import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--keep-days", type=positive, metavar="N", default=7,
                        help="days whose versions can still be read afterwards (default: 7)")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
