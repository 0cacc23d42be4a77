"""Write customers with their scores and actions to one file, CSV or Parquet: a campaign list.

./spark-submit.sh export --to list.csv --where "churn_risk_level = 'HIGH'" --columns customer_id,recommended_actions
./spark-submit.sh export --to best.parquet --order-by "expected_spend_90d desc" --limit 1000

In a CSV file lists are joined by "; ", reasons are their texts, maps are JSON, and text that a spreadsheet would take
for a formula has a ' before it.
"""

from __future__ import annotations

import argparse

from featurestore.errors import ConfigurationError
from jobs.arguments import positive

SUFFIXES = (".csv", ".parquet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--to", type=file_of_a_kind, required=True, metavar="FILE", help=".csv or .parquet")
    parser.add_argument("--table", default="customer_scores_latest", metavar="NAME",
                        help="table of the warehouse (default: customer_scores_latest)")  # fmt: skip
    parser.add_argument("--where", metavar="CONDITION", help="SQL condition on its columns (default: all rows)")
    parser.add_argument("--columns", type=names, metavar="A,B", help="columns in this order (default: all)")
    parser.add_argument("--order-by", metavar="KEYS", help="SQL, such as \"expected_spend_90d desc\" "
                        "(default: the table's first column)")  # fmt: skip
    parser.add_argument("--limit", type=positive, metavar="N", help="at most so many rows, the first of that order")
    parser.add_argument("--overwrite", action="store_true", help="take the place of a file that is there")


def file_of_a_kind(path: str) -> str:
    """The path, if its ending says what to write."""
    if not path.endswith(SUFFIXES):
        raise ConfigurationError(f"--to {path}: the name must end in {' or '.join(SUFFIXES)}.")
    return path


def names(text: str) -> list[str]:
    """Names separated by commas, at least one.

    >>> names("a, b")
    ['a', 'b']
    """
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise ConfigurationError(f"--columns '{text}' names no column: expected one or more, separated by commas.")
    return found
