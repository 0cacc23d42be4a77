"""What two warehouses hold, compared digit for digit but for lineage; reads the tables without a JVM."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deltalake import DeltaTable

from featurestore.alias_table import CUSTOMER_ALIASES
from featurestore.event_tables import events_table, quarantine_table
from featurestore.file_records import INGEST_FILES
from featurestore.ingest_runs import INGEST_RUNS
from featurestore.schemas import SOURCES
from featurestore.snapshot_records import SNAPSHOTS
from featurestore.suppression import SUPPRESSED_CUSTOMERS
from featurestore.training_set_records import TRAINING_SETS
from jobs.promotion_tables import PROMOTIONS
from jobs.publication_tables import PUBLICATIONS
from jobs.run import JOB_RUNS
from jobs.score_tables import LATEST, SCORES
from jobs.score_views import VIEWS
from jobs.segment_tables import CUSTOMER_SEGMENTS, FLOWS, PROFILES

WITH_LINEAGE = [INGEST_FILES, INGEST_RUNS, SNAPSHOTS, TRAINING_SETS, SCORES, LATEST, PUBLICATIONS, *VIEWS, JOB_RUNS,
                PROMOTIONS, CUSTOMER_ALIASES, CUSTOMER_SEGMENTS, PROFILES, FLOWS, SUPPRESSED_CUSTOMERS,
                *map(events_table, SOURCES.values()), *map(quarantine_table, SOURCES.values())]  # fmt: skip
LINEAGE = {table.name: {column.name for column in table.columns if column.lineage} for table in WITH_LINEAGE}
# A hash of all settings, of which the warehouse is one.
OF_ITS_OWN = {JOB_RUNS.name: {"settings_fingerprint"}}
IDS_OF_ERASURES = {"erasure_id", "erasures", "erased_since", "kept_since"}
"""Drawn anew for each."""
MODELS = """
    select v.name, v.version, (select group_concat(alias) from (select alias from registered_model_aliases a
           where a.name = v.name and a.version = v.version order by alias)), m.key, m.value
    from model_versions v left join latest_metrics m on m.run_uuid = v.run_id
"""

NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})
Row = tuple[Any, ...]


def tables(warehouse: Path) -> set[str]:
    """Names of the Delta tables in a warehouse."""
    return {log.parent.name for log in warehouse.glob("*/_delta_log")}


def rows(warehouse: Path, table: str, *, leave_out: Collection[str] = ()) -> Counter[Row]:
    """The rows of a table without lineage, as often as each is there; maps by their sorted entries."""
    held = DeltaTable(warehouse / table)
    unseen = {*LINEAGE.get(table, ()), *OF_ITS_OWN.get(table, ()), *IDS_OF_ERASURES, *leave_out}
    columns = [field.name for field in held.schema().fields if field.name not in unseen]
    return Counter(tuple(map(_plain, row.values())) for row in held.to_pyarrow_table(columns=columns).to_pylist())


def _plain(value: Any) -> str:
    # repr tells 1 from 1.0 and every double from its neighbours, and takes a NaN for itself.
    if isinstance(value, list):
        return repr(sorted(map(repr, value)) if value and isinstance(value[0], tuple) else value)
    return repr(value)


def differences(
    found: Path, clean: Path, *, leave_out: Mapping[str, Collection[str]] = NOTHING, apart_from: Collection[str] = ()
) -> list[str]:
    """A line a table whose rows differ, or that only one of two warehouses has; empty where they are the same.

    `leave_out`: columns by table that may differ; `apart_from`: tables that may.
    """
    lines = [f"{name}: only in one of the two" for name in sorted(tables(found) ^ tables(clean))]
    for name in sorted((tables(found) & tables(clean)) - set(apart_from)):
        loose = leave_out.get(name, ())
        mine, theirs = rows(found, name, leave_out=loose), rows(clean, name, leave_out=loose)
        if mine != theirs:
            more, less = mine - theirs, theirs - mine
            lines.append(f"{name}: {more.total()} rows too many, {less.total()} missing, "
                         f"such as {next(iter(more), None)} for {next(iter(less), None)}")  # fmt: skip
    return lines


def models(warehouse: Path) -> Counter[Row]:
    """What the registry below a warehouse holds: versions, their aliases and every figure of their runs."""
    store = warehouse / "mlflow.db"
    if not store.is_file():
        return Counter()
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return Counter(tuple(map(repr, row)) for row in connection.execute(MODELS))


def lines(folder: Path, pattern: str) -> Counter[str]:
    """The lines of the text files of that pattern, whichever file they are in."""
    return Counter(line for file in folder.glob(pattern) for line in file.read_text(encoding="utf-8").splitlines())


def entries(warehouse: Path) -> set[str]:
    """What lies in the folder."""
    return {entry.name for entry in warehouse.iterdir()}
