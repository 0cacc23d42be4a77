"""Which table of a database a source reads, how far at a time, and where its user and password are."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from featurestore.configuration import Strict, duration

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_$]{0,62}"


def _overlap(value: Any) -> timedelta | int:
    return value if isinstance(value, int) and not isinstance(value, bool) else duration(value)


Overlap = Annotated[timedelta | int, BeforeValidator(_overlap)]
Name = Annotated[str, Field(pattern=f"^{IDENTIFIER}$")]
TableName = Annotated[str, Field(pattern=rf"^({IDENTIFIER}\.)?{IDENTIFIER}$")]


class SecretPlace(Strict):
    """Where a secret is: an environment variable or a file; never the secret itself."""

    env: str | None = Field(default=None, pattern="^[A-Z_][A-Z0-9_]*$")
    file: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> SecretPlace:
        if (self.env is None) == (self.file is None):
            raise ValueError("give env (the name of an environment variable) or file (its path)")
        return self

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file}"


class JoinedTable(Strict):
    """A table looked up by a key that it shares with the source's: its columns become <table>_<column>."""

    table: Name
    key: Name
    columns: tuple[Name, ...] = Field(min_length=1)

    @property
    def named(self) -> dict[str, str]:
        """Column by the name that it has in the mapping."""
        return {f"{self.table}_{column}": column for column in self.columns}


class DatabaseTable(Strict):
    """One table of a database (the database itself is the input of a run).

    With a `watermark`, a column that grows with every insert and update, a run reads only what is new since the last
    one, less `overlap` (a duration, or a difference of numbers) for transactions that were committed late. A table is
    read in `partitions` parts, ranges of `partition_by` (else of the watermark), each a connection of its own.
    """

    table: TableName
    user: SecretPlace
    password: SecretPlace
    watermark: Name | None = None
    overlap: Overlap = timedelta(0)
    partition_by: Name | None = None
    partitions: int = Field(default=1, ge=1, le=256)
    fetch_rows: int = Field(default=10_000, ge=1, le=1_000_000)
    joined: JoinedTable | None = None

    @property
    def parts_by(self) -> str | None:
        """The column whose ranges are the parts."""
        return self.partition_by or self.watermark

    @field_validator("overlap")
    @classmethod
    def _backwards(cls, overlap: timedelta | int) -> timedelta | int:
        if isinstance(overlap, int) and overlap < 0:
            raise ValueError("an overlap goes back and is written without a sign")
        return overlap

    @model_validator(mode="after")
    def _consistent(self) -> DatabaseTable:
        if self.watermark is None and self.overlap:
            raise ValueError("overlap goes with a watermark: a table without one is read whole each time")
        if self.partitions > 1 and self.parts_by is None:
            raise ValueError("partitions needs partition_by, or a watermark: a column to cut the table by")
        return self


def whole_days(overlap: timedelta) -> int:
    """The days that cover an overlap.

    >>> whole_days(timedelta(hours=25))
    2
    """
    return math.ceil(overlap / timedelta(days=1))
