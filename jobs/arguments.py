"""Command-line options: what all jobs share, and values that are checked before Spark starts."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from typing import NoReturn

from featurestore.database_address import address, is_address
from featurestore.errors import ConfigurationError, did_you_mean


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are ours: exit code 2, near names, one paragraph."""

    def error(self, message: str) -> NoReturn:
        unknown = message.removeprefix("unrecognized arguments: ").split()[0] if "unrecognized" in message else ""
        near = f" {did_you_mean(unknown, self._option_string_actions)}" if unknown.startswith("--") else ""
        raise ConfigurationError(f"{self.prog}: {message}.{near}\n  See: {self.prog} --help")


def common_options() -> argparse.ArgumentParser:
    """The options that every job takes."""
    parser = Parser(add_help=False)
    shared = parser.add_argument_group("options of every job")
    shared.add_argument(
        "--warehouse", metavar="PATH", help="folder of the Delta tables (default: settings, ./lakehouse)"
    )
    shared.add_argument(
        "--conf", metavar="NAME_OR_FILE", help="overlay on conf/base.yml: local, cluster, databricks or a file"
    )
    shared.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], dest="assignments",
                        help="change one setting; repeatable")  # fmt: skip
    shared.add_argument("--seed", type=int, metavar="N", help="seed of everything random (default: settings)")
    shared.add_argument("--verbose", action="store_true", help="show stack traces and Spark's own messages")
    return parser


def day(text: str) -> date:
    """A date written YYYY-MM-DD.

    >>> day("2024-02-29")
    datetime.date(2024, 2, 29)
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"'{text}' is no date: expected an existing day as YYYY-MM-DD.") from None


def days(text: str) -> list[date]:
    """One or more dates separated by commas."""
    found = [day(part.strip()) for part in text.split(",") if part.strip()]
    if not found:
        raise ConfigurationError(f"'{text}' names no date: expected one or more as YYYY-MM-DD, separated by commas.")
    return found


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ConfigurationError(f"'{text}' is not a whole number of at least 1.")
    return int(text)


def stepped(start: date, end: date, *, step_days: int) -> list[date]:
    """start, start + step, ... up to and including `end`.

    >>> stepped(date(2024, 1, 1), date(2024, 1, 5), step_days=2)[-1]
    datetime.date(2024, 1, 5)
    """
    if end < start:
        raise ConfigurationError(f"--end {end} lies before --start {start}.")
    return [start + timedelta(days=d) for d in range(0, (end - start).days + 1, step_days)]


def at_least_two(text: str) -> int:
    """A whole number of at least 2."""
    if positive(text) < 2:
        raise ConfigurationError(f"'{text}' is not a whole number of at least 2.")
    return int(text)


def minutes(text: str) -> float:
    """A number of minutes above 0.

    >>> minutes("0.5")
    0.5
    """
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ConfigurationError(f"'{text}' is not a number of minutes above 0.")
    return found


def input_place(text: str) -> str:
    """An input: a path, or the address of a database, which is looked at before it is recorded or shown anywhere."""
    return address(text).url if is_address(text) else text
