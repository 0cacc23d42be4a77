"""Feature tables that users bring: any keys, one instant a row, values of any type; declared once, merged into.

What a table's keys are and whether a row counts at its own instant stand in the Delta table's own properties, so
that every session and every engine reads the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from featurestore.errors import ConfigurationError, DataContractError, MissingInput
from featurestore.point_in_time import KEY_TYPES, AtInstant, refuse_ambiguous, refuse_no_time
from featurestore.schemas import Column
from featurestore.tables import Table, Warehouse, until_committed
from featurestore.views import repeated

KEYS, TIMESTAMP, RULE = "tessera.primary_keys", "tessera.timestamp_key", "tessera.at_instant"
COLUMN_NAME = re.compile(r"[^\W\d]\w*")
OWN_TABLES = frozenset(
    ["ingest_runs", "snapshots", "feature_catalog", "training_sets", "customer_scores", "customer_scores_latest",
     "job_runs", "erasures", "suppressed_customers", "truth", "customer_aliases", "orders", "interactions", "support",
     "profiles"]
)  # fmt: skip
OWN_PREFIXES = ("events_", "quarantine_", "features_", "population_", "training_set_", "simulated_")
MODES = ("merge", "overwrite")
SHOWN = 5


@dataclass(frozen=True)
class UserTable:
    """A declared feature table: one row for `primary_keys` and the instant in `timestamp_key`."""

    table: Table
    primary_keys: tuple[str, ...]
    timestamp_key: str
    at_instant: AtInstant

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def key(self) -> tuple[str, ...]:
        """What identifies a row."""
        return (*self.primary_keys, self.timestamp_key)

    @property
    def features(self) -> list[str]:
        """The columns beside the key; the instant of the row may be looked up as well."""
        return [name for name in self.table.column_names if name not in self.key]

    @property
    def meaning(self) -> list[object]:
        """What decides the values of a lookup, apart from the rows."""
        types = {column.name: column.type for column in self.table.columns}
        return [self.name, self.primary_keys, self.timestamp_key, self.at_instant.value, types]


def declare(
    name: str,
    *,
    primary_keys: Sequence[str],
    timestamp_key: str,
    schema: T.StructType,
    description: str = "",
    at_instant: AtInstant | str = AtInstant.BEFORE,
) -> UserTable:
    """The declaration of a feature table, checked whole; comments of `schema` are kept.

    Raises ConfigurationError for a name of Tessera's own, an odd column name, a key that is missing or whose type
    has no plain equality.
    """
    if name in OWN_TABLES or name.startswith(OWN_PREFIXES):
        raise ConfigurationError(f"'{name}' is a name of Tessera's own tables and views: choose another.")
    columns = {one.name: one for one in schema.fields}
    _refuse_odd_names(name, list(columns), [one.name for one in schema.fields])
    if not primary_keys or repeated([*primary_keys, timestamp_key]):
        raise ConfigurationError(f"table '{name}' needs one or more primary keys and another column as timestamp key.")
    for key in (*primary_keys, timestamp_key):
        if key not in columns:
            raise ConfigurationError.unknown_name("column", key, known=columns, where=f"the schema of '{name}'")
    _refuse_odd_types(name, primary_keys, timestamp_key, columns)
    if at_instant not in list(AtInstant):
        raise ConfigurationError.unknown_name("rule", str(at_instant), known=list(AtInstant), where="at_instant")
    rule = AtInstant(at_instant)
    declared = tuple(
        Column(one.name, one.dataType.simpleString(), one.metadata.get("comment", "")) for one in schema.fields
    )
    properties = {KEYS: json.dumps(list(primary_keys)), TIMESTAMP: timestamp_key, RULE: rule.value}
    present = {f"{key}_present".lower(): f"`{key}` IS NOT NULL" for key in (*primary_keys, timestamp_key)}
    table = Table(name, declared, description, checks=present, properties=properties)
    return UserTable(table, tuple(primary_keys), timestamp_key, rule)


def _refuse_odd_names(table: str, distinct: Sequence[str], names: Sequence[str]) -> None:
    odd = [one for one in distinct if not COLUMN_NAME.fullmatch(one)]
    twice = repeated(one.lower() for one in names)
    if odd or twice:
        raise ConfigurationError(
            f"table '{table}' has columns that cannot be named so: {', '.join([*map(repr, odd), *twice])}.\n"
            "  Expected letters, digits and _, a letter first, each name once whatever its case."
        )


def _refuse_odd_types(
    table: str, primary_keys: Sequence[str], timestamp_key: str, columns: dict[str, T.StructField]
) -> None:
    for key in primary_keys:
        if not isinstance(columns[key].dataType, KEY_TYPES):
            raise ConfigurationError(
                f"key '{key}' of table '{table}' is {columns[key].dataType.simpleString()}; expected a type whose "
                "values are equal or not: string, whole number, decimal, date, timestamp or boolean."
            )
    if not isinstance(columns[timestamp_key].dataType, (T.TimestampType, T.DateType)):
        raise ConfigurationError(
            f"timestamp key '{timestamp_key}' of table '{table}' is {columns[timestamp_key].dataType.simpleString()}; "
            "expected timestamp or date."
        )


def create(warehouse: Warehouse, wanted: UserTable) -> None:
    """Make the table unless it exists just so; ConfigurationError where it exists otherwise declared."""
    if not warehouse.exists(wanted.name):
        warehouse.create(wanted.table)
    found = find(warehouse, wanted.name)
    if found.meaning != wanted.meaning:
        raise ConfigurationError(
            f"table '{wanted.name}' exists in warehouse {warehouse.root} and is declared otherwise.\n"
            f"  there: {_in_words(found)}\n  asked: {_in_words(wanted)}\n  Choose another name."
        )


def _in_words(one: UserTable) -> str:
    columns = ", ".join(f"{column.name} {column.type}" for column in one.table.columns)
    return f"keys {', '.join(one.primary_keys)}; instant {one.timestamp_key} ({one.at_instant.value}); {columns}"


def find(warehouse: Warehouse, name: str) -> UserTable:
    """The feature table called `name`, as the warehouse has it; MissingInput, or DataContractError for another kind."""
    if not warehouse.exists(name):
        raise MissingInput(
            f"feature table '{name}' does not exist in warehouse {warehouse.root}.\n"
            f"  Make it: FeatureStore.create_table('{name}', primary_keys=[...], timestamp_key=..., schema=...)"
        )
    table = warehouse.declared(name)
    if KEYS not in table.properties:
        raise DataContractError(f"table '{name}' of warehouse {warehouse.root} was not made by create_table.")
    keys = tuple(json.loads(table.properties[KEYS]))
    return UserTable(table, keys, table.properties[TIMESTAMP], AtInstant(table.properties[RULE]))


def write(warehouse: Warehouse, table: UserTable, rows: DataFrame, *, mode: str = "merge") -> int:
    """Put `rows` into the table in one commit; the version that holds them.

    `merge` replaces the rows whose key and instant are there and adds the others; `overwrite` leaves only `rows`.
    Raises DataContractError, and writes nothing, where columns or types are not the table's, a part of a key is
    NULL, or a key stands twice at one instant.
    """
    if mode not in MODES:
        raise ConfigurationError.unknown_name("mode", mode, known=MODES, where="write_table")
    _refuse_other_columns(table, rows)
    held = rows.select(*table.table.column_names).persist()
    try:
        _refuse_bad_keys(table, held)

        def commit() -> None:
            if mode == "merge":
                warehouse.upsert(table.table, held, keys=table.key)
            else:
                warehouse.replace(table.table, held, where="true")

        until_committed(commit, what=f"writing {table.name}")
        return warehouse.version(table.name)
    finally:
        held.unpersist()


def _refuse_other_columns(table: UserTable, rows: DataFrame) -> None:
    refuse_ambiguous(rows)
    known = table.table.column_names
    missing = [name for name in known if name not in rows.columns]
    if missing:
        raise DataContractError.missing_columns(missing, found=rows.columns, where=f"the frame for '{table.name}'")
    more = [name for name in rows.columns if name not in known]
    if more:
        raise DataContractError(
            f"the frame for '{table.name}' has columns that the table has not: {', '.join(more)}.\n"
            f"  Leave them out, or make another table. The table has: {', '.join(known)}."
        )
    refuse_no_time(rows, table.timestamp_key, where=f"the frame for '{table.name}'")
    kinds = {one.name: one.dataType.simpleString() for one in rows.schema.fields}
    other = [column for column in table.table.columns if kinds[column.name] != column.type]
    if other:
        lines = [f"  '{one.name}' is {kinds[one.name]}; the table has {one.type}." for one in other]
        raise DataContractError("\n".join([f"the frame for '{table.name}' has columns of other types:", *lines]))


def _refuse_bad_keys(table: UserTable, rows: DataFrame) -> None:
    """One pass: keys with a NULL part, and keys that stand more than once."""
    key = [F.col(f"`{name}`") for name in table.key]
    is_null = _any_null(key)
    bad = rows.groupBy(*key).agg(F.count("*").alias("times")).where((F.col("times") > 1) | is_null)
    found = bad.limit(SHOWN).collect()
    if not found:
        return
    shown = [", ".join(f"{name}={row[name]}" for name in table.key) + f" ({row['times']} rows)" for row in found]
    raise DataContractError(
        f"the frame for '{table.name}' has rows with a NULL in their key, or several rows for one key and instant.\n"
        + "\n".join(f"  {one}" for one in shown)
        + "\n  Nothing was written. Keep one row a key and instant, and no NULL in either."
    )


def _any_null(columns: Sequence[SparkColumn]) -> SparkColumn:
    together = F.lit(False)
    for one in columns:
        together = together | one.isNull()
    return together
