"""Score every customer at a date with the champion models, and keep each customer's newest scores.

./spark-submit.sh score --as-of 2011-12-09
./spark-submit.sh score --as-of 2011-12-09 --customers vips.csv
./spark-submit.sh score --as-of 2011-12-09 --customers "select customer_id from customer_segments where cluster_id = 2"
./spark-submit.sh score --as-of 2011-12-09 --changed-only

Where scores moved further since the published date before than the settings allow (section publication), they are
written under their date, and the newest scores stay as they are.
"""

from __future__ import annotations

import argparse
from pathlib import PurePosixPath

from featurestore.errors import ConfigurationError
from jobs.arguments import day

FILES = (".csv", ".txt", ".parquet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--as-of", type=day, metavar="D", help="midnight UTC (default: the latest complete one)")
    parser.add_argument("--build", action="store_true", help="build the snapshot of the date first if it is missing")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--customers", type=file_or_query, metavar="FILE_OR_QUERY",
                      help="score only these and leave the other rows of the date: .csv or .parquet with a column "
                           "customer_id, .csv or .txt with an id a line, or a query over the tables with that column",
                      )  # fmt: skip
    part.add_argument("--changed-only", action="store_true",
                      help="compute only customers whose features or models are not those of the scores at this date, "
                           "or at the newest one before it; the others' are copied")  # fmt: skip
    part.add_argument("--explain-actions", action="store_true",
                      help="only print the rules of action and, on a scored date, what they come to")  # fmt: skip
    parser.add_argument("--publish-anyway", action="store_true",
                        help="let the scores become the newest whatever has shifted; that is written down")  # fmt: skip


def is_file(asked: str) -> bool:
    """Whether what `--customers` names is a file, by its ending.

    >>> is_file("s3a://lists/vips.CSV"), is_file("select customer_id from vips")
    (True, False)
    """
    return PurePosixPath(asked).suffix.lower() in FILES


def file_or_query(asked: str) -> str:
    """`asked`, if it is a file or a query that only reads; else ConfigurationError."""
    from featurestore.queries import only_reading

    if is_file(asked):
        return asked
    try:
        return only_reading(asked)
    except ConfigurationError as problem:
        raise ConfigurationError(
            f"--customers takes a file ({', '.join(FILES)}) or a query; '{asked}' is neither: {problem}"
        ) from None
