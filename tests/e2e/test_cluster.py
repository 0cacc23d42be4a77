"""On a cluster of two workers that know nothing of the project, the line leaves the tables of a laptop."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from jobs.faults.commands import POLL_SECONDS, Command, kill_session, plain_environment
from jobs.faults.contents import differences
from jobs.main import main
from launcher.arguments import parse
from launcher.cluster import WORKERS, Cluster
from launcher.package import prepare_package
from launcher.run import submit_command, submit_environment
from launcher.shipment import prepare_shipment
from launcher.state import State
from tests.conftest import ROOT
from tests.e2e.commands import (
    SMALL,
    SMALL_DEMO,
    STEPS,
    in_step,
    run,
    say,
)
from tests.e2e.contents import assert_same
from tests.events import add_batch
from tests.small_orders import random_lines

SEED = 4
OURS = ["featurestore", "models", "jobs", "conf"]
THEIRS = ["numpy", "pandas", "pyarrow", "xgboost"]
TELL_WHERE = f"""
import json
from pyspark.sql import SparkSession

def where(_):
    import importlib, os, sys, time
    time.sleep(1)  # so that one executor does not take all of the tasks
    found = {{name: importlib.import_module(name).__file__ for name in {OURS + THEIRS}}}
    yield {{"executor": os.getcwd(), "files": found, "path": sys.path, "python": sys.executable}}

context = SparkSession.builder.getOrCreate().sparkContext
print("FOUND " + json.dumps(context.parallelize(range(8), 8).mapPartitions(where).collect()))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Master and workers of this test's own, with what set-up has made."""
    made, own = State.of(os.environ), State(tmp_path_factory.mktemp("home"))
    own.venv.symlink_to(made.venv)
    running = Cluster(own, os.environ)
    try:
        running.up()
        yield running
    finally:
        running.down()
        shutil.rmtree(own.home)


@pytest.mark.deep
def test_executors_import_the_shipped_wheel_and_environment(cluster, tmp_path):
    """Two executors run the Python that came with the job, and load all packages from files that did."""
    script = tmp_path / "tell_where.py"
    script.write_text(TELL_WHERE, encoding="utf-8")
    environ = plain_environment()
    state, line = State.of(environ), parse(["--master", cluster.up()])
    package = prepare_package(state)
    command = submit_command(line, state, environ=environ, package=package,
                             archive=prepare_shipment(state, package=package))  # fmt: skip
    told = subprocess.run(
        [str(script) if word == str(ROOT / "launcher" / "job.py") else word for word in command],
        env=submit_environment(line, state, environ=environ), cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.partition("FOUND ")[2].splitlines()[0])

    assert len({one["executor"] for one in found}) == 2
    for one in found:
        folder = Path(one["executor"])
        assert (folder / one["python"]).resolve() == folder / "environment" / "bin" / "interpreter"
        for name in OURS:
            assert folder / one["files"][name] == folder / package.name / name / "__init__.py"
        for name in THEIRS:
            assert (folder / one["files"][name]).resolve().is_relative_to(folder / "environment")
        assert not {str(ROOT), str(state.venv)} & set(one["path"])


def test_a_cluster_builds_the_training_set_of_a_laptop(warehouse, cluster, tmp_path):
    """Features, labels and splits from events, to the digit."""
    add_batch(warehouse, list(random_lines(60, SEED)))
    local, there = Path(warehouse.root), tmp_path / "there"
    shutil.copytree(local, there)
    words = ["build_training_set", "--label", "churn_60d", "--as-of", "2024-06-01", "--build",
             "--set", "training.step_days=70"]  # fmt: skip
    assert main([*words, "--conf", "local", "--warehouse", str(local)]) == 0
    words += [*SMALL, "--master", cluster.up(), "--warehouse", str(there)]
    say(f"on the cluster: {run(words, scratch=tmp_path / 'scratch').seconds:.0f} s")
    assert differences(there, local, apart_from={"job_runs"}) == []


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_a_cluster_leaves_the_tables_of_a_laptop(clean_demo, cluster, tmp_path):
    """The whole line; models within the spread of two fits."""
    clean, local = clean_demo
    words = [*SMALL_DEMO, "--warehouse", str(tmp_path / "w"), "--master", cluster.up()]
    there = run(words, scratch=tmp_path / "scratch")
    say(f"local[2]: {local.seconds:.0f} s, two workers: {there.seconds:.0f} s")
    assert_same(tmp_path / "w", clean)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_one_worker_killed_in_each_step_changes_nothing(clean_demo, cluster, tmp_path):
    """At a moment that chance chooses in each step a worker, its executor and its Python are gone; a new one comes."""
    clean, local = clean_demo
    chance = random.Random(SEED)
    words = [*SMALL_DEMO, "--warehouse", str(tmp_path / "w"), "--master", cluster.up()]
    command = Command(words, scratch=tmp_path / "scratch")
    for number, (step, place) in enumerate(STEPS):
        seconds = chance.random() * (local.ended(step, place) - local.begun(step, place))
        moment = in_step(step, place, seconds=seconds)
        reached, worker = moment.arm(command, tmp_path / "w"), WORKERS[number % len(WORKERS)]
        while not reached():
            assert command.process.poll() is None, command.output
            time.sleep(POLL_SECONDS)
        kill_session(cluster.pid(worker))
        say(f"{worker} killed at {command.seconds:5.1f} s: {moment.name}")
        cluster.up()
    assert command.finish(within=1800) == 0, command.output
    say(f"after {len(STEPS)} kills: {command.seconds:.0f} s; undisturbed on local[2]: {local.seconds:.0f} s")
    assert_same(tmp_path / "w", clean)
