"""Let JDBC and ODBC clients ask the tables of the warehouse: Spark's Thrift server, until Ctrl-C or SIGTERM.

./spark-submit.sh serve_sql --port 10000

Prints the JDBC URL once it answers. Tables are found by their names and read as they are at each query; one that is
made later needs a new start. All clients share one session: what one of them SETs, all have. There is no password, and
whoever reaches the port may do what the server's user may: leave the host as it is, or let it be reached through a
tunnel alone.
"""

from __future__ import annotations

import argparse

from featurestore.errors import ConfigurationError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job's own options."""
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="to listen at (default: 127.0.0.1)")
    parser.add_argument("--port", type=port, default=10_000, metavar="N",
                        help="to listen at; 0 takes a free one (default: 10000)")  # fmt: skip


def port(text: str) -> int:
    """A port number.

    >>> port("10000")
    10000
    """
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise ConfigurationError(f"'{text}' is no port: a whole number from 0 to 65535.")
    return int(text)
