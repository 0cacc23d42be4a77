"""Small files become one and old ones go, but nothing that a version in use rests on; a doctor finds what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from featurestore.labels import PURCHASE_30D
from featurestore.training_set import Request, build_training_set
from featurestore.training_set_records import newest
from featurestore.upkeep import keep_up
from featurestore.views import FeatureSet
from featurestore.warehouse_format import CURRENT, FORMAT_FILE, write_format
from jobs.main import main
from jobs.run import Run
from models.splits import plan_splits
from models.training_rows import split_column
from tests.events import INGESTED, add_batch, order_line
from tests.small_orders import LIMITS, SMALL_VIEW, build, random_lines

PLAN = plan_splits(date(2024, 6, 1), horizon_days=30, source_start=date(2023, 1, 1), step_days=84)


@pytest.fixture
def trained(warehouse):
    """Events in two batches, of which a training set has seen the first alone."""
    lines = list(random_lines(30, seed=3))
    add_batch(warehouse, lines[::2])
    build(warehouse, PLAN.as_ofs)
    request = Request(PURCHASE_30D, FeatureSet("few", (SMALL_VIEW,)), PLAN.dates, split_column(PLAN), 42)
    build_training_set(warehouse, request, limits=LIMITS, run_id="r", built_at=INGESTED)
    add_batch(warehouse, lines[1::2], batch_seq=2)
    build(warehouse, PLAN.as_ofs)
    return warehouse


def test_what_a_training_set_was_built_from_can_still_be_read(trained):
    tables = ["events_orders", "features_orders", "training_set_purchase_30d", "ingest_runs"]
    contents = {name: sorted(map(str, trained.read(name).collect())) for name in tables}
    record = newest(trained, PURCHASE_30D.name)
    then = {name: trained.read(name, version=version).count() for name, version in record.input_versions.items()}
    told = keep_up(trained, tables, keep_hours=0, dry_run=True)
    assert all(one.files == one.files_after for one in told)
    done = {one.table: one for one in keep_up(trained, tables, keep_hours=0)}
    assert done["features_orders"].removed > 0  # snapshots that were repaired
    assert done["ingest_runs"].files_after == 1
    assert done["events_orders"].versions == (record.input_versions["events_orders"],)
    assert done["events_orders"].files_after < done["events_orders"].files
    assert {name: sorted(map(str, trained.read(name).collect())) for name in tables} == contents
    assert {name: trained.read(name, version=v).count() for name, v in record.input_versions.items()} == then
    assert newest(trained, PURCHASE_30D.name).is_current(trained)
    again = keep_up(trained, tables, keep_hours=0)
    assert [one.removed for one in again if one.table != "events_orders"] == [0, 0, 0]
    assert [one.files for one in again] == [one.files_after for one in again]


def test_versions_of_the_last_days_stay_with_files_that_nobody_has_committed_yet(trained):
    stray = Path(trained.path("features_orders")) / "as_of_date=2024-06-01" / "part-of-a-running-job.parquet"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"half")
    (kept,) = keep_up(trained, ["features_orders"], keep_hours=168)
    assert kept.removed == 0 and stray.exists()


@pytest.fixture
def doctor(trained, tmp_path, monkeypatch, capsys):
    """Runs the job over one small view: status, what is wrong by check, and what it said."""
    monkeypatch.setattr(Run, "views", {"orders": SMALL_VIEW})

    def told(*words):
        file = tmp_path / "health.json"
        status = main(["doctor", "--json", str(file), "--warehouse", trained.root, *words])
        checks = json.loads(file.read_text())
        return status, {one["name"]: one["wrong"] for one in checks if not one["ok"]}, capsys.readouterr()

    return told


def test_a_sound_warehouse_is_told_so_and_a_broken_one_what_to_do(doctor, trained):
    write_format(trained.root)
    status, wrong, said = doctor()
    assert (status, wrong) == (0, {}) and "conservation of orders" in said.out
    first = trained.read("events_orders").orderBy("event_id").first()
    trained.delete("events_orders", f"event_id = '{first['event_id']}'")
    trained.delete("features_orders", f"as_of_date = DATE'{PLAN.as_ofs[0]}'")
    again = trained.read("events_orders").where(F.col("batch_seq") == 2).limit(1)
    again.write.format("delta").mode("append").save(trained.path("events_orders"))
    add_batch(trained, [order_line("z", datetime(2024, 5, 1, tzinfo=UTC))], batch_seq=3)
    (trained.spark.read.format("delta").load(trained.path("ingest_runs"))
     .withColumn("rows_read", F.when(F.col("batch_seq") == 3, 9).otherwise(F.col("rows_read")))
     .write.format("delta").mode("overwrite").save(trained.path("ingest_runs")))  # fmt: skip
    status, wrong, said = doctor()
    assert status == 3
    assert set(wrong) == {"conservation of orders", "batches of events_orders", "keys of events_orders",
                          "snapshots of orders"}  # fmt: skip
    assert "9 rows read, 1 accounted for" in said.out and "do: build_features --view orders --dates" in said.out
    assert "4 of " in said.err


def test_an_older_format_is_named_migrated_and_a_newer_one_refused(doctor, trained, capsys):
    assert doctor()[1]["format"] == "it is an older one"
    status, wrong, said = doctor("--migrate")
    assert (status, wrong) == (0, {}) and "migrated to format 2" in said.out
    assert json.loads((Path(trained.root) / FORMAT_FILE).read_text()) == {"format": CURRENT}
    write_format(trained.root, CURRENT + 1)
    for words in (["status"], ["sql", "select 1"], ["erase", "--customer", "a"], ["doctor"]):
        assert main([*words, "--warehouse", trained.root]) == 4
        assert f"is of format {CURRENT + 1}" in capsys.readouterr().err
    (Path(trained.root) / FORMAT_FILE).write_text("{}")
    assert main(["status", "--warehouse", trained.root]) == 4
