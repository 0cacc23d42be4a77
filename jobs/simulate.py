"""Write raw files of simulated customers, as shops export them, and tables of their true probabilities."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

from featurestore.errors import EnvironmentProblem
from featurestore.schemas import Column
from featurestore.simulation.simulate import simulate
from featurestore.simulation.world import World
from featurestore.tables import Table
from jobs.run import Run

COMPLETE = "_COMPLETE.json"
TRUTH = Table(
    "truth",
    (
        Column("customer_id", "string", "Simulated customer with an order before the instant"),
        Column("as_of_date", "date", "Midnight UTC that the truth is asked at"),
        Column("head", "string", "Outcome, by the name of its label"),
        Column("probability", "double", "Posterior probability given the history; NULL outside the population"),
        Column("expectation", "double", "Posterior mean, orders or currency; NULL for probabilities"),
    ),
    comment="What an ideal observer of each simulated history expects: the best that any model can do",
)
DIRT = Table(
    "simulated_dirt",
    (
        Column("source", "string", "Source whose raw files hold the rows"),
        Column("kind", "string", "Kind of dirt"),
        Column("rows", "bigint", "Rows added"),
    ),
    comment="Rows that the simulation added to be found out",
)


def run(run: Run) -> None:
    """Do what the arguments say."""
    asked = run.arguments
    world = World(asked.customers or run.settings.simulation.customers, asked.days or run.settings.simulation.days,
                  run.settings.seed, start=asked.start)  # fmt: skip
    instants = asked.truth_at or [truth_date(world)]
    out = asked.out or raw_folder(run, world)
    simulate_step(run, world, out, instants=instants)
    run.out.print(f"raw files in {out}; truth at {', '.join(map(str, instants))} in table {TRUTH.name}")


def truth_date(world: World) -> date:
    """The instant at which the truth is kept by default: 9/11 of the days."""
    return world.start + timedelta(days=world.truth_day)


def raw_folder(run: Run, world: World) -> str:
    """Where the raw files of a world are kept by default: a folder of their own in the warehouse."""
    return f"{run.settings.warehouse}/raw/{world.customers}-customers-{world.days}-days-seed-{world.seed}"


def simulate_step(run: Run, world: World, out: str, *, instants: list[date]) -> None:
    """Write the files and tables of `world`, unless they stand complete already."""
    described = json.dumps({**asdict(world), "truth_at": [str(d) for d in instants]}, default=str, sort_keys=True)
    marker = Path(out) / COMPLETE
    with run.step("simulate") as step:
        step.results.update(customers=world.customers, days=world.days, seed=world.seed)
        if marker.is_file() and marker.read_text(encoding="utf-8") == described and run.warehouse.exists(TRUTH.name):
            step.results.update(reused=True)
            return
        marker.unlink(missing_ok=True)
        done = simulate(run.spark, out, world=world, truth_days=[(d - world.start).days for d in instants])
        run.warehouse.overwrite(TRUTH, done.truth)
        run.warehouse.overwrite(DIRT, done.dirt)
        try:
            marker.write_text(described, encoding="utf-8")
        except OSError as error:
            raise EnvironmentProblem(f"{marker} cannot be written: {error.strerror}.") from None
