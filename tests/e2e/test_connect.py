"""The library on Spark Connect: a server of its own on loopback, and the library's own tests as its clients."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.faults.commands import kill_session, plain_environment
from launcher.java import java_home_setting
from launcher.state import State
from tests.conftest import ROOT

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
    "spark.connect.grpc.binding.address": "127.0.0.1",
}
FEW = ["tests/spark/test_feature_store.py", "-k", "merge_replaces or training_set"]
LIBRARY = ["spark/test_derived_functions.py", "spark/test_feature_sets.py", "spark/test_feature_store.py",
           "spark/test_keeping_snapshots.py", "spark/test_labels.py", "spark/test_own_views.py",
           "spark/test_point_in_time.py", "spark/test_population.py", "spark/test_record_tables.py",
           "spark/test_replay.py", "spark/test_snapshots.py", "spark/test_sort_key.py", "spark/test_spine.py",
           "spark/test_training_set_as_known.py", "spark/test_customer_aliases.py", "spark/test_segments.py",
           "spark/test_scoring.py", "spark/ingest", "properties/test_spine.py"]  # fmt: skip
MOST_SECONDS = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a running server; it knows Spark and Delta, and no line of the project."""
    state, port = State.of(os.environ), _free_port()
    settings = {**DELTA, "spark.connect.grpc.binding.port": str(port), "spark.sql.shuffle.partitions": "2",
                "spark.databricks.delta.snapshotPartitions": "1", "spark.sql.session.timeZone": "UTC"}  # fmt: skip
    command = [str(state.venv / "bin" / "spark-submit"), "--class", SERVER, "--master", "local[2]"]
    command += ["--jars", ",".join(map(str, sorted(state.jars.glob("*.jar"))))]
    for key, value in settings.items():
        command += ["--conf", f"{key}={value}"]
    environ = {**plain_environment(), **java_home_setting(os.environ), "PYSPARK_PYTHON": str(state.python)}
    folder = tmp_path_factory.mktemp("server")
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log, start_new_session=True) as running,
    ):
        try:
            _wait_for(port, running, folder / "log")
            yield f"sc://127.0.0.1:{port}"
        finally:
            kill_session(running.pid)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


def _wait_for(port: int, running: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while running.poll() is None and time.monotonic() < deadline:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-3000:])


def passed(words: list[str], server: str, tmp_path: Path) -> int:
    """How many tests pass as clients of the server: all of them must."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not deep", *words]
    environ = {**plain_environment(), "SPARK_REMOTE": server, "TMPDIR": str(tmp_path),
               "PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return int(re.search(r"(\d+) passed", done.stdout)[1])


def test_tables_lookups_and_training_sets_of_the_library(server, tmp_path):
    assert passed(FEW, server, tmp_path) >= 2


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("file", LIBRARY)
def test_a_file_of_the_librarys_tests(server, tmp_path, file):
    assert passed([f"tests/{file}"], server, tmp_path) > 0
