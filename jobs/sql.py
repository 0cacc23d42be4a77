"""Run a query over all tables of the warehouse, by their names; queries only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from featurestore.errors import ConfigurationError, MissingInput
from featurestore.frames import register_functions
from featurestore.tables import TABLE_NAME, Warehouse
from jobs.asked_queries import asked_query
from jobs.options.sql import values_named, with_values
from jobs.run import Run


def run(run: Run) -> None:
    """Do what the arguments say."""
    query, values = run.arguments.query or run.arguments.file, dict(run.arguments.values)
    refuse_other_values(query, values)
    make_queryable(run.warehouse)
    with asked_query(run.spark, "the query does not fit the tables"):
        run.spark.sql(with_values(query, values)).show(run.arguments.limit, truncate=False)


def refuse_other_values(query: str, values: Mapping[str, str]) -> None:
    """ConfigurationError unless `values` are those that stand as :NAME in the query."""
    needed = values_named(query)
    if lacking := sorted(needed - values.keys()):
        raise ConfigurationError(f"the query asks for :{lacking[0]}. Add --value {lacking[0]}=...")
    for name in values.keys() - needed:
        raise ConfigurationError.unknown_name("value", name, known=needed, where="--value")


def make_queryable(warehouse: Warehouse) -> None:
    """Make every table of a local warehouse a view of its name, and derived features functions, for this session."""
    for name in local_tables(warehouse):
        warehouse.read(name).createOrReplaceTempView(name)
    register_functions(warehouse.spark)


def local_tables(warehouse: Warehouse) -> list[str]:
    """The names of the Delta tables under a local warehouse folder; MissingInput where there is none."""
    names = sorted(entry.name for entry in Path(warehouse.root).iterdir() if TABLE_NAME.fullmatch(entry.name))
    tables = [name for name in names if warehouse.exists(name)]
    if not tables:
        raise MissingInput(f"warehouse {warehouse.root} holds no table yet.\n  Make some: ./spark-submit.sh demo")
    return tables
