"""The SQL that PostgreSQL is asked: which columns a table has, how far it goes, and the rows of one part.

Names come from the configuration and from the database's catalogue and are quoted; values of watermarks are written
by the database itself in one shape, which is checked before they go back to it as literals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from featurestore.database_config import DatabaseTable, JoinedTable, whole_days
from featurestore.definitions import quoted
from featurestore.errors import ConfigurationError, DataContractError

INSTANT, CLOCK, DAY, NUMBER = "instant", "clock", "day", "number"
KINDS = {
    "timestamp with time zone": INSTANT, "timestamp without time zone": CLOCK, "date": DAY,
    "smallint": NUMBER, "integer": NUMBER, "bigint": NUMBER,
}  # fmt: skip
"""Types whose values lie in an order that can be cut into ranges."""
READ_AS_THEY_ARE = {"smallint", "integer", "bigint", "boolean", "real", "double precision", "text", "character varying"}
FIRST_AND_LAST = {
    "timestamp with time zone": (
        "(TIMESTAMP '0001-01-01' AT TIME ZONE 'UTC')",
        "(TIMESTAMP '9999-12-31' AT TIME ZONE 'UTC')",
    ),
    "timestamp without time zone": ("TIMESTAMP '0001-01-01'", "TIMESTAMP '9999-12-31'"),
    "date": ("DATE '0001-01-01'", "DATE '9999-12-31'"),
}
"""What times are read between: infinity, and years that Spark has none of, would end the run instead of their row.

All types that are neither here nor above, numeric among them, are read as text: no digit is lost, and NaN is a value.
"""
PART = "tessera_part"
"""The column that a table is cut by, beside those that are read: as it is, so that an index on it serves."""
AS_TEXT = {
    INSTANT: "to_char(({}) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    CLOCK: "to_char(({}), 'YYYY-MM-DD HH24:MI:SS.US')", DAY: "to_char(({}), 'YYYY-MM-DD')", NUMBER: "({})::text",
}  # fmt: skip
LITERAL = {
    INSTANT: "(TIMESTAMP '{}' AT TIME ZONE 'UTC')", CLOCK: "TIMESTAMP '{}'", DAY: "DATE '{}'", NUMBER: "({})::bigint",
}  # fmt: skip
SHAPE = {
    INSTANT: r"\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", CLOCK: r"\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}",
    DAY: r"\d{4,7}-\d\d-\d\d", NUMBER: r"-?\d{1,19}",
}  # fmt: skip
CUT = {
    INSTANT: "lo + (hi - lo) * (i / {parts}::float8)", CLOCK: "lo + (hi - lo) * (i / {parts}::float8)",
    DAY: "lo + ((hi - lo)::bigint * i / {parts})::int", NUMBER: "(lo + div((hi::numeric - lo) * i, {parts}))::bigint",
}  # fmt: skip


def name(identifier: str) -> str:
    """A quoted name, of a schema and a table perhaps.

    >>> name('public.users'), name('a"b')
    ('"public"."users"', '"a""b"')
    """
    return ".".join('"' + part.replace('"', '""') + '"' for part in identifier.split("."))


def plain_type(shown: str) -> str:
    """A type as the catalogue shows it, without length and precision.

    >>> plain_type("timestamp(3) with time zone"), plain_type("numeric(18,2)")
    ('timestamp with time zone', 'numeric')
    """
    return re.sub(r"\(.*?\)", "", shown)


def columns_query(table: str) -> str:
    """Columns of a table (or view) with their types, none where it does not exist or may not be seen."""
    return (
        "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
        f"WHERE attrelid = to_regclass({quoted(name(table))}) AND attnum > 0 AND NOT attisdropped"
    )


def tables_query(most: int) -> str:
    """Names of tables and views, to answer a name that is not there."""
    return (
        "SELECT table_name::text AS name FROM information_schema.tables "
        f"WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 LIMIT {most}"
    )


def repeated_key_query(joined: JoinedTable) -> str:
    """A key that a joined table holds more than once, if there is one."""
    key = name(joined.key)
    found = f"SELECT {key} AS k FROM {name(joined.table)} WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1"
    return f"SELECT k::text AS k FROM ({found} LIMIT 1) AS repeated"


@dataclass(frozen=True)
class Scale:
    """A column whose values lie in order, and the kind of its values."""

    column: str
    kind: str

    @classmethod
    def of(cls, column: str, types: Mapping[str, str], *, where: str) -> Scale:
        """The scale that a column is; ConfigurationError where its type has no ranges."""
        kind = KINDS.get(plain_type(types[column]))
        if kind is None:
            raise ConfigurationError(
                f"{where}: column '{column}' is {types[column]}; a watermark, or what a table is cut by, must be a "
                "timestamp, a date or a whole number."
            )
        return cls(column, kind)

    def literal(self, text: str) -> str:
        """A value of the column, given as the database wrote it."""
        if not re.fullmatch(SHAPE[self.kind], text):
            raise DataContractError(f"'{text}' is no value of the watermark '{self.column}' ({self.kind}).")
        return LITERAL[self.kind].format(text)

    def before(self, text: str, overlap: timedelta | int) -> str:
        """The SQL of the value that lies `overlap` before another."""
        at = self.literal(text)
        if not overlap:
            return at
        if isinstance(overlap, timedelta) == (self.kind == NUMBER):
            wanted = "a whole number" if self.kind == NUMBER else "a duration such as 15m"
            raise ConfigurationError(f"overlap: the watermark '{self.column}' takes {wanted}.")
        if isinstance(overlap, int):
            return f"{at} - {overlap}"
        if self.kind == DAY:
            return f"{at} - {whole_days(overlap)}"
        return f"{at} - INTERVAL '{int(overlap.total_seconds())} seconds'"

    def extent_query(self, table: str, *, time_zone: str) -> str:
        """How far the column goes (not into the future, which would be taken for the past of all that comes), whether
        rows lie beyond, and whether any has no value.
        """
        column, of = name(self.column), name(table)
        now = {INSTANT: "now()", CLOCK: f"now() AT TIME ZONE {quoted(time_zone)}",
               DAY: f"(now() AT TIME ZONE {quoted(time_zone)})::date"}.get(self.kind)  # fmt: skip
        until = f"{column} <= {now}" if now else "true"
        highest = AS_TEXT[self.kind].format(f"(SELECT max({column}) FROM {of} WHERE {until})")
        ahead = f"EXISTS (SELECT 1 FROM {of} WHERE {column} > {now})" if now else "false"
        return (
            f"SELECT {highest} AS highest, {ahead} AS ahead, "
            f"EXISTS (SELECT 1 FROM {of} WHERE {column} IS NULL) AS lacking"
        )

    def cuts_query(self, table: str, *, where: str, parts: int) -> str:
        """The values that cut the rows of a window into ranges of equal width."""
        column = name(self.column)
        finite = "" if self.kind == NUMBER else f" AND isfinite({column})"
        ends = f"SELECT min({column}) AS lo, max({column}) AS hi FROM {name(table)} WHERE ({where}){finite}"
        cut = AS_TEXT[self.kind].format(CUT[self.kind].format(parts=parts))
        return f"SELECT {cut} AS cut FROM ({ends}) AS ends, generate_series(1, {parts - 1}) AS i WHERE lo < hi"

    def ranges(self, cuts: Iterable[str]) -> list[str]:
        """Predicates that hold each row once, whatever the cuts are; a row without a value is in the first.

        >>> Scale("n", "number").ranges(["5"])
        ['"tessera_part" < (5)::bigint OR "tessera_part" IS NULL', '"tessera_part" >= (5)::bigint']
        """
        column = name(PART)
        at = [self.literal(cut) for cut in sorted(set(cuts), key=in_order)]
        if not at:
            return ["true"]
        between = [f"{column} >= {low} AND {column} < {high}" for low, high in pairwise(at)]
        return [f"{column} < {at[0]} OR {column} IS NULL", *between, f"{column} >= {at[-1]}"]


def in_order(text: str) -> tuple[int, str]:
    """What values of one watermark, as they are written, are ordered by.

    >>> sorted(["10", "9", "-1"], key=in_order)
    ['-1', '9', '10']
    """
    is_number = re.fullmatch(SHAPE[NUMBER], text) is not None
    return (int(text), "") if is_number else (0, text)


def window(scale: Scale | None, *, since: str | None, until: str | None, overlap: timedelta | int) -> str:
    """The predicate of the rows that a run reads: all without a watermark, none where it has no value yet."""
    if scale is None:
        return "true"
    if until is None:
        return "false"
    column = name(scale.column)
    reached = f"{column} <= {scale.literal(until)}"
    return reached if since is None else f"{column} >= {scale.before(since, overlap)} AND {reached}"


def rows_query(table: DatabaseTable, types: Mapping[str, str], *, columns: Sequence[str], where: str) -> str:
    """The rows of a window: `columns` (some of the joined table) by their names in the mapping, and `PART`."""
    joined = table.joined
    looked_up = {own: column for own, column in (joined.named if joined else {}).items() if own in columns}
    own = [column for column in columns if column not in looked_up]
    selected = [_read(f"t.{name(column)}", plain_type(types[column]), column) for column in own]
    # Of the joined table everything is read as text: it is looked up, never cut by.
    selected += [_read(f"j.{name(column)}", "", as_) for as_, column in looked_up.items()]
    selected.append(f"{'t.' + name(table.parts_by) if table.parts_by else 'NULL'} AS {name(PART)}")
    source = f"SELECT * FROM {name(table.table)} WHERE {where}"
    rest = ""
    if joined is not None:
        rest = f" LEFT JOIN {name(joined.table)} AS j ON j.{name(joined.key)} = t.{name(joined.key)}"
    return f"SELECT {', '.join(selected)} FROM ({source}) AS t{rest}"


def _read(column: str, type_: str, as_: str) -> str:
    if type_ in FIRST_AND_LAST:
        first, last = FIRST_AND_LAST[type_]
        # greatest and least pass over NULL, which is to stay one.
        return f"CASE WHEN {column} IS NOT NULL THEN least(greatest({column}, {first}), {last}) END AS {name(as_)}"
    return f"{column} AS {name(as_)}" if type_ in READ_AS_THEY_ARE else f"{column}::text AS {name(as_)}"
