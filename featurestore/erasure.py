"""Taking customers out of all tables, for good: what is written, in which order, so that any try can be ended later.

Nothing changes of anyone else: rows are deleted, cut points stay recorded and are kept for later builds, and what
rests on the former rows says that it does. Each write is safe to repeat; the plan says what the first try found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from pyspark.sql import functions as F

from featurestore.erasure_key import ErasureKey
from featurestore.erasure_plan import QUARANTINE, ErasurePlan
from featurestore.erasure_records import STARTED, mark_training_sets, write_erasure
from featurestore.fold import CUSTOMER
from featurestore.ingest_runs import mark, reports
from featurestore.kept_cut_points import keep_cut_points
from featurestore.named_records import records_naming
from featurestore.record_tables import put_records
from featurestore.schemas import ALIASES, ORIGINS
from featurestore.snapshot_records import SNAPSHOTS
from featurestore.suppression import suppress
from featurestore.table_history import Cut, cut_history
from featurestore.tables import Warehouse

FEATURES = "features_"


def announce(warehouse: Warehouse, plan: ErasurePlan, key: ErasureKey, *, run_id: str) -> None:
    """What must be known before a row goes: who is kept out, which records rest on them, which cut points stay."""
    suppress(warehouse, plan.ids, key, erasure_id=plan.erasure_id, at=plan.started_at)
    say_swept(warehouse, plan, plan.rows, run_id=run_id)
    for origin in ORIGINS:
        for report in reports(warehouse, origin):
            own = report.batch_id
            told = replace(report, accepted_erased=plan.accepted.get(own, report.accepted_erased),
                           quarantined_erased=plan.quarantined.get(own, report.quarantined_erased))  # fmt: skip
            if told != report:
                mark(warehouse, told)
    for table, days in plan.dates.items():
        view = table.removeprefix(FEATURES)
        if warehouse.exists(f"population_{view}"):
            keep_cut_points(warehouse, view, set(map(date.fromisoformat, days)), plan.erasure_id)


def say_swept(warehouse: Warehouse, plan: ErasurePlan, tables: Iterable[str], *, run_id: str) -> list[tuple[str, int]]:
    """Record that `tables` lose rows and former versions; the training sets, by name and version, that rest on them."""
    swept = sorted({*plan.rows, *tables})
    write_erasure(warehouse, plan.erasure_id, ids=len(plan.ids), tables=swept, status=STARTED, receipt=None,
                  started_at=plan.started_at, run_id=run_id)  # fmt: skip
    return mark_training_sets(warehouse, swept, plan.erasure_id)


def delete_rows(warehouse: Warehouse, plan: ErasurePlan) -> None:
    """Take the rows out of all tables, the aliases last: they say which ids are one person."""
    ids = plan.frame(warehouse).persist()
    try:
        for table in sorted(plan.rows, key=lambda name: (name == ALIASES.events_table, name)):
            if table in QUARANTINE:
                gone = records_naming(warehouse.read(table), ids, key="row_id")
                warehouse.delete_keys(table, gone, key="row_id")
                continue
            types = dict(warehouse.read(table).dtypes)
            for name in plan.columns[table]:
                keys = ids.select(F.expr(f"try_cast({CUSTOMER} AS {types[name]})").alias(name)).dropna()
                warehouse.delete_keys(table, keys, key=name)
    finally:
        ids.unpersist()
    _count_again(warehouse, plan)


def _count_again(warehouse: Warehouse, plan: ErasurePlan) -> None:
    """The listing of snapshots tells how many customers are left."""
    names = SNAPSHOTS.column_names
    rows = [
        {**row, "rows": warehouse.rows_by_date(f"{FEATURES}{row['view']}").get(row["as_of_date"], 0)}
        for row in warehouse.records(SNAPSHOTS.name, names)
        if str(row["as_of_date"]) in plan.dates.get(f"{FEATURES}{row['view']}", ())
    ]
    if rows:
        put_records(warehouse, SNAPSHOTS, [[row[name] for name in names] for row in rows], keys=("view", "as_of_date"))


def sweep(warehouse: Warehouse, tables: Iterable[str]) -> dict[str, Cut]:
    """Leave of each table its newest version alone; what went, by table."""
    return {table: cut_history(warehouse, table) for table in sorted(set(tables))}
