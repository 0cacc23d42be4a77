"""Do Spark, delta-rs and DuckDB read the same scores, and how long does each take?"""

from __future__ import annotations

import pyarrow.compute as pc
from deltalake import DeltaTable
from pyspark.sql import functions as F

from featurestore.errors import EnvironmentProblem
from jobs.benchmarks.contest import Figure, Result, contest
from jobs.run import Run
from jobs.score_tables import SCORES

COLUMN = "churn_probability"


def run(run: Run) -> list[Figure]:
    """Rows of `customer_scores` and their mean churn probability, by three readers of the same files."""
    run.warehouse.read(SCORES.name, make_with="score")  # says what to do where there is no table
    path = run.warehouse.path(SCORES.name)

    def spark() -> Result:
        found = run.warehouse.read(SCORES.name).agg(F.count("*"), F.avg(COLUMN)).first()
        return [float(value) for value in found or ()]

    def delta_rs() -> Result:
        column = DeltaTable(path).to_pyarrow_table(columns=[COLUMN])[COLUMN]
        return [float(len(column)), pc.mean(column).as_py()]

    def duckdb() -> Result:
        scores = DeltaTable(path).to_pyarrow_dataset()
        connection = duckdb_module().connect()
        try:
            connection.register("scores", scores)
            (found,) = connection.sql(f"select count(*), avg({COLUMN}) from scores").fetchall()
        finally:
            connection.close()
        return [float(value) for value in found]

    (rows, mean), figures = contest({"spark": spark, "delta_rs": delta_rs, "duckdb": duckdb})
    return [Figure("customer_scores_rows", rows, "rows"), Figure("mean_churn_probability", mean, "share"), *figures]


def duckdb_module():  # type: ignore[no-untyped-def]
    """DuckDB, which only tests and benchmarks need; EnvironmentProblem where it is not installed."""
    try:
        import duckdb
    except ModuleNotFoundError as missing:
        raise EnvironmentProblem("this benchmark needs DuckDB: pip install 'tessera[test]'.") from missing
    return duckdb
