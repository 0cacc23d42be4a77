"""Recompute random feature values from raw events, one event at a time, and compare them with the stored ones."""

from __future__ import annotations

from featurestore.errors import DataContractError
from featurestore.verification import verify_view
from jobs.run import Run


def run(run: Run) -> None:
    """Do what the arguments say."""
    views = run.features().views
    different = 0
    for view in views:
        with run.step(f"verify {view.name}") as step:
            sample = -(-run.arguments.sample // len(views))
            found = verify_view(run.warehouse, view, sample=sample, seed=run.settings.seed)
            step.results.update(compared=found.compared, different=found.different)
        run.out.print(f"{view.name}: {found.compared:,} values compared, {found.different:,} differ")
        for one in found.shown:
            run.out.print(f"  {one.customer_id} {one.as_of_date} {one.feature}: stored {one.stored}, "
                          f"recomputed {one.recomputed}")  # fmt: skip
        different += found.different
    if different:
        raise DataContractError(
            f"{different:,} stored feature values are not what the events give.\n"
            "  Build the dates again; if they differ still, the engine or the events are at fault."
        )
