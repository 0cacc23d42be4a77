"""Run a query over all tables of the warehouse, by their names; queries only.

./spark-submit.sh sql "select churn_risk_level, count(*) from customer_scores_latest group by all"
./spark-submit.sh sql --file sql/one_customer.sql --value customer_id=12748

The folder sql/ holds queries to begin with; each says in its first lines what it answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import sqlglot
from sqlglot import exp

from featurestore.errors import ConfigurationError

MAY_CHANGE = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Into)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("query", nargs="?", type=only_reading, metavar="QUERY",
                       help="one SELECT (or WITH, VALUES, DESCRIBE)")  # fmt: skip
    asked.add_argument("--file", type=query_in, metavar="FILE", help="the same, in a file")
    parser.add_argument("--value", type=named, action="append", default=[], dest="values", metavar="NAME=VALUE",
                        help="text in the place of :NAME in the query; repeatable")  # fmt: skip
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="rows shown at most (default: 50)")


def query_in(file: str) -> str:
    """The query that a file holds, if it is one that only reads; else ConfigurationError."""
    try:
        return only_reading(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"--file {file} cannot be read: {error.strerror}.") from None


def named(text: str) -> tuple[str, str]:
    """NAME and VALUE of NAME=VALUE.

    >>> named("customer_id=a=b")
    ('customer_id', 'a=b')
    """
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ConfigurationError(f"--value takes NAME=VALUE, not '{text}'.")
    return name, value


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


def values_named(query: str) -> set[str]:
    """The names that stand as :NAME in a query, comments and texts aside.

    >>> sorted(values_named("select ':x' from t where a = :a and b > double(:b) -- :c"))
    ['a', 'b']
    """
    return {name for _, _, name in _places(query)}


def with_values(query: str, values: Mapping[str, str]) -> str:
    """The query with each :NAME as the text that it stands for.

    >>> with_values("select * from t where a = :a", {"a": "it's"})
    "select * from t where a = 'it\\\\'s'"
    """
    for start, end, name in reversed(_places(query)):
        text = values[name].replace("\\", "\\\\").replace("'", "\\'")
        query = f"{query[:start]}'{text}'{query[end:]}"
    return query


def _places(query: str) -> list[tuple[int, int, str]]:
    """Start, end and name of each :NAME."""
    tokens = sqlglot.tokenize(query, read="spark")
    return [
        (colon.start, word.end + 1, word.text)
        for colon, word in pairwise(tokens)
        if colon.token_type.name == "COLON" and word.start == colon.end + 1
    ]
