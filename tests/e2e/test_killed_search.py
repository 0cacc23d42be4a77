"""A search for parameters, killed and started again: the trials of one clean search, and runs that tell them."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from featurestore.simulation.world import World
from jobs.faults.commands import POLL_SECONDS
from jobs.simulate import truth_date
from jobs.tuning import STUDIES
from models.tracking import open_store
from models.tuning.study import finished, open_study
from tests.conftest import ROOT
from tests.e2e.commands import SMALL, Moment, kill_at, run, say

TRIALS = 12
SEARCH_IN = """
import sys
from pathlib import Path
from models.tracking import open_store
from models.tuning.record import SearchRuns
from tests.unit.models.tuning.test_tune import tuned

folder = Path(sys.argv[1])
client = open_store(f"sqlite:///{folder}/mlflow.db")
tuned(folder, SearchRuns.open(client, str(folder / "runs"), name="s", head="churn", parameters={}), trials=8)
"""
OVER = "select count(*) from trials where state in ('COMPLETE', 'PRUNED')"
OPEN = "select count(*) from trials where state = 'RUNNING'"


def asked(file: Path, query: str) -> int:
    if not file.is_file():
        return 0
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute(query).fetchone()[0]
        except sqlite3.OperationalError:  # not made yet, or written to at this moment
            return 0


def in_trial(number: int) -> Moment:
    """While a trial is open after so many have come to an end."""

    def arm(command, warehouse):
        file = warehouse / STUDIES
        return lambda: asked(file, OVER) == number and asked(file, OPEN) > 0

    return Moment(f"in a trial after {number}", arm)


def study_of(warehouse: Path):
    with closing(sqlite3.connect(warehouse / STUDIES)) as connection:
        [[name]] = connection.execute("select study_name from studies").fetchall()
    return open_study(f"sqlite:///{warehouse}/{STUDIES}", name)


def assert_runs_tell(folder: Path, name: str, trials) -> None:
    """One finished parent run, and one finished child for each trial."""
    client = open_store(f"sqlite:///{folder}/mlflow.db")
    experiments = [one.experiment_id for one in client.search_experiments()]
    [parent] = client.search_runs(experiments, f"tags.search = '{name}'")
    assert parent.info.status == "FINISHED" and parent.data.metrics["trials_finished"] == len(trials)
    children = client.search_runs(experiments, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert {one.info.status for one in children} == {"FINISHED"}
    assert sorted(int(one.data.tags["trial"]) for one in children) == [one.number for one in trials]


@pytest.mark.deep
def test_a_search_whose_process_is_killed_goes_on_in_the_next(tmp_path):
    """The same without a JVM: SIGKILL in the first trial and in a later one."""
    killed, clean = tmp_path / "killed", tmp_path / "clean"
    command = [sys.executable, "-c", SEARCH_IN]
    for number in (0, 5):
        with subprocess.Popen([*command, str(killed)], cwd=ROOT) as searching:
            while searching.poll() is None and not (
                asked(killed / "t.db", OVER) >= number and asked(killed / "t.db", OPEN) > 0
            ):
                time.sleep(POLL_SECONDS)
            searching.kill()
        assert asked(killed / "t.db", OPEN) > 0
    for folder in (killed, clean):
        subprocess.run([*command, str(folder)], cwd=ROOT, check=True)
    told, whole = (finished(open_study(f"sqlite:///{folder}/t.db", "s")) for folder in (killed, clean))
    assert [(one.parameters, one.losses) for one in told] == [(one.parameters, one.losses) for one in whole]
    assert len(told) == 8 and asked(killed / "t.db", OPEN) == 0
    assert_runs_tell(killed, "s", told)


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_a_killed_search_ends_as_a_clean_one(clean_demo, tmp_path):
    as_of = truth_date(World(300, 600, 42))
    words = ["train", *SMALL, "--set", "training.trees=20", "--label", "purchase_30d", "--as-of", str(as_of),
             "--tune", "--trials", str(TRIALS)]  # fmt: skip
    for name in ("killed", "clean"):
        shutil.copytree(clean_demo[0], tmp_path / name)
    scratch = tmp_path / "scratch"
    command = [*words, "--warehouse", str(tmp_path / "killed")]
    for number in (0, 4, 11):
        kill_at(in_trial(number), command, warehouse=tmp_path / "killed", scratch=scratch)
    say(f"resumed in {run(command, scratch=scratch).seconds:.0f} s")
    run([*words, "--warehouse", str(tmp_path / "clean")], scratch=scratch)

    found, clean = (study_of(tmp_path / name) for name in ("killed", "clean"))
    assert found.study_name == clean.study_name
    told, whole = ([(one.parameters, one.losses) for one in finished(study)] for study in (found, clean))
    assert len(told) == TRIALS and told == whole
    assert asked(tmp_path / "killed" / STUDIES, OPEN) == 0
    assert found.user_attrs["verdict"] == clean.user_attrs["verdict"]

    assert_runs_tell(tmp_path / "killed", found.study_name, finished(found))

    again = run(command, scratch=scratch)
    assert not [said.line for said in again.said if said.line.startswith("trial ")]
