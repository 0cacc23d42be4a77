"""Queries that people type: what they may do, and the text of them that Spark is handed.

A query is read by two parsers, ours to judge it and Spark's to run it, and whatever they read differently is a way
past the judgement. So Spark is handed what was judged: the tokens as they are, without the comments, and only tokens
whose ends both parsers see alike (Spark goes on with a comment whose line ends in a backslash, ours does not).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]  # re-exported

from featurestore.errors import ConfigurationError
from featurestore.expressions import DIALECT

READS = (exp.Query, exp.Values, exp.Describe)
DOES_MORE = (exp.DDL, exp.DML, exp.Drop, exp.Alter, exp.Command, exp.Into, exp.QueryTransform)
REFUSED_FUNCTIONS = frozenset(
    """
    reflect java_method try_reflect identifier from_protobuf to_protobuf
    read_files cloud_files cloud_files_state read_kafka remote_query http_request ai_query secret try_secret
    """.split()  # noqa: SIM905
)
"""They run Java, name tables by a computed text, or reach files, secrets and the network; some are a platform's own."""
ROW_MAKERS = frozenset(
    """
    range stack explode explode_outer posexplode posexplode_outer inline inline_outer json_tuple
    variant_explode variant_explode_outer
    """.split()  # noqa: SIM905
)
"""Functions that may stand where a table does."""
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|[xX]'[0-9a-fA-F]*'""", re.DOTALL)
_HINT = re.compile(r"/\*\+[\w\s,()]*\*/")


def only_reading(query: str) -> str:
    """The query without its comments, if it is one statement that only reads tables by their plain names.

    >>> only_reading("select 1 -- one")
    'select 1'

    Raises ConfigurationError for any other statement, and for what would run a program or read a file.
    """
    try:
        tokens = list(sqlglot.tokenize(query, read=DIALECT))
        _refuse_tokens(tokens, query)
        text = _without_comments(tokens, query)
        _refuse_trees(sqlglot.parse(text, read=DIALECT))
    except SqlglotError as error:
        raise ConfigurationError(f"not a query: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ConfigurationError("not a query that can be read: its parentheses lie too deep.") from None
    return text


def _refuse_tokens(tokens: Sequence[Token], query: str) -> None:
    """What is refused by its spelling, wherever it stands."""
    if "${" in query:
        raise ConfigurationError("the query has '${': Spark puts settings and environment variables in its place.")
    for token in tokens:
        text = query[token.start : token.end + 1]
        readable = _HINT if token.token_type == TokenType.HINT else _QUOTED
        if (token.token_type == TokenType.HINT or set(text) & set("'\"`")) and not readable.fullmatch(text):
            raise ConfigurationError(f"the query has {text!r}: write plain '...' and `...`, and plain hints.")
    for token, following in pairwise(tokens):
        name = token.text.lower()
        if following.token_type == TokenType.L_PAREN and name in REFUSED_FUNCTIONS:
            raise ConfigurationError(f"the query calls '{name}': queries run no code and open no file of their own.")
        if name == "using" and following.token_type == TokenType.STRING:
            raise ConfigurationError("the query hands its rows to a program (USING '...'): queries run no code.")


def _without_comments(tokens: Sequence[Token], query: str) -> str:
    """The tokens as they are written, a space wherever anything stood between two of them."""
    written, end = [], 0
    for token in tokens:
        if token.start < end:  # sqlglot reads one literal, such as 1.5D, as several tokens of the same place
            continue
        written += [" " * (token.start > end > 0), query[token.start : token.end + 1]]
        end = token.end + 1
    return "".join(written)


def _refuse_trees(trees: Sequence[exp.Expr | None]) -> None:
    if len(trees) != 1 or trees[0] is None:
        raise ConfigurationError(f"sql takes one query, found {len(trees)} statements.")
    tree = trees[0]
    if not isinstance(tree, READS) or any(isinstance(node, DOES_MORE) for node in tree.walk()):
        raise ConfigurationError("sql runs queries only (SELECT, WITH, VALUES, DESCRIBE); tables are changed by jobs.")
    for node in tree.find_all(exp.Table, exp.Lateral):
        _refuse_far(node)


def _refuse_far(node: exp.Expr) -> None:
    """What a query reads is a table of the warehouse by its name, or rows that a plain function makes."""
    made = node.this
    if isinstance(node, exp.Table) and (node.db or node.catalog):
        raise ConfigurationError(
            f"the query reads '{node.sql(DIALECT)}': only the warehouse's tables, each by its plain name."
        )
    if isinstance(made, exp.Func):
        name = (made.name if isinstance(made, exp.Anonymous) else made.sql_name()).lower()
        if name not in ROW_MAKERS:
            raise ConfigurationError(
                f"the query reads rows of '{name}', which is none of {', '.join(sorted(ROW_MAKERS))}."
            )
