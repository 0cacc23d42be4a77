"""How a warehouse stands: what its files come to, who wrote them, and what waits to be done."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from featurestore import ingest_runs
from featurestore.record_tables import add_records, put_records
from featurestore.table_files import live_files
from featurestore.tables import Transaction
from jobs.main import main
from jobs.publication_tables import PUBLICATIONS
from jobs.run import JOB_RUNS, Run
from models.publication.gate import STOPPED
from tests.events import INGESTED, add_batch, order_line
from tests.small_orders import SMALL_VIEW, build
from tests.spark.score_rows import BEFORE, write_scores

NEWEST = INGESTED.date()
LINES = [order_line(name, datetime(2024, 5, day, tzinfo=UTC)) for name in "abc" for day in (1, 20)]


@pytest.fixture
def status(warehouse, tmp_path, monkeypatch, capsys):
    """Runs the job over one small view: what it said, and what it wrote for programs."""
    features = SimpleNamespace(views=(SMALL_VIEW,), sources=("orders",))
    monkeypatch.setattr(Run, "features", lambda _: features)

    def told():
        file = tmp_path / "status.json"
        assert main(["status", "--json", str(file), "--warehouse", warehouse.root]) == 0, capsys.readouterr().err
        return capsys.readouterr().out, json.loads(file.read_text())

    return told


def commands(told):
    return [one["command"] for one in told["due"]]


def test_what_is_due_follows_the_line_and_ends_with_nothing(warehouse, status):
    add_batch(warehouse, LINES)
    said, told = status()
    assert f"complete through {NEWEST}, which has no snapshot of orders" in said
    assert commands(told) == [f"build_features --as-of {NEWEST}", f"score --as-of {NEWEST} --build"]
    build(warehouse, [NEWEST])
    write_scores(warehouse, NEWEST, BEFORE)
    assert "nothing is due" in status()[0]

    ingest_runs.reserve(warehouse, source="orders", batch_id="half of it", input_name="x 1.csv", ingested_at=INGESTED)
    said, told = status()
    assert "batch half of it of orders was cut off" in said and commands(told) == [
        "ingest --source SOURCE.yml --input 'x 1.csv'"
    ]
    add_batch(warehouse, [order_line("d", datetime(2024, 5, 2, tzinfo=UTC))], batch_seq=3)
    said, told = status()
    assert commands(told)[1:] == [f"build_features --dates {NEWEST}"] and "changed what 1 snapshots" in said


def test_a_stopped_publication_and_its_first_finding_are_told(warehouse, status):
    add_batch(warehouse, LINES)
    build(warehouse, [NEWEST])
    write_scores(warehouse, NEWEST, BEFORE)
    finding = {"level": "stop", "column": "churn_probability", "measure": "mean", "earlier": 0.2, "now": 0.6,
               "shift": 0.4, "bound": 0.1, "setting": "mean_probability"}  # fmt: skip
    row = (NEWEST, None, STOPPED, 3, False, [finding], "r", INGESTED)
    put_records(warehouse, PUBLICATIONS, [row], keys=("as_of_date",))
    said, told = status()
    assert commands(told) == [f"score --as-of {NEWEST} --publish-anyway"]
    assert "churn_probability, mean: was 0.2, is 0.6" in said


def test_files_rows_and_the_last_writer_of_each_table_are_told(warehouse, status):
    add_batch(warehouse, LINES)
    add_batch(warehouse, [order_line("d", datetime(2024, 5, 2, tzinfo=UTC))], batch_seq=2)
    for place, (job, ended) in enumerate([("ingest", "done"), ("score", "failed")]):
        versions = {"events_orders": 1, **({"ingest_runs": 2} if place == 0 else {})}
        row = ("r", place, job, "{}", "f", {}, versions, "{}", 1.0, ended, None, INGESTED + timedelta(hours=place))
        add_records(warehouse, JOB_RUNS, [row], transaction=Transaction(f"job_runs:{place}"))
    found = live_files(warehouse, "events_orders")
    assert (found.rows, found.files, found.small) == (7, 2, 2) and 0 < found.bytes < 100_000
    assert found.version == warehouse.version("events_orders")
    assert abs(found.committed_at - datetime.now(UTC)) < timedelta(minutes=5)
    said, told = status()
    events = told["tables"]["events_orders"]
    assert (events["rows"], events["small"], events["written_by"]["job"]) == (7, 2, "score")
    assert told["tables"]["ingest_runs"]["written_by"]["status"] == "done"
    assert "score (failed)" in said and set(told["tables"]) == {"events_orders", "ingest_runs", "job_runs"}


def test_a_warehouse_without_tables_names_the_first_command(tmp_path, capsys):
    assert main(["status", "--warehouse", str(tmp_path)]) == 3
    assert "spark-submit.sh demo" in capsys.readouterr().err
