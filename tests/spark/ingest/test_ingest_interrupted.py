"""Killed between any two writes and run again, an ingest ends where one clean run ends."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from featurestore.ingest import ingest
from featurestore.ingest_runs import complete_through
from featurestore.tables import Warehouse
from tests.interrupted import killed_at
from tests.spark.ingest.conftest import NATURAL, NOW, counts, line, shop

LINES = [line(order="1"), line(order="2"), line(order="2"), line(customer="")]
TABLES = {"events_orders": "event_id", "quarantine_orders": "row_id", "ingest_runs": "batch_id"}


def contents(warehouse):
    """All rows of all tables but the versions, which tell of retries."""
    return {
        table: [row.asDict() for row in warehouse.read(table).drop("events_version").orderBy(key).collect()]
        for table, key in TABLES.items()
    }


@pytest.fixture(scope="module")
def clean(spark, tmp_path_factory):
    """What one clean run leaves."""
    folder = tmp_path_factory.mktemp("clean")
    path = folder / "orders.csv"
    path.write_text("\n".join(["customer,order,line,sku,pieces,price,at", *LINES]) + "\n", encoding="utf-8")
    warehouse = Warehouse(spark, str(folder / "lakehouse"))
    report = ingest(warehouse, shop(), str(path), ingested_at=NOW)
    return report, contents(warehouse)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(4))
def test_a_retry_ends_where_a_clean_run_ends(clean, feed, write, warehouse, monkeypatch, number, after):
    path = write(*LINES)
    with killed_at(monkeypatch, number, after=after):
        feed(path)

    again = feed(path, ingested_at=NOW if number == 0 and not after else NOW + timedelta(days=1))

    report, tables = clean
    assert contents(warehouse) == tables
    finished = number == 3 and after
    assert counts(again) == ((4, 0, 0, 4) if finished else counts(report))


def test_tables_whose_first_commit_was_cut_off_are_made_all_the_same(clean, feed, write, warehouse):
    for table in TABLES:
        log = Path(warehouse.path(table)) / "_delta_log"
        log.mkdir(parents=True)
        (log / ".00000000000000000000.json.0.tmp").write_text('{"commitInfo":{"time')

    assert counts(feed(write(*LINES))) == counts(clean[0])
    assert contents(warehouse) == clean[1]


def test_a_batch_that_came_between_keeps_its_rows(feed, write, warehouse, rows, monkeypatch):
    path = write(*LINES)
    with killed_at(monkeypatch, 1, after=True):
        feed(path)
    assert complete_through(warehouse, "orders") is None
    between = feed(write(line(order="2"), line(order="9"), name="between.csv"))
    again = feed(path)

    assert (between.batch_seq, again.batch_seq) == (2, 1)
    assert counts(between) == (2, 2, 0, 0)
    assert counts(again) == (4, 1, 1, 2)
    assert rows("events_orders", "order_id") == [("1",), ("2",), ("9",)]


def test_a_retry_of_a_reused_id_reports_what_the_first_try_would(feed, write, warehouse, monkeypatch):
    path = write(line(order="1"), line(order="1", pieces="7"), line(order="2"))
    with killed_at(monkeypatch, 3, after=False):
        feed(path, shop(**NATURAL))

    assert counts(feed(path, shop(**NATURAL))) == (3, 2, 1, 0)
