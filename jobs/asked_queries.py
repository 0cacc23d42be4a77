"""A person's query while Spark reads and runs it: files are no tables, and what is wrong with it is told to its author.

`featurestore.queries` has judged the text; this is the second fence, in the engine itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession

from featurestore.errors import ConfigurationError

FILES_AS_TABLES = "spark.sql.runSQLOnFiles"
"""Whether text.`/any/path` is a table; our own statements name Delta tables so, queries name views."""
_OF_THE_QUERY = ("22", "P0")
"""Classes of SQLSTATEs: values that an expression cannot take (1/0, cast('x' as int)), and raise_error."""


@contextmanager
def asked_query(spark: SparkSession, what: str) -> Iterator[None]:
    """Raises ConfigurationError, naming `what`, for a query that does not fit the tables or fails on a value."""
    before = spark.conf.get(FILES_AS_TABLES)
    spark.conf.set(FILES_AS_TABLES, "false")
    try:
        yield
    except PySparkException as error:
        if not isinstance(error, AnalysisException) and not (error.getSqlState() or "").startswith(_OF_THE_QUERY):
            raise
        raise ConfigurationError(f"{what}: {str(error).strip().splitlines()[0]}") from None
    finally:
        spark.conf.set(FILES_AS_TABLES, before or "true")
