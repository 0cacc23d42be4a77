"""Spark's Thrift server over the tables of a warehouse: one command, a JDBC URL, and a clean end.

The server is a part of PySpark's own JARs and is started in this job's session, so that it has Delta and reads the same
catalogue. PySpark has no call for it: this is the one job that speaks to the Java machine itself.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession

from featurestore.definitions import quoted
from featurestore.errors import EnvironmentProblem
from featurestore.tables import Warehouse
from jobs.run import Run
from jobs.settings import Settings
from jobs.sql import local_tables

SECONDS_BETWEEN_LOOKS = 0.5
ONE_SESSION = "spark.sql.hive.thriftServer.singleSession"
"""Its other way, a session a client, looks for Delta in a class loader that does not have the JARs of spark-submit."""


@dataclass(frozen=True)
class Server:
    """A Thrift server that answers at `url`."""

    held: Any
    url: str

    def answers(self) -> bool:
        """Whether it still runs; a Java machine that has ended does not."""
        try:
            return self.held.getServiceState().toString() == "STARTED"
        except (Py4JError, OSError):
            return False

    def stop(self) -> None:
        """End it, if there is a Java machine left to end it in."""
        if self.answers():
            self.held.stop()


def run(run: Run) -> None:
    """Do what the arguments say."""
    run.settings = in_one_session(run.settings)
    asked_to_end = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        asked_to_end.set()

    tables = add_to_catalogue(run.warehouse)
    server = start(run.spark, host=run.arguments.host, port=run.arguments.port)
    for one in (signal.SIGTERM, signal.SIGINT):  # after PySpark has set its own
        signal.signal(one, end)
    run.out.print(f"{len(tables)} tables of {run.warehouse.root} answer at {server.url} (no user, no password)")
    while not asked_to_end.wait(SECONDS_BETWEEN_LOOKS) and server.answers():
        pass
    server.stop()
    run.progress.print("the SQL server has ended")


def in_one_session(settings: Settings) -> Settings:
    """The settings for a server whose clients share the session that it was started in."""
    spark = settings.spark.model_copy(update={"extra": {**settings.spark.extra, ONE_SESSION: "true"}})
    return settings.model_copy(update={"spark": spark})


def add_to_catalogue(warehouse: Warehouse) -> list[str]:
    """Make the tables of a local warehouse known by their names to all sessions of this Spark; nothing is copied."""
    tables = local_tables(warehouse)
    for name in tables:
        warehouse.spark.sql(f"CREATE TABLE IF NOT EXISTS `{name}` USING delta LOCATION {quoted(warehouse.path(name))}")
    return tables


def start(spark: SparkSession, *, host: str, port: int) -> Server:
    """A Thrift server in this session's Java machine; EnvironmentProblem where the port is taken."""
    spark.conf.set("hive.server2.thrift.bind.host", host)
    spark.conf.set("hive.server2.thrift.port", str(port))
    java: Any = spark._jvm  # noqa: SLF001 - see above
    servers = java.org.apache.spark.sql.hive.thriftserver.HiveThriftServer2
    try:
        held = servers.startWithSparkSession(spark._jsparkSession, False)  # noqa: SLF001
    except Py4JJavaError as error:
        said = str(error.java_exception).split("\n", 1)[0]
        raise EnvironmentProblem(
            f"the SQL server cannot listen at {host}:{port}: {said}\n  Give another --port, or 0 for a free one."
        ) from None
    (thrift,) = (one for one in held.getServices() if "Thrift" in one.getName())
    return Server(held, f"jdbc:hive2://{host}:{thrift.getPortNumber()}/default")
