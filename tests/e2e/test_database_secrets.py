"""The password of a database is nowhere that anybody may look: output, tables, event log, Spark's own pages."""

from __future__ import annotations

import socket
import threading
import urllib.request
from contextlib import suppress

import pytest
from deltalake import DeltaTable

from jobs.benchmarks.postgres_server import PASSWORD, USER
from jobs.faults.contents import tables
from jobs.main import main
from tests.e2e.commands import SMALL, Command
from tests.spark.ingest.shop_database import EVENTS, TABLES

PAGES = ("environment", "sql?details=true&planDescription=true", "jobs", "stages")


@pytest.fixture
def shop(postgres, monkeypatch):
    """The address of a database of a few events, with its user and password in the environment."""
    url = postgres.create("secrets")
    postgres.sql(TABLES, database="secrets")
    postgres.sql(EVENTS.format(1, 2000), database="secrets")
    monkeypatch.setenv("TESSERA_POSTGRES_USER", USER)
    monkeypatch.setenv("TESSERA_POSTGRES_PASSWORD", PASSWORD)
    return url


def test_a_password_shows_in_no_output_table_log_or_page(shop, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    log = tmp_path / "events"
    log.mkdir()
    shown = {"spark.ui.enabled": "true", "spark.ui.port": port, "spark.eventLog.enabled": "true",
             "spark.eventLog.compress": "false", "spark.eventLog.dir": log.as_uri()}  # fmt: skip
    command = Command(["ingest", "--source", "postgres_events", "--input", shop, "--verbose", *SMALL,
                       "--warehouse", str(tmp_path / "w"), "--",
                       *(word for key, value in shown.items() for word in ("--conf", f"{key}={value}"))],
                      scratch=tmp_path / "scratch")  # fmt: skip
    pages = _watched(command, port)
    assert command.finish() == 0, command.output

    logged = "".join(file.read_text(encoding="utf-8") for file in log.rglob("*") if file.is_file())
    rows = "".join(str(DeltaTable(tmp_path / "w" / name).to_pyarrow_table().to_pylist())
                   for name in sorted(tables(tmp_path / "w")))  # fmt: skip
    # They do show how the table was read.
    assert "JDBCRelation" in logged and "JDBCRelation" in pages and "2,000 accepted" in command.output
    assert "jdbc:postgresql" in rows
    for place in (logged, pages, rows, command.output):
        assert PASSWORD not in place
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and PASSWORD.encode() in file.read_bytes()]


def _watched(command: Command, port: int) -> str:
    """All that Spark's pages said until the command ended."""
    base, seen, pause = f"http://127.0.0.1:{port}", set(), threading.Event()
    while command.process.poll() is None:
        with suppress(OSError, IndexError):  # not up yet, or going down
            application = _page(f"{base}/api/v1/applications").split('"id" : "', 1)[1].split('"', 1)[0]
            seen.update(_page(f"{base}/api/v1/applications/{application}/{page}") for page in PAGES)
            seen.update(_page(f"{base}/{page}/") for page in ("SQL", "environment"))
        pause.wait(0.2)
    return "".join(seen)


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode("utf-8", "replace"))


def test_a_password_shows_in_no_error(spark, shop, tmp_path, capfd, monkeypatch):
    wrong = "not-the-password-of-the-shop"
    monkeypatch.setenv("TESSERA_POSTGRES_PASSWORD", wrong)
    words = ["ingest", "--source", "postgres_events", "--input", shop, "--verbose", "--warehouse", str(tmp_path / "w")]
    try:
        assert main(words) == 4
    finally:
        spark.sparkContext.setLogLevel("OFF")
    said = "".join(capfd.readouterr())
    assert "password authentication failed" in said and "Traceback" in said
    assert wrong not in said
    (row,) = DeltaTable(tmp_path / "w" / "job_runs").to_pyarrow_table().to_pylist()
    assert row["status"] == "failed" and wrong not in str(row)
    monkeypatch.delenv("TESSERA_POSTGRES_PASSWORD")
    assert main(words) == 4
    assert "environment variable TESSERA_POSTGRES_PASSWORD" in capfd.readouterr().err


def test_an_input_that_its_source_does_not_read(spark, shop, tmp_path, capsys):
    warehouse = ["--warehouse", str(tmp_path / "w")]
    assert main(["ingest", "--source", "postgres_events", "--input", str(tmp_path), *warehouse]) == 2
    assert main(["ingest", "--source", "simulated_orders", "--input", shop, *warehouse]) == 2
    assert "reads files" in capsys.readouterr().err
