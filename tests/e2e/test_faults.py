"""Broken files, full disks, clocks that step back, kills: a status, a line that says where, the same tables after."""

from __future__ import annotations

import random
import resource
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import jobs.run
from jobs.faults.contents import differences
from jobs.main import main
from tests.e2e.commands import SMALL, in_step, kill_at, run
from tests.events import add_batch
from tests.small_orders import random_lines

SEED = 11
BUILD = ["build_features", "--view", "orders", "--dates"]
DAMAGES = {  # what is cut in half, and what is said of it
    "events_orders/event_month=2023-*/*.parquet": "events_orders/event_month=2023-",
    "events_orders/_delta_log/*1.json": "the log of",
    "ingest_runs/_delta_log/*1.json": "ingest_runs cannot be read",
    "ingest_runs/*.parquet": "cannot be read",
    "features_orders/_delta_log/*1.json": "features_orders cannot be read",
}


def command(folder: Path, day: str = "2024-06-01") -> list[str]:
    return [*BUILD, day, "--conf", "local", "--warehouse", str(folder)]


@pytest.fixture
def folders(warehouse, tmp_path):
    """A warehouse with one snapshot, a copy of it, and a copy where one more was built without a fault."""
    add_batch(warehouse, list(random_lines(40, SEED)))
    root = Path(warehouse.root)
    assert main(command(root, "2024-05-01")) == 0
    before, clean = tmp_path / "before", tmp_path / "clean"
    for copy in (before, clean):
        shutil.copytree(root, copy)
    assert main(command(clean)) == 0
    return root, before, clean


def test_faults_end_with_4_write_nothing_and_leave_no_trace(spark, folders, capsys):
    root, before, clean = folders
    for pattern, said in DAMAGES.items():
        whole = {file: file.read_bytes() for file in root.glob(pattern)}
        assert whole, pattern
        for file, content in whole.items():
            file.write_bytes(content[: len(content) // 2])
        refused(root, said, capsys)
        for file, content in whole.items():
            file.write_bytes(content)
        assert differences(root, before, apart_from={"job_runs"}) == [], pattern
    for process in (spark.sparkContext._gateway.proc.pid, 0):
        soft, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (600, hard))
        try:
            refused(root, "File too large", capsys)
        finally:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))
    assert main(command(root)) == 0
    assert differences(root, clean, apart_from={"job_runs"}) == []


def refused(root: Path, said: str, capsys) -> None:
    """Status 4, a paragraph that says what and where, no stack trace."""
    status, shown = main(command(root)), capsys.readouterr().err
    assert (status, said in shown, "Traceback" in shown, "\tat " in shown) == (4, True, False, False), shown


def test_a_clock_that_steps_back_changes_nothing(folders, monkeypatch):
    root, _, clean = folders
    asked = iter(range(1, 1000))

    class SteppingBack(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) - timedelta(days=next(asked))

    monkeypatch.setattr(jobs.run, "datetime", SteppingBack)
    assert main(command(root)) == 0
    assert next(asked) > 2
    assert differences(root, clean, apart_from={"job_runs"}) == []


def test_a_build_killed_at_a_random_moment_and_run_again_is_the_clean_one(folders, tmp_path):
    root, _, clean = folders
    words = [*BUILD, "2024-06-01", *SMALL, "--warehouse", str(root)]
    moment = in_step("build_features", 1, seconds=random.Random(SEED).random() * 4)
    kill_at(moment, words, warehouse=root, scratch=tmp_path / "scratch")
    run(words, scratch=tmp_path / "scratch")
    assert differences(root, clean, apart_from={"job_runs"}) == []


@pytest.mark.deep
@pytest.mark.timeout(7200)
def test_a_campaign_finds_nothing_and_goes_on_where_it_was(spark, tmp_path, capsys):
    words = ["bench", "faults", "--warehouse", str(tmp_path), "--trials"]
    for trials in ("2", "8"):
        assert main([*words, trials]) == 0
    shown = capsys.readouterr()
    assert "FIGURE trials_with_other_digits 0 trials" in shown.out
    assert "FIGURE trials_with_a_bad_end 0 trials" in shown.out
    assert shown.err.count("clean run of simulate") == 1 and shown.err.count("/8 ") == 6
