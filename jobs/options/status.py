"""Say how the warehouse stands: each table's rows, size, small files and last writer, and what is due.

./spark-submit.sh status
./spark-submit.sh status --json status.json
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--json", metavar="FILE", help="write the same there, for programs")
