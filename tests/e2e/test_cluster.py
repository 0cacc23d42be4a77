"""On a cluster of two executor processes the line leaves the tables that it leaves on a laptop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from launcher.arguments import parse
from launcher.package import prepare_package
from launcher.run import submit_command, submit_environment
from launcher.state import State
from tests.conftest import ROOT
from tests.e2e.commands import SMALL_DEMO, run, say
from tests.e2e.contents import assert_same

CLUSTER = ["--master", "local-cluster[2,1,2048]"]
PACKAGES = ["featurestore", "models", "jobs", "conf"]
TELL_WHERE = f"""
import json
from pyspark.sql import SparkSession

def where(_):
    import importlib, os, sys, time
    time.sleep(1)  # so that one executor does not take all of the tasks
    found = {{name: importlib.import_module(name).__file__ for name in {PACKAGES}}}
    yield {{"executor": os.getcwd(), "files": found, "path": sys.path}}

context = SparkSession.builder.getOrCreate().sparkContext
print("FOUND " + json.dumps(context.parallelize(range(4), 4).mapPartitions(where).collect()))
"""


@pytest.fixture
def no_repository(tmp_path):
    """Options that take the working tree off the executors' path, which they inherit from the driver on one machine."""
    (tmp_path / "nothing").mkdir()
    return ["--", "--conf", f"spark.executorEnv.PYTHONPATH={tmp_path / 'nothing'}"]


@pytest.fixture(autouse=True)
def work_folders():
    """Spark keeps each application's executors under SPARK_HOME/work: these go."""
    work = State.of(os.environ).spark_home / "work"
    before = set(work.glob("app-*"))
    yield
    for folder in set(work.glob("app-*")) - before:
        shutil.rmtree(folder)


@pytest.mark.deep
@pytest.mark.parametrize("hidden", [False, True], ids=["as started", "repository hidden"])
def test_executors_import_the_shipped_wheel(hidden, no_repository, tmp_path):
    """Two executors load every package from the file that came with the job, though the working tree were in reach."""
    script = tmp_path / "tell_where.py"
    script.write_text(TELL_WHERE, encoding="utf-8")
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPARK_HOME")}
    state, line = State.of(environ), parse([*CLUSTER, *(no_repository if hidden else [])])
    package = prepare_package(state)
    command = submit_command(line, state, environ=environ, package=package)
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
        for name, file in one["files"].items():
            assert folder / file == folder / package.name / name / "__init__.py"
        assert (str(ROOT) in one["path"]) is not hidden


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_a_cluster_leaves_the_tables_of_a_laptop(clean_demo, no_repository, tmp_path):
    """Features, labels and training sets to the digit; models within the spread of two fits."""
    clean, local = clean_demo
    words = [*SMALL_DEMO, "--warehouse", str(tmp_path / "w"), *CLUSTER, *no_repository]
    cluster = run(words, scratch=tmp_path / "scratch")
    say(f"local[2]: {local.seconds:.0f} s, local-cluster[2,1,2048]: {cluster.seconds:.0f} s")
    assert_same(tmp_path / "w", clean)
