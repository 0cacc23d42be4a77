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

from featurestore.configuration_files import text_of
from featurestore.errors import ConfigurationError
from featurestore.queries import only_reading


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
    text = text_of(Path(file), where=f"--file {file}")
    if text is None:
        raise ConfigurationError(f"--file {file} cannot be read: No such file or directory.")
    return only_reading(text)


def named(text: str) -> tuple[str, str]:
    """NAME and VALUE of NAME=VALUE.

    >>> named("customer_id=a=b")
    ('customer_id', 'a=b')
    """
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ConfigurationError(f"--value takes NAME=VALUE, not '{text}'.")
    return name, value


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
