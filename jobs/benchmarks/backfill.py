"""Weekly snapshots of many windows: Tessera, Spark by hand (a query a date) and DuckDB, to the same Delta output.

By hand two dates are timed, at a quarter and three quarters, after one to warm up, and the whole is extrapolated from
them; Tessera and the fast formulation in DuckDB compute all dates. Nobody has an intermediate that was stored before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from featurestore.tables import Warehouse
from featurestore.views import FeatureView
from jobs.benchmarks.by_hand import build_in_duckdb, build_in_duckdb_fast, build_in_spark
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_orders import Shape, build_by_tessera, scratch_warehouse
from jobs.benchmarks.order_features import ALL_KINDS, COUNTS_AND_SUMS
from jobs.benchmarks.outputs import refuse_differences
from jobs.run import Run

SIZES = {"events": 1_000_000, "customers": 20_000, "days": 730, "dates": 26}


def run(run: Run) -> list[Figure]:
    """Seconds of each contender for both sets of features, and how often Tessera's they are."""
    shape = Shape(run.arguments.events, run.arguments.customers, run.arguments.days)
    days = shape.weekly(run.arguments.dates)
    with scratch_warehouse(run.warehouse, shape, seed=run.settings.seed) as warehouse:
        return [
            *shape.figures(),
            Figure("dates", len(days), "dates"),
            *_measured(run, warehouse, COUNTS_AND_SUMS, days),
            *_measured(run, warehouse, ALL_KINDS, days),
        ]


def _measured(run: Run, warehouse: Warehouse, view: FeatureView, days: Sequence[date]) -> list[Figure]:
    name, few = view.name, [days[len(days) // 4], days[3 * len(days) // 4]]
    paths = {"tessera": warehouse.path(view.table), "spark_by_hand": f"{warehouse.root}/{name}_spark"}
    build_by_tessera(run, warehouse, view, days[:1])  # to warm up
    seconds = {
        "tessera": seconds_of(lambda: build_by_tessera(run, warehouse, view, days[1:])) * len(days) / (len(days) - 1)
    }
    build_in_spark(warehouse, view, days[:1], into=paths["spark_by_hand"])
    by_hand = seconds_of(lambda: build_in_spark(warehouse, view, few, into=paths["spark_by_hand"]))
    seconds["spark_by_hand"] = by_hand * len(days) / len(few)
    if view is COUNTS_AND_SUMS:
        paths |= {one: f"{warehouse.root}/{name}_{one}" for one in ("duckdb", "duckdb_fast")}
        build_in_duckdb(warehouse, days[:1], into=paths["duckdb"])
        by_hand = seconds_of(lambda: build_in_duckdb(warehouse, few, into=paths["duckdb"]))
        seconds["duckdb"] = by_hand * len(days) / len(few)
        seconds["duckdb_fast"] = seconds_of(lambda: build_in_duckdb_fast(warehouse, days, into=paths["duckdb_fast"]))
    rows = refuse_differences(run.spark, paths, view, [days[0], *few])
    figures = [Figure(f"{name}_features", len(view.features), "features"),
               Figure(f"{name}_rows_found_equal", rows, "rows")]  # fmt: skip
    figures += [Figure(f"{name}_{one}_seconds", taken, "s") for one, taken in seconds.items()]
    others = [one for one in seconds if one != "tessera"]
    return figures + [Figure(f"{name}_{one}_times_tessera", seconds[one] / seconds["tessera"], "x") for one in others]
