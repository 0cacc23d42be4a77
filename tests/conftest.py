"""One Spark session for all tests that need one, lazily started; everyone gets folders of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.plugins.require_all", "tests.plugins.laws", "pytester"]

ROOT = Path(__file__).resolve().parent.parent
TESTS_BY_COST = ("unit", "properties", "contracts", "spark", "e2e", "bench")
INTERPRETED = "{spark.sql.codegen.wholeStage: false, spark.sql.codegen.factoryMode: NO_CODEGEN}"
"""Tables of a few rows: to compile an expression takes longer than to interpret it. Commands in processes of their own
compile, as for users.
"""


def data_folder() -> Path:
    return Path(os.environ.get("TESSERA_DATA", ROOT / ".." / "shared" / "data")).resolve()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that read it are skipped where it is absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"no real data at TESSERA_DATA={folder}")
    return folder


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """The shared local session: two cores, UTC, few partitions, Delta, no UI."""
    from jobs.session import create_session
    from jobs.settings import load_settings

    if "SPARK_REMOTE" in os.environ:
        yield from _client()
        return
    few = ["spark.shuffle_partitions=2", "spark.snapshot_partitions=1", f"spark.extra={INTERPRETED}"]
    session = create_session(load_settings(assignments=few), app_name="tests", master="local[2]")
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def _client() -> Iterator[object]:
    """The session of a Spark Connect server that test_connect.py has started; the code goes there as the wheel."""
    from jobs.session import create_session
    from jobs.settings import load_settings
    from launcher.package import prepare_package
    from launcher.state import State

    session = create_session(load_settings(), app_name="tests")
    session.addArtifacts(str(prepare_package(State.of(os.environ))), pyfile=True)
    yield session
    session.stop()


@pytest.fixture
def warehouse(spark, tmp_path):
    """An empty warehouse in a folder of the test's own."""
    from featurestore.tables import Warehouse

    return Warehouse(spark, str(tmp_path / "lakehouse"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[object]:
    """A running PostgreSQL server; tests that read it are skipped where none is installed."""
    from jobs.benchmarks.postgres_server import running_server, server_commands

    folder = server_commands()
    if folder is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    with running_server(folder) as server:
        yield server
