"""The customers that `score --customers` names: a file of ids, or a query over the warehouse's tables."""

from __future__ import annotations

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError, MissingInput, did_you_mean
from featurestore.fold import CUSTOMER
from featurestore.tables import Warehouse
from jobs.asked_queries import asked_query
from jobs.options.score import is_file
from jobs.sql import make_queryable


def customers_asked(warehouse: Warehouse, asked: str) -> DataFrame:
    """customer_id, each once, without empty ones, of a file or of a query.

    Raises MissingInput for a file that is not there, ConfigurationError where no column is called customer_id.
    """
    try:
        found = _of_file(warehouse.spark, asked) if is_file(asked) else _of_query(warehouse, asked)
    except AnalysisException as problem:
        if "PATH_NOT_FOUND" in str(problem):
            raise MissingInput(f"--customers: there is no file {asked}.") from None
        raise ConfigurationError(f"--customers: {asked}: {str(problem).splitlines()[0]}") from None
    if CUSTOMER not in found.columns:
        near = did_you_mean(CUSTOMER, found.columns)
        raise ConfigurationError(f"--customers: {asked} has no column '{CUSTOMER}'. {near}")
    ids = found.select(F.trim(F.col(CUSTOMER).cast("string")).alias(CUSTOMER))
    return ids.where(F.col(CUSTOMER) != "").distinct()


def _of_file(spark: SparkSession, path: str) -> DataFrame:
    """Parquet, CSV with a header, or an id a line: a first line of one word that is not the column's name."""
    if path.lower().endswith(".parquet"):
        return spark.read.parquet(path)
    lines = spark.read.text(path)
    first = lines.first()
    words = [] if first is None else [word.strip().strip('"') for word in first[0].lstrip("\ufeff").split(",")]
    if CUSTOMER in words or len(words) > 1:
        return spark.read.csv(path, header=True)
    return lines.withColumnRenamed("value", CUSTOMER)


def _of_query(warehouse: Warehouse, query: str) -> DataFrame:
    make_queryable(warehouse)
    with asked_query(warehouse.spark, f"--customers: {query}"):
        return warehouse.spark.sql(query)
