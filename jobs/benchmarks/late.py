"""Late events: repairing the snapshots that they touch against building the same dates anew, with equal values."""

from __future__ import annotations

from dataclasses import replace

from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_orders import Shape, add_batch, build_by_tessera, lines, scratch_warehouse
from jobs.benchmarks.order_features import ALL_KINDS
from jobs.benchmarks.outputs import refuse_differences
from jobs.run import Run

SIZES = {"events": 1_000_000, "customers": 20_000, "days": 730, "dates": 8}
LATE = 1_000


def run(run: Run) -> list[Figure]:
    """Seconds of a repair after `LATE` events and of a build of the same dates from nothing."""
    shape = Shape(run.arguments.events, run.arguments.customers, run.arguments.days)
    days = shape.weekly(run.arguments.dates)
    rebuilt = replace(ALL_KINDS, name="rebuilt")
    with scratch_warehouse(run.warehouse, shape, seed=run.settings.seed) as warehouse:
        build_by_tessera(run, warehouse, ALL_KINDS, days)
        late = lines(run.spark, replace(shape, events=LATE), seed=run.settings.seed, first=shape.events)
        add_batch(warehouse, late, batch_id="late", until=shape.end)
        touched = late.select("customer_id").distinct().count()
        done = []
        seconds = {
            "repair": seconds_of(lambda: done.append(build_by_tessera(run, warehouse, ALL_KINDS, days))),
            "rebuild": seconds_of(lambda: build_by_tessera(run, warehouse, rebuilt, days)),
        }
        paths = {name: warehouse.path(view.table) for name, view in (("repair", ALL_KINDS), ("rebuild", rebuilt))}
        rows = refuse_differences(run.spark, paths, ALL_KINDS, days)
    return [
        *shape.figures(),
        Figure("dates", len(days), "dates"),
        Figure("features", len(ALL_KINDS.features), "features"),
        Figure("late_events", LATE, "events"),
        Figure("late_customers", touched, "customers"),
        Figure("dates_repaired", len(done[0].repaired), "dates"),
        Figure("rows_found_equal", rows, "rows"),
        *[Figure(f"{name}_seconds", taken, "s") for name, taken in seconds.items()],
        Figure("rebuild_times_repair", seconds["rebuild"] / seconds["repair"], "x"),
    ]
