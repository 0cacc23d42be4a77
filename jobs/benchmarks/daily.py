"""One more day: what adding a date costs as the history before it grows, and what it costs by hand in Spark."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from jobs.benchmarks.by_hand import build_in_spark
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_orders import Shape, build_by_tessera, scratch_warehouse
from jobs.benchmarks.order_features import ALL_KINDS
from jobs.benchmarks.outputs import refuse_differences
from jobs.run import Run

SIZES = {"events": 1_000_000, "customers": 20_000}
MONTHS = (12, 24, 36)
DAYS_A_MONTH = 365 / 12
WHOLE = replace(ALL_KINDS, name="whole")


def run(run: Run) -> list[Figure]:
    """`--events` are those of 24 months; shorter and longer histories have as many a month."""
    figures: list[Figure] = []
    for months in MONTHS:
        figures += _measured(run, months)
    seconds = {figure.name: figure.value for figure in figures}
    growth = seconds["tessera_36_months_seconds"] / seconds["tessera_12_months_seconds"]
    return [*figures, Figure("tessera_36_times_12_months", growth, "x")]


def _measured(run: Run, months: int) -> list[Figure]:
    shape = Shape(run.arguments.events * months // 24, run.arguments.customers, round(months * DAYS_A_MONTH))
    today = shape.end
    with scratch_warehouse(run.warehouse, shape, seed=run.settings.seed) as warehouse:
        paths = {"tessera": warehouse.path(ALL_KINDS.table), "whole_fold": warehouse.path(WHOLE.table),
                 "spark_by_hand": f"{warehouse.root}/by_hand"}  # fmt: skip
        yesterday = [today - timedelta(days=1)]
        build_by_tessera(run, warehouse, ALL_KINDS, yesterday)
        if months == MONTHS[0]:  # to warm up; ours has just been
            build_in_spark(warehouse, ALL_KINDS, yesterday, into=paths["spark_by_hand"])
        seconds = {
            "tessera": seconds_of(lambda: build_by_tessera(run, warehouse, ALL_KINDS, [today])),
            "whole_fold": seconds_of(lambda: build_by_tessera(run, warehouse, WHOLE, [today])),
            "spark_by_hand": seconds_of(
                lambda: build_in_spark(warehouse, ALL_KINDS, [today], into=paths["spark_by_hand"])
            ),
        }
        rows = refuse_differences(run.spark, paths, ALL_KINDS, [today])
    named = [Figure(f"{name}_{months}_months_seconds", taken, "s") for name, taken in seconds.items()]
    ratio = seconds["spark_by_hand"] / seconds["tessera"]
    return [
        Figure(f"events_{months}_months", shape.events, "events"),
        Figure(f"rows_found_equal_{months}_months", rows, "rows"),
        *named,
        Figure(f"spark_by_hand_times_tessera_{months}_months", ratio, "x"),
    ]
