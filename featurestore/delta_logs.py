"""Delta logs as delta-rs reads them, with errors that name the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from featurestore.errors import EnvironmentProblem


class DeltaLog(DeltaTable):
    """A table as its log has it; EnvironmentProblem where there is a log that cannot be read."""

    def __init__(self, table: str | Path, **more: Any) -> None:
        try:
            super().__init__(table, **more)
        except TableNotFoundError:
            raise
        except DeltaError as error:
            raise EnvironmentProblem.damaged(f"the log of {table}", said=str(error)) from error
