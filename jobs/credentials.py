"""User and password of a database, from where its source says that they are: the environment or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from featurestore.database import Credentials
from featurestore.database_config import DatabaseTable, SecretPlace
from featurestore.errors import EnvironmentProblem


def credentials_of(table: DatabaseTable, *, environ: Mapping[str, str] = os.environ) -> Credentials:
    """Who reads `table`; EnvironmentProblem where a place is empty or cannot be read."""
    return Credentials(_read(table.user, "user", environ), _read(table.password, "password", environ))


def _read(place: SecretPlace, what: str, environ: Mapping[str, str]) -> str:
    if place.env is not None:
        found = environ.get(place.env, "")
    else:
        try:
            found = Path(place.file or "").read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise EnvironmentProblem(f"the {what} is expected in {place}, which cannot be read: {why}.") from None
    if not found:
        raise EnvironmentProblem(
            f"the {what} of the database is expected in {place}, and there is none.\n  Put it there and run again."
        )
    return found
