"""A PostgreSQL server for benchmarks and tests: a cluster in a temporary folder, on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featurestore.errors import EnvironmentProblem

PLACES = "/usr/lib/postgresql"  # Debian and Ubuntu keep the server's commands here, off the path
USER, PASSWORD = "reader", "s3cret-of-the-shop"
SERVED_AS = "postgres"
FAST = "-c fsync=off -c full_page_writes=off -c max_connections=60 -c max_wal_size=4GB"


def server_commands() -> Path | None:
    """The folder of the server's commands, of the newest version that is installed; None without one."""
    found = sorted(Path(PLACES).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@dataclass(frozen=True)
class Server:
    """A cluster at `folder`; it listens on `port` while it is started."""

    commands: Path
    folder: Path
    port: int

    def start(self) -> None:
        """Let it listen; what a crash left is recovered first."""
        options = f"{FAST} -p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        self.run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-o", options, "start")

    def stop(self) -> None:
        """End it and all its connections at once, as a kill does."""
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"jdbc:postgresql://127.0.0.1:{self.port}/{database}"

    def sql(self, text: str, *, database: str = "postgres") -> list[str]:
        """What statements give, a line a row, as the cluster's owner."""
        words = ["-h", self.folder, "-p", str(self.port), "-v", "ON_ERROR_STOP=1", "-qAtX", "-d", database, "-f", "-"]
        return self.run("psql", *words, given=text).splitlines()

    def create(self, database: str) -> str:
        """The address of a new database that the reader may read."""
        self.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE);")
        self.sql(f"CREATE DATABASE {database};")
        self.sql(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {USER};", database=database)
        return self.url(database)

    def run(self, command: str, *words: object, given: str | None = None) -> str:
        """What one of the server's commands says; EnvironmentProblem where it fails."""
        # The server refuses to run as root; anybody else runs it as who he is.
        as_user: dict[str, Any] = {"user": SERVED_AS, "group": SERVED_AS, "extra_groups": []}
        done = subprocess.run(
            [str(self.commands / command), *map(str, words)], input=given, text=True, cwd=self.folder, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C.UTF-8"},
            **(as_user if os.geteuid() == 0 else {}),
        )  # fmt: skip
        if done.returncode != 0:
            raise EnvironmentProblem(f"{command} of PostgreSQL failed: {done.stdout.strip()}")
        return done.stdout


@contextmanager
def running_server(commands: Path) -> Iterator[Server]:
    """A fresh cluster with a reader who needs his password; gone with its folder afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tessera-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, SERVED_AS, SERVED_AS)
    server = Server(commands, folder, _free_port())
    try:
        server.run("initdb", "-D", folder / "data", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256",
                   "--encoding=UTF8", "--locale=C.UTF-8")  # fmt: skip
        server.start()
        try:
            server.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}';")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
