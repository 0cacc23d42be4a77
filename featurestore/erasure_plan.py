"""What an erasure will take away, decided once and kept in a file until it is done, so that a later try ends it.

The file holds the ids as they are: while an erasure is under way the tables do, too. It is the first thing written and
the last removed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths
from featurestore.errors import ConfigurationError
from featurestore.fold import CUSTOMER
from featurestore.ingest_runs import reports
from featurestore.named_records import records_naming
from featurestore.persons import ALIAS, all_ids_of
from featurestore.schemas import ALIASES, ORIGINS, SOURCES
from featurestore.tables import Warehouse
from featurestore.watermarks import earliest

PLAN_FILE = ".tessera-erasing.json"
MOST_IDS = 10_000
"""Of one command: the driver holds them, and every file is searched for them."""
NAMING = (CUSTOMER, ALIAS)
QUARANTINE = {origin.quarantine_table for origin in ORIGINS.values()}


@dataclass(frozen=True)
class ErasurePlan:
    """An erasure: the `ids` to go, all those of the persons `asked` for, and what there was of them.

    `rows`: by table, those that go. `versions`: by table, the version that had them. `accepted`, `quarantined`: by
    batch, its events and set-aside rows that erasures will have taken out, earlier ones included. `dates`: by feature
    table, the snapshots that customers leave. `first_day`: of their first event, ISO; "" without any.
    """

    erasure_id: str
    started_at: datetime
    asked: int
    ids: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    accepted: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    dates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first_day: str = ""

    def frame(self, warehouse: Warehouse) -> DataFrame:
        """The ids as a frame of one column, customer_id."""
        return frame_of(warehouse, self.ids)


def frame_of(warehouse: Warehouse, ids: Iterable[str]) -> DataFrame:
    """Ids as a frame of one column, customer_id."""
    return warehouse.spark.createDataFrame([(one,) for one in sorted(set(ids))], f"{CUSTOMER} string")


def unfinished_plan(warehouse: Warehouse) -> ErasurePlan | None:
    """The erasure that began in this warehouse and did not end."""
    file = Path(warehouse.root) / PLAN_FILE
    if not file.is_file():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    return ErasurePlan(**{**told, "started_at": datetime.fromisoformat(told["started_at"])})


def keep_plan(warehouse: Warehouse, plan: ErasurePlan) -> None:
    """Write the plan down, whole or not at all, for nobody else to read."""
    file = Path(warehouse.root) / PLAN_FILE
    unfinished = file.with_name(f"{PLAN_FILE}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(asdict(plan), out, default=str)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)


def forget_plan(warehouse: Warehouse) -> None:
    """The erasure is done."""
    for name in (PLAN_FILE, f"{PLAN_FILE}.unfinished"):
        (Path(warehouse.root) / name).unlink(missing_ok=True)


def make_plan(
    warehouse: Warehouse, asked: Sequence[str], *, tables: Sequence[str], columns: Mapping[str, Sequence[str]],
    erasure_id: str, started_at: datetime,
) -> ErasurePlan:  # fmt: skip
    """What is in `tables` of the persons whom `asked` names; nothing is written.

    `columns` are those that name customers in tables of your own, beside customer_id and alias_id. Raises
    ConfigurationError for more ids than one command takes, and for a column that is not there.
    """
    if len(set(asked)) > MOST_IDS:
        raise ConfigurationError(f"{len(set(asked)):,} ids at once; at most {MOST_IDS:,}. Erase them in several goes.")
    found = all_ids_of(frame_of(warehouse, asked), alias_paths(warehouse)).collect()  # the request, and its aliases
    naming = {table: naming_columns(warehouse, table, columns.get(table, ())) for table in tables}
    plan = ErasurePlan(erasure_id, started_at, len(set(asked)), tuple(sorted(row[CUSTOMER] for row in found)),
                       {table: names for table, names in naming.items() if names})  # fmt: skip
    ids = plan.frame(warehouse).persist()
    try:
        each = {table: rows_of(warehouse, table, plan.columns.get(table, ()), ids) for table in tables}
        rows = {table: found for table, found in each.items() if found is not None}
        counts = {table: found.count() for table, found in rows.items()}
        having = {table: rows[table] for table, count in counts.items() if count}
        return replace(
            plan,
            rows={table: count for table, count in counts.items() if count},
            versions={table: warehouse.version(table) for table in having},
            accepted=_by_batch(warehouse, having, "events_table", "accepted_erased"),
            quarantined=_by_batch(warehouse, having, "quarantine_table", "quarantined_erased"),
            dates={table: _dates(found) for table, found in having.items() if table.startswith("features_")},
            first_day=_first_day(having),
        )
    finally:
        ids.unpersist()


def naming_columns(warehouse: Warehouse, table: str, more: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table that name customers; ConfigurationError where one of `more` is not there."""
    names = warehouse.read(table).columns
    for name in more:
        if name not in names:
            raise ConfigurationError.unknown_name("column", name, known=names, where=f"erasure.columns, table {table}")
    return tuple(name for name in names if name in NAMING or name in more)


def rows_of(warehouse: Warehouse, table: str, columns: Sequence[str], ids: DataFrame) -> DataFrame | None:
    """The rows of `table` that name one of `ids` (customer_id), each once; None where it names nobody."""
    rows = warehouse.read(table)
    if table in QUARANTINE:
        return rows.join(records_naming(rows, ids, key="row_id"), "row_id", "left_semi")
    if not columns:
        return None
    texts = [F.col(f"`{name}`").cast("string") for name in columns]
    # One side is a request: it is sent to where the rows are.
    who = F.broadcast(ids.select(F.col(CUSTOMER).alias("_who")))
    on = texts[0] == F.col("_who")
    for text in texts[1:]:
        on = on | (text == F.col("_who"))
    return rows.join(who, on, "left_semi")


def _by_batch(warehouse: Warehouse, rows: Mapping[str, DataFrame], kind: str, before: str) -> dict[str, int]:
    """By batch, its rows that go, and those that went before."""
    found: dict[str, int] = {}
    for name, origin in ORIGINS.items():
        own = rows.get(getattr(origin, kind))
        if own is None or (name == ALIASES.name and kind == "events_table"):  # ways over several batches
            continue
        gone = {row["batch_id"]: row["count"] for row in own.groupBy("batch_id").count().collect()}  # a row a batch
        known = {one.batch_id: getattr(one, before) for one in reports(warehouse, name)}
        found |= {batch: count + known.get(batch, 0) for batch, count in gone.items()}
    return found


def _dates(rows: DataFrame) -> tuple[str, ...]:
    found = rows.select(F.col("as_of_date").cast("string").alias("day")).distinct().collect()  # a row a snapshot
    return tuple(sorted(row["day"] for row in found))


def _first_day(rows: Mapping[str, DataFrame]) -> str:
    tables = [rows[one.events_table] for one in SOURCES.values() if one.events_table in rows]
    firsts = [first for first in map(earliest, tables) if first is not None]
    return str(min(firsts).date()) if firsts else ""
