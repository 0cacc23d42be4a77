"""The Spark session: the one place that makes it and the one place that knows Spark's settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote

from jobs.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
LOGGERS_OF_ERRORS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""PySpark prints a trace, as JSON, of each error that it raises for a part of a query."""


def create_session(settings: Settings, *, app_name: str, master: str | None = None) -> SparkSession:
    """A session with Delta, on UTC; under spark-submit or a platform the running one is taken.

    `master` is given by tests and plain scripts only; jobs leave it to spark-submit.
    """
    builder = SparkSession.builder.appName(app_name)
    for key, value in _spark_settings(settings).items():
        builder = builder.config(key, value)
    if master is not None:
        # Workers run the interpreter that runs this, and find the project where this finds it.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
        builder = builder.master(master).config("spark.driver.memory", "3g").config("spark.ui.enabled", "false")
        builder = builder.config("spark.jars", ",".join(str(jar) for jar in jar_files()))
    return builder.getOrCreate()


def tell_less(session: SparkSession, level: str) -> None:
    """Set what Spark logs, where its log is this process's: that of a Connect server is not.

    Errors of queries are logged by nobody beside: they reach whoever runs one as exceptions.
    """
    for name in LOGGERS_OF_ERRORS:
        PySparkLogger.getLogger(name).disabled = True
    if not is_remote():
        session.sparkContext.setLogLevel(level)


def jar_files() -> list[Path]:
    """The Delta JARs that set-up has resolved."""
    return sorted((state_folder() / "jars").glob("*.jar"))


def state_folder() -> Path:
    """Where set-up keeps its virtual environment, JARs and wheel."""
    return Path(os.environ.get("TESSERA_HOME", PROJECT / ".tessera"))


def _spark_settings(settings: Settings) -> dict[str, str]:
    spark = settings.spark
    return {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(spark.shuffle_partitions),
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(spark.arrow_batch_rows),
        "spark.databricks.delta.snapshotPartitions": str(spark.snapshot_partitions),
        # A task per path of a listing: the default of thousands costs seconds on small tables.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(spark.shuffle_partitions),
        # As fast to write as the default, and feature tables are a third smaller.
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.ui.showConsoleProgress": "false",
        # Else '${env:NAME}' in an expression or a query is what that variable holds, a password maybe.
        "spark.sql.variable.substitute": "false",
        # Else each column expression tells the JVM where it was written: a third of the time of a training.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        **{key: str(value) for key, value in spark.extra.items()},
    }
