"""The whole line: raw order lines in, scored customers out, and a table to read.

  ./spark-submit.sh demo
  ./spark-submit.sh demo --set "training.labels=[all]"
  ./spark-submit.sh demo --source conf/sources/online_retail_ii.yml --input online_retail_II.csv.gz

Without --source it simulates a shop whose true probabilities are known, and scores it at 9/11 of its days, so
that what was written can be compared with what then happened and with the best that can be known.
"""

from __future__ import annotations

import argparse

from jobs.arguments import day, input_place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--source", metavar="FILE", help="how to read your own data: a file like conf/sources/*.yml")
    parser.add_argument("--input", metavar="PATH_OR_ADDRESS", type=input_place,
                        help="your own data, as ingest takes them; goes with --source")  # fmt: skip
    parser.add_argument("--as-of", type=day, metavar="D",
                        help="learn only from what lies before this date, and score at it (default: the latest "
                             "midnight that the data are complete through)")  # fmt: skip
