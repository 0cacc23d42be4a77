"""Run a query over all tables of the warehouse, by their names; queries only.

./spark-submit.sh sql "select churn_risk_level, count(*) from customer_scores_latest group by all"
"""

from __future__ import annotations

import argparse
from pathlib import Path

import sqlglot
from sqlglot import exp

from featurestore.errors import ConfigurationError, MissingInput
from featurestore.frames import register_functions
from featurestore.tables import TABLE_NAME, Warehouse
from jobs.run import Run

MAY_CHANGE = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Into)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("query", type=only_reading, metavar="QUERY", help="one SELECT (or WITH, VALUES, DESCRIBE)")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="rows shown at most (default: 50)")


def run(run: Run) -> None:
    """Do what the arguments say."""
    register_tables(run.warehouse)
    register_functions(run.spark)
    rows = run.spark.sql(run.arguments.query)
    rows.show(run.arguments.limit, truncate=False)


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


def register_tables(warehouse: Warehouse) -> list[str]:
    """Make every Delta table under a local warehouse folder a view of its name, for this session."""
    names = sorted(entry.name for entry in Path(warehouse.root).iterdir() if TABLE_NAME.fullmatch(entry.name))
    tables = [name for name in names if warehouse.exists(name)]
    if not tables:
        raise MissingInput(f"warehouse {warehouse.root} holds no table yet.\n  Make some: ./spark-submit.sh demo")
    for name in tables:
        warehouse.read(name).createOrReplaceTempView(name)
    return tables
