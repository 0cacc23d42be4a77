"""Point-in-time joins on frames: for each spine row the newest stored row before its instant. No read, write or action.

One union, one shuffle by key, one sort; a window then hands each spine row the last stored row before it. Spark spills
what does not fit, so one key may hold any share of the rows. The plan is Spark's own from end to end: taking the rows
through Arrow and NumPy instead was measured and is slower, see docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from featurestore.errors import DataContractError
from featurestore.views import repeated

DAY_US = 86_400_000_000
KEY_TYPES = (T.StringType, T.ByteType, T.ShortType, T.IntegerType, T.LongType, T.DateType, T.TimestampType,
             T.BooleanType, T.DecimalType)  # fmt: skip
"""Types whose equality is plain: no floats (-0.0, NaN), nothing nested."""
SPINE, STORED, PLACE, NEWEST = "spine", "stored", "place", "newest"


class AtInstant(StrEnum):
    """Whether a stored row counts at its own instant: `before` is `<`, `at_or_before` is `<=`."""

    BEFORE = "before"
    AT_OR_BEFORE = "at_or_before"


@dataclass(frozen=True)
class Match:
    """How spine rows find stored rows.

    `keys` pairs each key column of the spine with that of the stored rows; `as_of` and `instant` are their times
    (timestamp, or date for its midnight UTC). `found` names the stored columns that the answer has and how it calls
    them. A row older than `max_age` is not found; one of exactly that age is.
    """

    keys: tuple[tuple[str, str], ...]
    as_of: str
    instant: str
    found: Mapping[str, str] = field(default_factory=dict)
    at_instant: AtInstant = AtInstant.BEFORE
    max_age: timedelta | None = None


def newest_rows(spine: DataFrame, stored: DataFrame, match: Match) -> DataFrame:
    """The rows and columns of `spine`, as they are, and beside them the columns `match.found` of the newest stored row.

    A spine row without such a row reads NULL: its key is unknown or NULL, its instant is NULL, or all stored rows are
    later or too old. The newest row counts, not the newest value: where it holds NULL, the answer is NULL. `stored`
    must not repeat a key at one instant; its rows with a NULL key or instant are never found. Raises
    DataContractError where a column is missing or of another type than its counterpart.
    """
    _refuse_bad_columns(spine, stored, match)
    asked = _asked(spine, match)
    candidates = _candidates(stored, match)
    both = asked.select(*_keys(match), PLACE, SPINE, F.lit(None).cast(candidates.schema[STORED].dataType).alias(STORED))
    both = both.unionAll(
        candidates.select(*_keys(match), PLACE, F.lit(None).cast(asked.schema[SPINE].dataType).alias(SPINE), STORED)
    )
    up_to_here = Window.partitionBy(*_keys(match)).orderBy(PLACE).rowsBetween(Window.unboundedPreceding, 0)
    swept = both.withColumn(NEWEST, F.last(STORED, ignorenulls=True).over(up_to_here)).where(F.col(SPINE).isNotNull())
    return swept.select(*_own_columns(spine), *_found_columns(spine, match))


def _asked(spine: DataFrame, match: Match) -> DataFrame:
    """Keys, place in time and one struct of all columns of each spine row."""
    whole = F.struct(*[column(name).alias(f"s{at}") for at, name in enumerate(spine.columns)])
    keys = [column(of_spine).alias(f"key{at}") for at, (of_spine, _) in enumerate(match.keys)]
    return spine.select(
        *keys, _place(spine, match.as_of, first=match.at_instant is AtInstant.BEFORE), whole.alias(SPINE)
    )


def _candidates(stored: DataFrame, match: Match) -> DataFrame:
    """Keys, place in time and one struct of the wanted columns of each stored row that can be found."""
    complete = [column(name).isNotNull() for name in (*(of_stored for _, of_stored in match.keys), match.instant)]
    wanted = [column(name).alias(f"f{at}") for at, name in enumerate(match.found)]
    whole = F.struct(_micros(stored, match.instant).alias("at"), *wanted)
    keys = [column(of_stored).alias(f"key{at}") for at, (_, of_stored) in enumerate(match.keys)]
    place = _place(stored, match.instant, first=match.at_instant is AtInstant.AT_OR_BEFORE)
    return stored.where(_all(complete)).select(*keys, place, whole.alias(STORED))


def _own_columns(spine: DataFrame) -> list[Column]:
    own = F.col(SPINE)
    return [own.getField(f"s{at}").alias(f.name, metadata=f.metadata) for at, f in enumerate(spine.schema.fields)]


def _found_columns(spine: DataFrame, match: Match) -> list[Column]:
    newest = F.col(NEWEST)
    if match.max_age is not None:
        as_of = _micros_of(F.col(SPINE).getField(f"s{spine.columns.index(match.as_of)}"), spine.schema[match.as_of])
        allowed = match.max_age // timedelta(microseconds=1)
        newest = F.when(as_of - newest.getField("at") <= F.lit(allowed), newest)
    return [newest.getField(f"f{at}").alias(name) for at, name in enumerate(match.found.values())]


def _keys(match: Match) -> list[str]:
    return [f"key{at}" for at in range(len(match.keys))]


def _place(rows: DataFrame, name: str, *, first: bool) -> Column:
    """Microseconds and, in the last bit, who comes first at one instant: one long sorts faster than two columns."""
    return (_micros(rows, name) * 2 + F.lit(0 if first else 1)).alias(PLACE)


def _micros(rows: DataFrame, name: str) -> Column:
    return _micros_of(column(name), rows.schema[name])


def _micros_of(time: Column, declared: T.StructField) -> Column:
    """Microseconds since 1970 UTC, whatever zone the session is set to."""
    if isinstance(declared.dataType, T.DateType):
        return F.unix_date(time).cast("bigint") * DAY_US
    return F.unix_micros(time)


def _all(conditions: Iterable[Column]) -> Column:
    together = F.lit(True)
    for condition in conditions:
        together = together & condition
    return together


def column(name: str) -> Column:
    """The column of exactly this name, whatever signs it contains."""
    return F.col("`" + name.replace("`", "``") + "`")


def _refuse_bad_columns(spine: DataFrame, stored: DataFrame, match: Match) -> None:
    refuse_ambiguous(spine)
    needed = [*(of_spine for of_spine, _ in match.keys), match.as_of]
    missing = [name for name in needed if name not in spine.columns]
    if missing:
        raise DataContractError.missing_columns(missing, found=spine.columns, where="the spine")
    for of_spine, of_stored in match.keys:
        one, other = spine.schema[of_spine].dataType, stored.schema[of_stored].dataType
        if one != other:
            raise DataContractError(
                f"key '{of_spine}' of the spine is {one.simpleString()}, key '{of_stored}' of the table is "
                f"{other.simpleString()}: values of two types are never compared.\n"
                f"  Cast it first: spine.withColumn('{of_spine}', col('{of_spine}').cast('{other.simpleString()}'))"
            )
    refuse_no_time(spine, match.as_of, where="the spine")


def refuse_ambiguous(rows: DataFrame) -> None:
    """DataContractError for a frame with two columns of one name."""
    twice = repeated(name.lower() for name in rows.columns)
    if twice:
        raise DataContractError(f"a frame has several columns called {', '.join(twice)}. Rename all but one.")


def refuse_no_time(rows: DataFrame, name: str, *, where: str) -> None:
    """DataContractError unless a column is a timestamp or a date."""
    found = rows.schema[name].dataType
    if not isinstance(found, (T.TimestampType, T.DateType)):
        raise DataContractError(
            f"'{name}' of {where} is {found.simpleString()}; expected a timestamp, or a date (its midnight UTC)."
        )
