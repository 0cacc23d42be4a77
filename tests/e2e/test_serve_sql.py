"""The SQL server as a command of its own, asked over JDBC by a client in another process; SIGTERM ends all of it."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyspark
from deltalake import write_deltalake

from jobs.faults.commands import Command, processes_of
from tests.e2e.commands import SMALL

JARS = Path(pyspark.__file__).parent / "jars"
QUERY = "show tables; select customer_id, spend from scores where spend > 1 order by spend desc"
MOST_SECONDS = 120.0


def ask(url: str, query: str) -> list[str]:
    """What Spark's own JDBC client, beeline, prints for queries: a line a row."""
    words = ["java", "-cp", f"{JARS}/*", "org.apache.hive.beeline.BeeLine", "-u", url, "--outputformat=csv2",
             "--silent=true", "-e", query]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    said = re.sub(r"^\d+: jdbc:\S+> ", "", done.stdout, flags=re.MULTILINE)  # a prompt that nobody asked for
    return [line for line in said.splitlines() if line.strip()]


def test_a_jdbc_client_sees_the_tables_as_they_are_and_sigterm_ends_the_server(tmp_path):
    scores = tmp_path / "w" / "scores"
    write_deltalake(scores, pa.table({"customer_id": ["a", "b", "c"], "spend": [1.0, 2.5, 9.0]}))
    command = Command(["serve_sql", "--port", "0", *SMALL, "--warehouse", str(tmp_path / "w")], scratch=tmp_path / "x")
    try:
        url = _url(command)
        assert ask(url, QUERY) == ["namespace,tableName,isTemporary", "default,scores,false", "customer_id,spend",
                                   "c,9.0", "b,2.5"]  # fmt: skip
        write_deltalake(scores, pa.table({"customer_id": ["d"], "spend": [99.0]}), mode="append")
        assert ask(url, "select max(spend) as most from scores") == ["most", "99.0"]
        command.process.send_signal(signal.SIGTERM)
        assert command.finish(within=60.0) in (0, 128 + signal.SIGTERM), command.output
        deadline = time.monotonic() + 30
        while processes_of(command.process.pid) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert processes_of(command.process.pid) == []
    finally:
        if command.process.poll() is None:
            command.kill()
    assert {entry.name for entry in (tmp_path / "w").iterdir()} == {"scores"}
    assert not list((tmp_path / "x").glob("metastore_db*"))


def _url(command: Command) -> str:
    """The JDBC URL that the server says once it answers."""
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline and command.process.poll() is None:
        found = re.search(r"jdbc:hive2://\S+", command.output)
        if found:
            return found.group()
        time.sleep(0.2)
    raise AssertionError(f"no server after {command.seconds:.0f} s:\n{command.output}")
