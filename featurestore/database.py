"""A PostgreSQL database read through Spark's JDBC reader: what a table is, how far it goes, its rows in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from featurestore.database_address import Address
from featurestore.database_config import JoinedTable
from featurestore.database_queries import columns_query, repeated_key_query, tables_query
from featurestore.errors import ConfigurationError, DataContractError, EnvironmentProblem

DRIVER = "org.postgresql.Driver"
SILENCE_SECONDS = 300
"""A server that says nothing for so long is given up: a cut cable would hold a run for ever."""
MOST_TABLES = 500
SHORTEST_SECRET = 3
"""Shorter than that, a password cannot be told from the rest of a message."""


@dataclass(frozen=True)
class Credentials:
    """User and password, in no text that is made of them."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def hidden_in(self, text: str) -> str:
        """`text` without the password."""
        return text.replace(self.password, "***") if len(self.password) >= SHORTEST_SECRET else text


@dataclass(frozen=True)
class Database:
    """One database, reached by one user. Every method raises EnvironmentProblem where it does not answer."""

    spark: SparkSession
    address: Address
    credentials: Credentials
    fetch_rows: int

    def columns(self, table: str) -> dict[str, str]:
        """Columns of a table with their types, in order; ConfigurationError with near names for no such table."""
        found = {row["name"]: row["type"] for row in self._asked(columns_query(table))}
        if not found:
            known = [row["name"] for row in self._asked(tables_query(MOST_TABLES))]
            raise ConfigurationError.unknown_name("table", table, known=known, where=self.address.identity)
        return found

    def refuse_repeated_key(self, joined: JoinedTable) -> None:
        """DataContractError where the table that is joined has a key twice: rows would be multiplied."""
        for row in self._asked(repeated_key_query(joined)):
            raise DataContractError(
                f"{self.address.identity}: table {joined.table} is joined by a key that it holds more than once, "
                f"such as '{row['k']}'.\n  Join a table, or a view, with one row a key."
            )

    def row(self, query: str) -> dict[str, Any]:
        """The one row that `query` gives."""
        (row,) = self._asked(query)
        return row

    def values(self, query: str) -> list[Any]:
        """The first column of what `query` gives; for a few values."""
        return [next(iter(row.values())) for row in self._asked(query)]

    def rows(self, query: str, *, parts: Sequence[str]) -> DataFrame:
        """What `query` gives, in one partition a predicate of `parts`; read when it is used (see `answering`)."""
        with self.answering():
            # The bare word of a name: Spark writes SELECT ... FROM (query) AS name.
            return self._reader().jdbc(
                self.address.url, f"({query}) AS tessera", predicates=list(parts), properties=self._properties()
            )

    def _asked(self, query: str) -> list[dict[str, Any]]:
        """For answers of a few rows."""
        with self.answering():
            reader = self._reader().jdbc(self.address.url, f"({query}) AS tessera", properties=self._properties())
            return [row.asDict() for row in reader.collect()]

    def _reader(self) -> Any:
        # A timestamp without time zone stays a wall clock: the mapping says whose.
        return self.spark.read.option("preferTimestampNTZ", True)

    def _properties(self) -> dict[str, str]:
        return {
            "driver": DRIVER, "user": self.credentials.user, "password": self.credentials.password,
            "fetchsize": str(self.fetch_rows), "socketTimeout": str(SILENCE_SECONDS), "tcpKeepAlive": "true",
            "readOnly": "true", "ApplicationName": "tessera",
        }  # fmt: skip

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turns what the driver says into errors that say what to do; whatever else goes wrong is left as it is."""
        try:
            yield
        except (PySparkException, Py4JJavaError) as error:
            said = self.credentials.hidden_in(_said_by_the_driver(str(error)))
            if not said:
                raise
            raise _explained(said, self.address.identity) from error


def _said_by_the_driver(text: str) -> str:
    """The deepest line of a stack trace that is the driver's, "" where there is none."""
    signs = ("org.postgresql.", "java.net.", "java.sql.")
    lines = [line.strip().removeprefix("Caused by: ") for line in text.splitlines()]
    spoken = [line for line in lines if not line.startswith("at ") and any(sign in line for sign in signs)]
    return spoken[-1] if spoken else ""


def _explained(said: str, identity: str) -> Exception:
    if DRIVER in said and "ClassNotFoundException" in said:
        return EnvironmentProblem("the JDBC driver of PostgreSQL is not among the JARs.\n  Fetch it: make setup")
    what = said.partition("Exception: ")[2] or said
    if "database " in what and "does not exist" in what:
        return ConfigurationError(f"{identity}: {what}\n  Mend the address (--input) and run again.")
    return EnvironmentProblem(
        f"{identity} did not answer as it should: {what}\n"
        "  Nothing half-read was taken in. Run the same command again when the database can be reached by this user; "
        "what was taken in before is not read twice."
    )
