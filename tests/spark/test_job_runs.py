"""What `job_runs` keeps of a step: which versions it read and wrote, also where an older version made the table."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from featurestore.schemas import Column
from featurestore.tables import Table, Transaction
from jobs.main import record_failure
from jobs.run import JOB_RUNS, Run
from jobs.settings import load_settings

KEYS = Table("keys", (Column("k", "int", "Key"),), "Keys")


@pytest.fixture
def run(spark, tmp_path):
    """A run on an empty warehouse, in the session of the tests."""
    settings = load_settings(assignments=[f"warehouse={tmp_path / 'lakehouse'}"])
    run = Run(argparse.Namespace(job="demo", verbose=False), settings)
    run.spark = spark
    return run


def put(warehouse, table, *keys):
    rows = warehouse.spark.createDataFrame([(key,) for key in keys], "k int")
    warehouse.append(table, rows, transaction=Transaction(f"{table.name}:{keys}"))


def test_each_step_says_which_versions_it_read_and_wrote(run):
    older = replace(JOB_RUNS, columns=tuple(c for c in JOB_RUNS.columns if not c.name.endswith("_versions")))
    run.warehouse.create(older)
    with run.step("ingest"):
        put(run.warehouse, KEYS, 1)
    run.warehouse.read("keys")  # between two steps: chooses what the next one does
    put(run.warehouse, replace(KEYS, name="others"), 1)
    with run.step("build_features"):
        run.warehouse.records("others", ["k"])  # its own: no input
        put(run.warehouse, KEYS, 2)
        run.warehouse.read("keys")
    with pytest.raises(ValueError, match="no"), run.step("train"):
        run.warehouse.read("keys", version=1)
        raise ValueError("no")
    run.record()
    found = run.warehouse.read("job_runs").orderBy("attempt").collect()
    assert [(row["job"], row["status"]) for row in found] == [
        ("ingest", "done"), ("build_features", "done"), ("train", "failed"),
    ]  # fmt: skip
    assert [(row["input_versions"], row["output_versions"]) for row in found] == [
        ({}, {"keys": 1}),  # version 0 made the table
        ({"keys": 1}, {"keys": 2, "others": 1}),
        ({"keys": 1}, {}),
    ]
    assert len({row["settings_fingerprint"] for row in found}) == 1


def test_a_run_that_failed_before_its_first_step_is_there_too(run):
    put(run.warehouse, KEYS, 1)
    run.record(ValueError("no such date\nmore"))
    (row,) = run.warehouse.records("job_runs", ["job", "status", "error"])
    assert row == {"job": "demo", "status": "failed", "error": "no such date"}


def test_what_hinders_the_record_does_not_hide_why_a_run_failed(run, monkeypatch, caplog):
    monkeypatch.setattr("jobs.run.add_records", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    record_failure(run, ValueError("the reason"))
    assert "job_runs could not be written: disk full" in caplog.text
