"""Put every customer of a date into segments: RFM cell, cluster with a persona, behaviour by rule.

./spark-submit.sh segment --as-of 2011-12-09

Clusters are fitted once and then frozen; --refit fits them again on the customers of the date, and a cluster that has
hardly moved keeps its id. A fit compares the date with one some weeks before (segments.days_between): both snapshots
are read.
"""

from __future__ import annotations

import argparse

from jobs.arguments import day


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--as-of", type=day, metavar="D", help="midnight UTC (default: the latest complete one)")
    parser.add_argument("--build", action="store_true", help="build the snapshots that are read first if missing")
    parser.add_argument("--refit", action="store_true", help="fit the clusters again on the customers of this date")
    parser.add_argument("--pictures", metavar="FOLDER", help="also draw what the tables hold of the date, as PNG")
