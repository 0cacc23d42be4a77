"""Run a query over all tables of the warehouse, by their names; queries only."""

from __future__ import annotations

from pathlib import Path

from featurestore.errors import MissingInput
from featurestore.frames import register_functions
from featurestore.tables import TABLE_NAME, Warehouse
from jobs.run import Run


def run(run: Run) -> None:
    """Do what the arguments say."""
    register_tables(run.warehouse)
    register_functions(run.spark)
    rows = run.spark.sql(run.arguments.query)
    rows.show(run.arguments.limit, truncate=False)


def register_tables(warehouse: Warehouse) -> list[str]:
    """Make every Delta table under a local warehouse folder a view of its name, for this session."""
    names = sorted(entry.name for entry in Path(warehouse.root).iterdir() if TABLE_NAME.fullmatch(entry.name))
    tables = [name for name in names if warehouse.exists(name)]
    if not tables:
        raise MissingInput(f"warehouse {warehouse.root} holds no table yet.\n  Make some: ./spark-submit.sh demo")
    for name in tables:
        warehouse.read(name).createOrReplaceTempView(name)
    return tables
