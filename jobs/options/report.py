"""Write the page that a training made of its model: one HTML file that needs no network.

./spark-submit.sh report --label churn_60d --out churn.html
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--label", required=True, metavar="NAME", help="the label that the model learned")
    parser.add_argument("--out", metavar="FILE", help="where to write it (default: <label>.html here)")
    parser.add_argument("--alias", default="champion", help="whose page: champion (default), challenger ...")
