"""Random customers erased from a copy of a warehouse: what is left of them, and what has changed of the others."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.erasure_key import ErasureKey
from featurestore.erasure_plan import frame_of
from featurestore.fold import CUSTOMER
from featurestore.id_scan import files_below, scan
from featurestore.kept_cut_points import KEPT
from featurestore.schemas import ORDERS
from featurestore.tables import Warehouse
from jobs import erase
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.erasure_keys import VARIABLE
from jobs.erasure_receipt import FOLDER, covers, verified
from jobs.run import Run
from jobs.sql import local_tables
from jobs.workplace import check_readable

SIZES = {"asked": 100}
NOT_COPIED = ("bench", ".tessera-lock")


def run(run: Run) -> list[Figure]:
    """Erase `asked` random customers from a copy; search it, and compare the rows of all others with the original."""
    check_readable(run.settings.warehouse)
    here = run.warehouse
    ids = drawn(here, run.arguments.asked, seed=run.settings.seed)
    place = Path(here.root) / "bench"
    place.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="run-", dir=place) as folder:
        shutil.copytree(here.root, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        copy = Warehouse(run.spark, folder)
        before = scan(run.spark, folder, files_below(folder), ids)
        key = ErasureKey(secrets.token_hex(32).encode())
        taken = seconds_of(lambda: _erase(run, folder, ids, key))
        after = scan(run.spark, folder, files_below(folder), ids)
        (receipt,) = (Path(folder) / FOLDER).glob("erasure-*.json")
        told = verified(str(receipt), key)
        elsewhere = told["search"]["same_text_elsewhere"]
        compared, changed = differences(here, copy, ids)
        return [
            Figure("customers_erased", len(ids), "customers"),
            Figure("places_that_named_them", len(before.found), "places"),
            Figure("files_searched", after.files, "files"),
            Figure("bytes_searched", after.bytes, "bytes"),
            Figure("texts_searched", after.values, "values"),
            Figure("places_that_name_them", len(after.found) - len(elsewhere), "places"),
            Figure("same_text_elsewhere", len(elsewhere), "places"),
            Figure("rows_of_others_compared", compared, "rows"),
            Figure("rows_of_others_changed", changed, "rows"),
            Figure("receipt_covers", sum(covers(told, one) for one in ids), "customers"),
            Figure("training_sets_marked", len(told["training_sets_that_cannot_be_replayed"]), "training sets"),
            Figure("models_listed", len(told["models_that_may_have_learned_from_them"]), "versions"),
            Figure("erase_seconds", taken, "s"),
        ]


def drawn(warehouse: Warehouse, asked: int, *, seed: int) -> list[str]:
    """Random customers with orders, by a hash."""
    known = warehouse.read(ORDERS.events_table).select(CUSTOMER).distinct()
    return [row[CUSTOMER] for row in known.orderBy(F.xxhash64(F.lit(seed), CUSTOMER), CUSTOMER).limit(asked).collect()]


def _erase(run: Run, folder: str, ids: Sequence[str], key: ErasureKey) -> None:
    """What `erase` does, on the copy."""
    arguments = argparse.Namespace(job="erase", customer=list(ids), file=None, dry_run=False, verify=None)
    its = Run(arguments, run.settings.model_copy(update={"warehouse": folder}))
    its.spark = run.spark
    os.environ[VARIABLE] = key.secret.decode()
    try:
        erase.run(its)
    finally:
        del os.environ[VARIABLE]


def differences(one: Warehouse, other: Warehouse, ids: Sequence[str]) -> tuple[int, int]:
    """Rows of all but `ids` in tables that name customers, and cut points: how many, and how many differ."""
    gone, compared, changed = frame_of(one, ids), 0, 0
    for table in local_tables(one):
        if CUSTOMER in one.read(table).columns or table.startswith("population_"):
            mine, theirs = (_rows(w, table, gone) for w in (one, other))
            compared += mine.count()
            changed += mine.exceptAll(theirs).count() + theirs.exceptAll(mine).count()
    return compared, changed


def _rows(warehouse: Warehouse, table: str, gone: DataFrame) -> DataFrame:
    """Rows as texts, which exact comparison takes of maps, too."""
    rows = warehouse.read(table).drop(KEPT)
    if CUSTOMER in rows.columns:
        rows = rows.join(gone, CUSTOMER, "left_anti")
    return rows.select(F.to_json(F.struct(*[F.col(f"`{name}`") for name in sorted(rows.columns)])).alias("row"))
