"""Killed at any moment and run again, a command ends where one clean run ends: real processes, real SIGKILL."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from jobs.faults.commands import POLL_SECONDS
from jobs.faults.contents import differences
from jobs.main import main
from jobs.score_tables import LATEST, SCORES
from tests.conftest import ROOT
from tests.e2e.commands import (
    SMALL,
    SMALL_DEMO,
    STEPS,
    Moment,
    after_commit,
    in_step,
    kill_at,
    once_there,
    run,
    say,
)
from tests.e2e.contents import assert_same

SEED = 6
HEADER = "order_no,line_no,sku,quantity,unit_price,ordered_at,customer,exported_on"
LINES = [f"{order},1,P001,2,1.50,2023-0{1 + order % 3}-04 10:00:00,K{order % 7},2023-04-01" for order in range(100)]
MAKE_A_STORE = "import sys; from models.tracking import open_store; open_store(sys.argv[1])"
HALF_A_STORE = 200_000
"""Bytes of a store whose tables are partly there."""


def registered(count: int) -> Moment:
    """The instant that MLflow holds so many model versions: before the newest becomes champion."""

    def arm(command, warehouse):
        def reached():
            store = warehouse / "mlflow.db"
            if not store.is_file():
                return False
            with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
                return connection.execute("select count(*) from model_versions").fetchone()[0] >= count

        return reached

    return Moment(f"model version {count} registered", arm)


# In the order of the line. A table's first commit makes it, empty; a killed attempt is followed by one that goes
# further, so that twice the same table is two places.
COMMITS = [
    after_commit("truth"),
    after_commit("simulated_dirt", 2),
    after_commit("ingest_runs", 2),  # the rank of the first batch is reserved
    after_commit("events_orders"),
    after_commit("events_orders"),  # made and filled
    after_commit("ingest_runs"),  # the first batch is closed
    after_commit("events_interactions", 2),
    after_commit("features_orders", 2),
    after_commit("population_orders", 2),
    after_commit("snapshots", 2),  # the first of three views is complete
    after_commit("training_set_purchase_30d", 2),
    after_commit("training_sets", 2),
    once_there("mlflow.db.unfinished"),
    once_there("mlruns/*/artifacts/bundle"),
    registered(1),
    after_commit("customer_scores", 2),
    after_commit("publications"),  # decided, not done
    after_commit("customer_scores_latest", 2),
]


@pytest.mark.deep
def test_an_ingest_killed_before_its_batch_is_closed_ends_as_a_clean_one(spark, tmp_path):
    """The events are there and their batch is not: nothing but the tables to go on from."""
    file = tmp_path / "orders.csv"
    dirty = LINES[0].replace("K0", "")
    file.write_text("\n".join([HEADER, *LINES, LINES[1], dirty]) + "\n", encoding="utf-8")
    words = ["ingest", "--source", "simulated_orders", "--input", str(file), "--conf", "local"]
    killed, clean = tmp_path / "killed", tmp_path / "clean"
    command = [*words, *SMALL, "--warehouse", str(killed)]
    kill_at(after_commit("events_orders", 2), command, warehouse=killed, scratch=tmp_path / "scratch")
    run(command, scratch=tmp_path / "scratch")

    assert main([*words, "--warehouse", str(clean)]) == 0
    assert differences(killed, clean) == []


def test_a_model_store_killed_while_it_is_made_is_made_by_the_next(tmp_path):
    """MLflow's migrations cannot go on from half of them: what is half must never bear the store's name."""
    command = [sys.executable, "-c", MAKE_A_STORE, f"sqlite:///{tmp_path}/mlflow.db"]
    with subprocess.Popen(command, cwd=ROOT) as making:
        while making.poll() is None and _largest(tmp_path, "mlflow.db*") < HALF_A_STORE:
            time.sleep(POLL_SECONDS)
        making.kill()
    assert _largest(tmp_path, "mlflow.db*") >= HALF_A_STORE
    assert not (tmp_path / "mlflow.db").exists()
    subprocess.run(command, cwd=ROOT, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


def _largest(folder: Path, pattern: str) -> int:
    return max(map(_size, folder.glob(pattern)), default=0)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # SQLite's journals come and go
        return 0


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_demo_killed_after_each_commit_ends_as_a_clean_one(clean_demo, tmp_path):
    """One warehouse, a kill at every place in turn: each attempt goes on from what the one before has left."""
    _campaign(COMMITS, clean_demo[0], tmp_path)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_demo_killed_inside_each_step_ends_as_a_clean_one(clean_demo, tmp_path):
    """The same at moments that chance chooses, one inside each step."""
    clean, ran = clean_demo
    chance = random.Random(SEED)
    lasted = {(step, place): ran.ended(step, place) - ran.begun(step, place) for step, place in STEPS}
    moments = [in_step(*which, seconds=chance.random() * seconds) for which, seconds in lasted.items()]
    _campaign(moments, clean, tmp_path)


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_scores_killed_half_way_are_those_of_a_clean_run_to_the_digit(clean_demo, tmp_path):
    """With the models of the clean run at hand nothing is fitted, and nothing may differ."""
    warehouse = tmp_path / "w"
    shutil.copytree(clean_demo[0], warehouse)
    for name in (SCORES.name, LATEST.name, "job_runs"):
        shutil.rmtree(warehouse / name)
    words = [*SMALL_DEMO, "--warehouse", str(warehouse)]
    kill_at(after_commit(SCORES.name, 2), words, warehouse=warehouse, scratch=tmp_path / "scratch")
    run(words, scratch=tmp_path / "scratch")
    assert differences(warehouse, clean_demo[0]) == []


def _campaign(moments: list[Moment], clean: Path, folder: Path) -> None:
    words = [*SMALL_DEMO, "--warehouse", str(folder / "w")]
    for moment in moments:
        kill_at(moment, words, warehouse=folder / "w", scratch=folder / "scratch")
    again = run(words, scratch=folder / "scratch")
    say(f"after {len(moments)} kills, run to the end: {again.seconds:.0f} s")
    assert_same(folder / "w", clean)
