"""Write a page for people, one HTML file that needs no network: of a model, or of the scores of a date.

./spark-submit.sh report --label churn_60d --out churn.html
./spark-submit.sh report --scores --as-of 2011-12-09
"""

from __future__ import annotations

import argparse

from jobs.arguments import day


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("--label", metavar="NAME", help="the label that the model learned")
    of.add_argument("--scores", action="store_true", help="the page that `score` writes after each run, made again")
    parser.add_argument("--as-of", type=day, metavar="D", help="with --scores: which date (default: the newest)")
    parser.add_argument("--out", metavar="FILE",
                        help="where to write it (default: <label>.html here; of scores, reports/ in the warehouse)",
                        )  # fmt: skip
    parser.add_argument("--alias", default="champion", help="whose page: champion (default), challenger ...")
