"""What can go wrong, one class per remedy; the exit code of a job follows from the class.

Messages are built from facts by class methods, so that a call site is one line and every message
says the same four things: what was found, where, what was expected, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class TesseraError(Exception):
    """Root of all errors that Tessera raises on purpose; `exit_code` is what a job ends with."""

    exit_code = 1


class ConfigurationError(TesseraError):
    """Wrong arguments or settings: the user changes a word and runs again."""

    exit_code = 2

    @classmethod
    def unknown_name(cls, kind: str, name: str, *, known: Iterable[str], where: str = "") -> ConfigurationError:
        """An unknown name, answered with the nearest known ones."""
        place = f" in {where}" if where else ""
        return cls(f"unknown {kind} '{name}'{place}. {did_you_mean(name, known)}")


class DataContractError(TesseraError):
    """The data break a contract: nothing was written; the data or the contract must change."""

    exit_code = 3

    @classmethod
    def missing_columns(cls, missing: Iterable[str], *, found: Iterable[str], where: str) -> DataContractError:
        """A required column is absent from an input."""
        columns = list(found)
        lines = [f"{where} lacks required columns; found: {', '.join(columns) or 'none'}."]
        lines += [f"  '{name}' is missing. {did_you_mean(name, columns)}" for name in missing]
        if len(columns) == 1:
            lines.append("  Only one column was found: is the delimiter (options.sep) the right one?")
        return cls("\n".join(lines))


class EnvironmentProblem(TesseraError):
    """Java, disk, permission, port or a conflict that outlasted its retries: mend the place, run again."""

    exit_code = 4

    @classmethod
    def damaged(cls, what: str, *, said: str) -> EnvironmentProblem:
        """A file of a table is cut short, overwritten or gone; its reader said what."""
        lines = said.strip().splitlines() or ["nothing"]
        return cls(
            f"{what} cannot be read: {lines[0][:300]}\n"
            "  A file of the table is damaged or gone, and nothing was written. Put it back from a copy of the\n"
            "  warehouse, or remove the table and run the jobs that write it again."
        )


class MissingInput(DataContractError):
    """A job ran before what it reads exists."""

    @classmethod
    def table(cls, name: str, *, warehouse: str, make_with: str) -> MissingInput:
        """A table that an earlier job writes is not there yet."""
        return cls(
            f"table '{name}' does not exist in warehouse {warehouse}.\n"
            f"  It is written by: ./spark-submit.sh {make_with} --warehouse {warehouse}"
        )


def did_you_mean(name: str, known: Iterable[str], *, most: int = 3) -> str:
    """A sentence with the nearest known names.

    >>> did_you_mean("warehuose", ["warehouse", "seed"])
    "Did you mean 'warehouse'?"
    >>> did_you_mean("x", ["warehouse", "seed"])
    'Valid names: seed, warehouse.'
    """
    names = sorted(set(known))
    near = get_close_matches(name, names, n=most, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(repr(n) for n in near)}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Valid names: {shown or 'none'}."
