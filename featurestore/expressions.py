"""SQL expressions from configuration: what they may be, and which columns they read.

A configured expression is handed to Spark as it is written, so it is checked here by tokens and by
tree: one scalar expression over named columns, made of functions from a list of deterministic ones.
Whatever is not on the list (reflection, subqueries, clocks, chance) is refused, not searched for.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import zip_longest

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError
from sqlglot.parser import Parser
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]  # re-exported

from featurestore.errors import ConfigurationError, did_you_mean

DIALECT = "spark"
FUNCTIONS = frozenset(
    """
    abs ceil ceiling floor round bround sign pmod greatest least
    coalesce nullif ifnull nvl nvl2 if isnull isnotnull isnan
    try_cast try_add try_subtract try_multiply try_divide try_to_number try_to_timestamp try_to_date
    concat concat_ws lower upper trim ltrim rtrim btrim length char_length substring substr left right
    lpad rpad replace translate reverse repeat split split_part initcap instr locate position
    startswith endswith contains regexp_like regexp_extract regexp_replace regexp_count regexp_substr
    md5 sha1 sha2 xxhash64 get_json_object array array_contains size try_element_at
    date_add date_sub datediff add_months last_day year quarter month day weekday dayofweek hour minute
    second date_trunc trunc date_format timestamp_seconds timestamp_millis timestamp_micros
    to_utc_timestamp from_utc_timestamp
    """.split()  # noqa: SIM905
)
TYPES_WITH_ARGUMENTS = frozenset({"decimal", "numeric", "varchar", "char"})
KEYWORDS_BEFORE_PARENTHESIS = frozenset(
    "and or not in when then else case between like rlike ilike regexp is as from interval".split()  # noqa: SIM905
)
REFUSED_NODES = (
    exp.Query,
    exp.Alias,
    exp.Star,
    exp.Window,
    exp.AggFunc,
    exp.UDTF,
    exp.DDL,
    exp.Command,
    exp.Lambda,
)


def columns_of(text: str, *, where: str) -> frozenset[str]:
    """The names of the columns that the SQL expression `text` reads.

    >>> sorted(columns_of("try_cast(`Customer ID` as bigint) + abs(b)", where="example.yml"))
    ['Customer ID', 'b']

    Raises ConfigurationError unless `text` is one scalar expression of known, deterministic functions.
    """
    tokens = _tokens(text, where=where)
    _refuse_tokens(tokens, text, where=where)
    tree = _tree(text, where=where)
    if not isinstance(tree, exp.Condition):
        raise _refusal(text, where, f"{type(tree).__name__.lower()} is not allowed; one scalar expression is")
    refused = next(tree.find_all(*REFUSED_NODES), None)
    if refused is not None:
        raise _refusal(text, where, f"{type(refused).__name__.lower()} is not allowed; one scalar expression is")
    columns = list(tree.find_all(exp.Column))
    qualified = next((column for column in columns if column.table), None)
    if qualified is not None:
        raise _refusal(text, where, f"'{qualified.sql(DIALECT)}' is qualified; name a column alone")
    return frozenset(column.name for column in columns)


def check_columns(text: str, *, known: Collection[str], where: str) -> None:
    """Raises ConfigurationError, with near names, where `text` reads a column that is not `known`."""
    for name in sorted(columns_of(text, where=where)):
        if name not in known:
            raise ConfigurationError.unknown_name("column", name, known=known, where=f"{where}: {text}")


def _tokens(text: str, *, where: str) -> list[Token]:
    try:
        return list(sqlglot.tokenize(text, read=DIALECT))
    except SqlglotError as error:
        raise _refusal(text, where, f"it cannot be read ({_first_line(error)})") from None


def _refuse_tokens(tokens: list[Token], text: str, *, where: str) -> None:
    """What is refused by its spelling, so that no difference between two parsers can hide it."""
    if "${" in text:
        raise _refusal(text, where, "'${' is not allowed: Spark puts settings and environment variables in its place")
    for token, following in zip_longest(tokens, tokens[1:]):
        if token.token_type == TokenType.SEMICOLON:
            raise _refusal(text, where, "a second statement is not allowed")
        if token.comments:
            raise _refusal(text, where, "comments belong into the YAML (after #), not into an expression")
        if token.token_type in (
            TokenType.DCOLON,
            TokenType.PARAMETER,
            TokenType.PLACEHOLDER,
            TokenType.COLON,
        ):
            raise _refusal(text, where, f"'{token.text}' is not allowed; write try_cast(x as type)")
        if token.token_type in Parser.NO_PAREN_FUNCTIONS:
            raise _refusal(
                text,
                where,
                f"'{token.text}' reads a clock or the session: the same input must give the same events",
            )
        if following is not None and following.token_type == TokenType.L_PAREN:
            _refuse_function(token, text, where=where)


def _refuse_function(token: Token, text: str, *, where: str) -> None:
    """`token` stands before a parenthesis: an operator, a type, or a function from the list."""
    name = token.text.lower()
    quoted = token.token_type in (TokenType.IDENTIFIER, TokenType.STRING)
    if not quoted and not (name[:1].isalpha() or name.startswith("_")):
        return
    if not quoted and name in FUNCTIONS | TYPES_WITH_ARGUMENTS | KEYWORDS_BEFORE_PARENTHESIS:
        return
    if name == "cast":
        raise _refusal(text, where, "cast fails the whole batch on one bad value; write try_cast(x as type)")
    raise _refusal(text, where, f"function '{name}' is not allowed. {did_you_mean(name, FUNCTIONS)}")


def _tree(text: str, *, where: str) -> exp.Expr:
    try:
        parsed = [tree for tree in sqlglot.parse(text, read=DIALECT) if tree is not None]
    except SqlglotError as error:
        raise _refusal(text, where, f"it is no SQL expression ({_first_line(error)})") from None
    except RecursionError:
        raise _refusal(text, where, "its parentheses lie too deep") from None
    if len(parsed) != 1:
        raise _refusal(text, where, "exactly one expression is expected")
    return parsed[0]


def _refusal(text: str, where: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{where}: expression refused: {text!r}\n  {why}.")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
