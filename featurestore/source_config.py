"""How one source is read: the model of `conf/sources/*.yml`.

Three kinds of names meet here: the raw columns of the input, the canonical columns of the source
(`schemas.py`), and the SQL expressions that map the first to the second.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from featurestore.configuration import Duration, Strict, parse_yaml, validated
from featurestore.database_config import DatabaseTable
from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.expressions import check_columns, columns_of
from featurestore.schemas import LOCAL_TIME, SOURCES, Source
from featurestore.schemas import source as source_named

Format = Literal["csv", "json", "parquet", "delta", "text", "jdbc"]
OPTIONS: dict[str, tuple[str, ...]] = {
    "csv": ("sep", "quote", "escape", "encoding", "multiLine", "nullValue"),
    "json": ("encoding",),
    "text": ("encoding",),
    "parquet": (),
    "delta": (),
    "jdbc": (),
}
FORMAT_LETTERS = frozenset("GyMdDQqLEaFhHkKmsSVzOXxZ")
OFFSET_LETTERS = frozenset("VzOXxZ")
DIGITS = {"y": 4, "D": 3, "X": 6, "x": 6, "Z": 6}
"""Of a letter of a time format, where that is not two or as often as it is written."""


class Expectation(Strict):
    """A predicate over canonical columns; a row for which it is false is set aside, or refuses the batch."""

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    predicate: str
    action: Literal["quarantine", "fail"] = "quarantine"


class EventMapping(Strict):
    """One event of a row: for which rows (`when`), its canonical columns, its natural id if it has one."""

    when: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    event_id: str | None = None


class SourceConfig(Strict):
    """One source of events: how its input is read, mapped, identified and judged.

    `columns` maps canonical names to SQL expressions over raw columns; `events` lists several events
    of one row, each laid over `columns`. Times given as text (and, in text formats, times computed by
    an expression) are wall clocks in `time_zone`; a TIMESTAMP of Parquet or Delta, a timestamptz of a database
    and a text whose `time_format` holds an offset are instants. Of a row for which `only` is not true nothing is
    read: it is not this source's. A file that changed within the last `settled_for` is left for a later run.
    """

    source: str
    format: Format
    options: dict[str, str | bool] = Field(default_factory=dict)
    pattern: str | None = None
    ignore_lines: str | None = None
    jdbc: DatabaseTable | None = None
    only: str | None = None
    columns: dict[str, str]
    events: tuple[EventMapping, ...] = ()
    event_id: str | None = None
    identical_rows: Literal["duplicates", "repeats"]
    time_zone: str
    time_format: str | None = None
    known_at: str | None = None
    known_at_format: str | None = None
    known_at_lag: Duration | None = None
    expectations: tuple[Expectation, ...] = ()
    settled_for: Duration = timedelta(0)
    new_columns: Literal["report", "stop"] = "report"
    quarantined_share_limit: float = Field(default=0.05, ge=0, le=1)
    lateness: Duration
    complete_through: datetime | None = None

    @property
    def shape(self) -> Source:
        """The source's canonical columns."""
        return source_named(self.source)

    @property
    def mappings(self) -> tuple[EventMapping, ...]:
        """Every event of a row, with the shared columns filled in."""
        events = self.events or (EventMapping(),)
        return tuple(
            EventMapping(
                when=event.when,
                columns={**self.columns, **event.columns},
                event_id=event.event_id or self.event_id,
            )
            for event in events
        )

    @property
    def raw_columns(self) -> frozenset[str]:
        """Names of the raw columns that any expression reads."""
        return frozenset(name for text in self._raw_expressions() for name in columns_of(text, where="columns"))

    @property
    def required_raw_columns(self) -> frozenset[str]:
        """Raw columns behind the canonical ones that no event may lack, in a source of one event a row."""
        if len(self.mappings) > 1:
            return frozenset()
        needed = [column.name for column in self.shape.content if column.required]
        columns = self.mappings[0].columns
        return frozenset().union(*(columns_of(columns[name], where=name) for name in needed))

    @property
    def has_natural_id(self) -> bool:
        return any(mapping.event_id for mapping in self.mappings)

    def _raw_expressions(self) -> list[str]:
        texts = [text for mapping in self.mappings for text in mapping.columns.values()]
        optional = [text for mapping in self.mappings for text in (mapping.when, mapping.event_id)]
        return texts + [text for text in (self.known_at, self.only, *optional) if text]

    @field_validator("source")
    @classmethod
    def _known_source(cls, name: str) -> str:
        if name not in SOURCES:
            raise ValueError(f"unknown source. {did_you_mean(name, SOURCES)}")
        return name

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"unknown time zone. {did_you_mean(name, available_timezones())}")
        return name

    @field_validator("time_format", "known_at_format")
    @classmethod
    def _readable_format(cls, text: str | None) -> str | None:
        letters = {letter for letter in unquoted(text or "") if letter.isalpha()}
        if letters - FORMAT_LETTERS:
            wrong = ", ".join(sorted(letters - FORMAT_LETTERS))
            raise ValueError(f"letters {wrong} mean nothing here; a full one reads yyyy-MM-dd HH:mm:ss")
        return text

    @field_validator("complete_through")
    @classmethod
    def _utc(cls, instant: datetime | None) -> datetime | None:
        return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=UTC)

    @model_validator(mode="after")
    def _consistent(self) -> SourceConfig:
        try:
            self._check_reading()
            self._check_sections()
            self._check_mappings()
            self._check_expectations()
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return self

    def _check_reading(self) -> None:
        for name in self.options:
            if name not in OPTIONS[self.format]:
                raise ConfigurationError.unknown_name(
                    f"option of format {self.format}", name, known=OPTIONS[self.format], where="options"
                )
        if self.known_at is not None and self.known_at_lag is not None:
            raise ConfigurationError("give known_at or known_at_lag, not both.")
        for text in (self.pattern, self.ignore_lines):
            _compiled(text or "")
        if self.pattern is not None and set(self.raw_columns) - set(_compiled(self.pattern).groupindex):
            missing = sorted(set(self.raw_columns) - set(_compiled(self.pattern).groupindex))
            raise ConfigurationError(f"pattern has no group named {', '.join(missing)}; write (?P<name>...).")

    def _check_sections(self) -> None:
        """What goes with one format only, and what does not go together."""
        if (self.format == "text") != (self.pattern is not None):
            raise ConfigurationError("pattern (with named groups) is required for format text, and only there.")
        if self.ignore_lines is not None and self.format != "text":
            raise ConfigurationError("ignore_lines is for format text only.")
        if (self.format == "jdbc") != (self.jdbc is not None):
            raise ConfigurationError("jdbc (table, user, password, ...) is required for format jdbc, and only there.")
        if self.identical_rows == "repeats" and self.jdbc is not None and self.jdbc.watermark is not None:
            raise ConfigurationError("repeats cannot be told from what a watermark's runs read twice; say duplicates.")
        if self.identical_rows == "repeats" and self.has_natural_id:
            raise ConfigurationError("rows with a natural event_id cannot be repeats; drop one of the two.")

    def _check_mappings(self) -> None:
        names = [column.name for column in self.shape.content]
        required = [column.name for column in self.shape.content if column.required]
        for mapping in self.mappings:
            for name, text in mapping.columns.items():
                if name not in names:
                    raise ConfigurationError.unknown_name("canonical column", name, known=names, where="columns")
                columns_of(text, where=f"columns.{name}")
            missing = [name for name in required if name not in mapping.columns]
            if missing:
                raise ConfigurationError(f"columns lacks {', '.join(missing)}, required by source {self.source}.")
        for text in self._raw_expressions():
            columns_of(text, where="columns")
        if len({mapping.event_id is None for mapping in self.mappings}) > 1:
            raise ConfigurationError("either every event of a row has a natural event_id, or none.")

    def _check_expectations(self) -> None:
        known = [column.name for column in (*self.shape.content, *LOCAL_TIME)]
        for expectation in self.expectations:
            check_columns(expectation.predicate, known=known, where=f"expectations.{expectation.name}")
        names = [expectation.name for expectation in self.expectations]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"expectations share a name: {', '.join(sorted(names))}.")


def source_config(text: str, *, where: str) -> SourceConfig:
    """The source that the YAML `text` describes; `where` names it in messages.

    Raises ConfigurationError with every fault at once: key, value, what was expected, near names.
    """
    return validated(SourceConfig, parse_yaml(text, where=where), where=where)


def carries_offset(time_format: str | None) -> bool:
    """Whether texts of this format name an instant instead of a wall clock.

    >>> carries_offset("yyyy-MM-dd'T'HH:mm:ssXXX"), carries_offset("yyyy-MM-dd'Z'")
    (True, False)
    """
    return bool(OFFSET_LETTERS & set(unquoted(time_format or "")))


def longest_number(time_format: str) -> int:
    """Digits that may stand side by side in a text of this format; a year has four.

    >>> longest_number("yyyy-MM-dd HH:mm:ss"), longest_number("d/M/y H:m"), longest_number("yyyyMMddHHmm")
    (4, 4, 12)
    """
    runs = re.findall("[A-Za-z]+", unquoted(time_format))
    widths = [sum(max(len(list(same)), DIGITS.get(letter, 2)) for letter, same in groupby(run)) for run in runs]
    return max(widths, default=0)


def unquoted(time_format: str) -> str:
    """`time_format` without its quoted literals."""
    return re.sub(r"'[^']*'", "", time_format)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(f"'{pattern}' is no regular expression: {error}.") from None
