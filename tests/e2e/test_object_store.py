"""A warehouse on an S3-compatible server of its own on loopback holds what a folder holds."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import pytest
from deltalake import DeltaTable

from jobs.faults.commands import kill_session
from jobs.faults.contents import LINEAGE
from tests.e2e.commands import SMALL, run

SERVER = "moto[server]>=5,<6"
S3A = "org.apache.hadoop:hadoop-aws:3.4.2"
BUCKET = "lake"
TABLES = ("events_orders", "quarantine_orders", "ingest_runs", "features_orders", "population_orders", "snapshots")
MOST_SECONDS = 60.0


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The address of a running server with an empty bucket; commands know it by the environment."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    binaries = tmp_path / "venv" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", SERVER], check=True)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    told = {"AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    command = [binaries / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as running,
    ):
        try:
            _make_bucket(f"{address}/{BUCKET}", running)
            yield address
        finally:
            kill_session(running.pid)


def _make_bucket(url: str, running: subprocess.Popen) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while running.poll() is None and time.monotonic() < deadline:
        asked = urllib.request.Request(url, method="PUT")
        with suppress(URLError, ConnectionError), urllib.request.urlopen(asked):
            return
        time.sleep(0.1)
    raise AssertionError("the server did not come up")


def rows(table: str) -> Counter[str]:
    held = DeltaTable(table)
    kept = [field.name for field in held.schema().fields if field.name not in LINEAGE.get(Path(table).name, ())]
    return Counter(map(repr, held.to_pyarrow_table(columns=kept).to_pylist()))


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_a_bucket_holds_what_a_folder_holds(store, tmp_path):
    s3a = ["--", "--packages", S3A, "--conf", f"spark.hadoop.fs.s3a.endpoint={store}",
           "--conf", "spark.hadoop.fs.s3a.path.style.access=true"]  # fmt: skip
    raw, scratch = tmp_path / "raw", tmp_path / "scratch"
    folder, bucket = str(tmp_path / "house"), f"s3a://{BUCKET}/house"
    run(["simulate", "--customers", "60", "--days", "400", "--out", str(raw), "--warehouse", folder, *SMALL],
        scratch=scratch)  # fmt: skip
    for warehouse, more in ((bucket, s3a), (folder, [])):
        words = ["--warehouse", warehouse, *SMALL, *more]
        run(["ingest", "--source", "simulated_orders", "--input", str(raw / "orders"), *words], scratch=scratch)
        run(["build_features", "--view", "orders", "--dates", "2022-09-01,2022-12-01", *words], scratch=scratch)
    for table in TABLES:
        assert rows(f"{bucket}/{table}") == rows(f"{folder}/{table}"), table
    assert rows(f"{bucket}/features_orders").total() > 0
