"""From raw rows to canonical events: typed values, one UTC instant, and the reasons against a row.

A value that cannot be what its column is does not stop a batch: it becomes NULL and leaves a reason.
The work is done in three projections (given and typed values, times, reasons), each reading the
columns of the one before, so that no expression of the configuration is evaluated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError
from featurestore.expectations import Rule, expected, reasons
from featurestore.reading import MALFORMED, RAW
from featurestore.schemas import LARGEST_MEASURE, Column
from featurestore.source_config import EventMapping, SourceConfig, carries_offset, longest_number

REASONS = "reasons"
NATURAL_ID = "natural_id"
NUMBER = "event_number"
FURTHEST_FUTURE = timedelta(days=1)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
"""No shop has events from before: it is a mistyped year, or the zero of some calendar (Excel's is 1899-12-30)."""
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
"""The last day that all readers of the tables can tell."""
TEXT_FORMATS = ("csv", "json", "text")
SHIFTS_MINUTES = (30, 60, 120)
"""Lengths of clock changes there are: Lord Howe, nearly all, Antarctica/Troll."""


def mapped_events(raw: DataFrame, config: SourceConfig, *, ingested_at: datetime) -> DataFrame:
    """One row for each event that a raw row holds, and one (`event_number` NULL) for a row that holds none.

    Columns: the source's content, `local_hour`, `local_weekday`, `event_month`, `known_at` (NULL where
    the source maps none), `natural_id`, `nonexistent_local`, `ambiguous_local`, `raw`, `event_number`
    and `reasons` (array<string>, empty for a clean event).
    """
    numbered = _numbered(raw, config)
    valued = numbered.select(RAW, MALFORMED, NUMBER, *_values(raw, config))
    timed = valued.select("*", *_local_times(config))
    judged = timed.withColumn(REASONS, _reasons(config, ingested_at))
    return judged.select(
        F.col(RAW).alias("raw"),
        NUMBER,
        *[column.name for column in config.shape.content],
        F.hour("_wall").alias("local_hour"),
        (F.weekday("_wall") + 1).alias("local_weekday"),
        F.to_date(F.date_trunc("month", "event_time")).alias("event_month"),
        "known_at",
        NATURAL_ID,
        "nonexistent_local",
        "ambiguous_local",
        REASONS,
    )


def failed_expectations(config: SourceConfig) -> list[str]:
    """Names of the expectations that refuse the whole batch."""
    return [expectation.name for expectation in config.expectations if expectation.action == "fail"]


def _numbered(raw: DataFrame, config: SourceConfig) -> DataFrame:
    """A row for each event that a raw row holds, numbered by its mapping."""
    conditions = [mapping.when for mapping in config.mappings]
    if conditions == [None]:
        return raw.withColumn(NUMBER, F.when(~F.col(MALFORMED), 0))
    holds = [F.expr(f"({text})") if text else F.lit(True) for text in conditions]
    numbers = F.array_compact(F.array(*[F.when(held, number) for number, held in enumerate(holds)]))
    return raw.withColumn(NUMBER, F.explode_outer(F.when(~F.col(MALFORMED), numbers)))


def _values(raw: DataFrame, config: SourceConfig) -> list[SparkColumn]:
    """Typed values under their canonical names, and as `_given_...` the text that they were made of."""
    columns = []
    for column in config.shape.content:
        if column.name != "event_time":
            columns.append(_by_event(config, _typed(raw, column)).alias(column.name))
        columns.append(_by_event(config, _given(column.name)).alias(f"_given_{column.name}"))
    clock = _Clock(raw, config, config.time_format)
    columns += [
        _by_event(config, lambda m: clock.instant(m.columns["event_time"])).alias("event_time"),
        _by_event(config, lambda m: clock.wall(m.columns["event_time"])).alias("_wall"),
        _by_event(config, lambda m: F.expr(m.event_id).cast("string") if m.event_id else _null("string")).alias(
            NATURAL_ID
        ),
    ]
    known = _Clock(raw, config, config.known_at_format or config.time_format)
    text = config.known_at
    return [
        *columns,
        (known.instant(text) if text else _null("timestamp")).alias("_mapped_known_at"),
        (_text(text) if text else _null("string")).alias("_given_known_at"),
    ]


def _by_event(config: SourceConfig, value: Callable[[EventMapping], SparkColumn]) -> SparkColumn:
    """`value` of the mapping whose event the row is; NULL for a row without event."""
    number = F.col(NUMBER)
    cases = [F.when(number == each, value(mapping)) for each, mapping in enumerate(config.mappings)]
    return cases[0] if len(cases) == 1 else F.coalesce(*cases)


def _typed(raw: DataFrame, column: Column) -> Callable[[EventMapping], SparkColumn]:
    """The mapped expression as the column's type, NULL where it is no such value."""

    def value(mapping: EventMapping) -> SparkColumn:
        text = mapping.columns.get(column.name)
        if text is None:
            return _null(column.type)
        typed = F.expr(f"try_cast(({text}) as {column.type})")
        if column.type == "bigint" and _type(raw, text).startswith(("double", "float", "decimal")):
            # A cast would drop the fraction in silence; 1.7 pieces are no number of pieces.
            return F.when(typed == F.expr(text), typed)
        return F.when(F.trim(typed) != "", typed) if column.type == "string" else typed

    return value


def _given(name: str) -> Callable[[EventMapping], SparkColumn]:
    return lambda mapping: _text(mapping.columns[name]) if name in mapping.columns else _null("string")


def _local_times(config: SourceConfig) -> list[SparkColumn]:
    """What a change of the clocks makes of the wall clock, and when the business knew."""
    zone, instant, wall = config.time_zone, F.col("event_time"), F.col("_wall")
    unsettled = zone != "UTC" and not carries_offset(config.time_format)
    skipped = F.from_utc_timestamp(instant, zone) != wall if unsettled else F.lit(False)
    again = F.lit(False)
    if unsettled:
        # Reading zone rules is the dear part: most rows have no change within two hours and stop there.
        steady = F.from_utc_timestamp(_later(instant, 120), zone) == _later(wall, 120)
        shifted = [F.from_utc_timestamp(_later(instant, shift), zone) == wall for shift in SHIFTS_MINUTES]
        again = F.when(steady, False).otherwise(reduce(or_, shifted))
    known_at = F.col("_mapped_known_at")
    if config.known_at_lag is not None:
        known_at = _later(instant, int(config.known_at_lag.total_seconds()) // 60)
    return [
        skipped.alias("nonexistent_local"),
        again.alias("ambiguous_local"),
        known_at.alias("known_at"),
    ]


def _reasons(config: SourceConfig, ingested_at: datetime) -> SparkColumn:
    """A row that cannot be read has just that one reason, others all that is wrong with them."""
    rules = [rule for column in config.shape.content for rule in _rules(config, column)]
    rules += [
        Rule("event_in_the_future", F.col("event_time") > F.lit(ingested_at + FURTHEST_FUTURE)),
        Rule("event_before_1900", F.col("event_time") < F.lit(EARLIEST)),
        Rule("known_at_out_of_range", ~F.col("_mapped_known_at").between(F.lit(EARLIEST), F.lit(LATEST))),
        Rule("known_at_unparsable", (F.col("_given_known_at") != "") & F.col("_mapped_known_at").isNull()),
    ]
    if config.has_natural_id:
        rules.append(Rule("event_id_missing", F.coalesce(F.trim(NATURAL_ID), F.lit("")) == ""))
    rules += [expected(rule.name, rule.predicate) for rule in config.expectations]
    return (
        F.when(F.col(MALFORMED), F.array(F.lit("malformed_row")))
        .when(F.col(NUMBER).isNull(), F.array(F.lit("no_event")))
        .otherwise(reasons(rules))
    )


def _rules(config: SourceConfig, column: Column) -> Iterable[Rule]:
    value, given = F.col(column.name), F.col(f"_given_{column.name}")
    if all(column.name not in mapping.columns for mapping in config.mappings):
        return
    yield Rule(f"{column.name}_unparsable", (given != "") & value.isNull())
    if column.required:
        yield Rule(f"{column.name}_missing", F.coalesce(given, F.lit("")) == "")
    if column.is_number:
        yield Rule(f"{column.name}_out_of_range", ~value.between(-LARGEST_MEASURE, LARGEST_MEASURE))


class _Clock:
    """A time expression as an instant, and as what the source's own clock showed then.

    A wall clock that a change of the clocks skips is read as the instant one gap later; one that
    exists twice as the earlier of its two instants. Both are Spark's own reading, and are counted.
    """

    def __init__(self, raw: DataFrame, config: SourceConfig, time_format: str | None) -> None:
        self.raw, self.config, self.time_format = raw, config, time_format

    def instant(self, text: str) -> SparkColumn:
        time, is_instant = self._read(text)
        return time if is_instant else F.to_utc_timestamp(time, self.config.time_zone)

    def wall(self, text: str) -> SparkColumn:
        time, is_instant = self._read(text)
        return F.from_utc_timestamp(time, self.config.time_zone) if is_instant else time

    def _read(self, text: str) -> tuple[SparkColumn, bool]:
        """The time, and whether it is an instant; else it is a wall clock, written as if it were UTC."""
        kind = _type(self.raw, text)
        if kind != "string":
            is_instant = kind == "timestamp" and self.config.format not in TEXT_FORMATS
            return F.expr(f"try_cast(({text}) as timestamp)"), is_instant
        if self.time_format is None:
            raise ConfigurationError(
                f"{text}: a time given as text needs time_format (known_at_format for known_at), "
                f"such as yyyy-MM-dd HH:mm:ss."
            )
        # Of the year 292278994 Spark makes no NULL, but ends the job.
        too_long = f"[0-9]{{{longest_number(self.time_format) + 1}}}"
        given = F.expr(f"({text})")
        told = F.when(~given.rlike(too_long), given)
        return F.try_to_timestamp(told, F.lit(self.time_format)), carries_offset(self.time_format)


def _later(time: SparkColumn, minutes: int) -> SparkColumn:
    return time + F.expr(f"interval {minutes} minutes")


def _text(expression: str) -> SparkColumn:
    return F.trim(F.expr(f"({expression})").cast("string"))


def _type(raw: DataFrame, text: str) -> str:
    """The Spark type that an expression has over the raw columns (analysis only, no job)."""
    return raw.select(F.expr(text).alias("value")).dtypes[0][1]


def _null(type_name: str) -> SparkColumn:
    return F.lit(None).cast(type_name)
