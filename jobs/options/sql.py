"""Run a query over all tables of the warehouse, by their names; queries only.

./spark-submit.sh sql "select churn_risk_level, count(*) from customer_scores_latest group by all"
"""

from __future__ import annotations

import argparse

import sqlglot
from sqlglot import exp

from featurestore.errors import ConfigurationError

MAY_CHANGE = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Into)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("query", type=only_reading, metavar="QUERY", help="one SELECT (or WITH, VALUES, DESCRIBE)")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="rows shown at most (default: 50)")


def only_reading(query: str) -> str:
    """The query, if it is one statement that only reads; else ConfigurationError.

    >>> only_reading("select 1")
    'select 1'
    """
    try:
        statements = sqlglot.parse(query, read="spark")
    except sqlglot.errors.ParseError as error:
        raise ConfigurationError(f"not a query: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or statements[0] is None:
        raise ConfigurationError(f"sql takes one query, found {len(statements)} statements.")
    tree = statements[0]
    reads = isinstance(tree, (exp.Query, exp.Describe))
    if not reads or any(isinstance(node, MAY_CHANGE) for node in tree.walk()):
        raise ConfigurationError("sql runs queries only (SELECT, WITH, VALUES, DESCRIBE); tables are changed by jobs.")
    return query
