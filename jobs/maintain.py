"""Make small files one and remove those that no needed version has; says of each table what was done."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table as Rich

from featurestore.errors import ConfigurationError
from featurestore.tables import is_local
from featurestore.upkeep import Kept, keep_up
from jobs.run import Run
from jobs.sql import local_tables

HOURS_A_DAY, MEBIBYTE = 24, 2**20


def run(run: Run) -> None:
    """Do what the arguments say."""
    if not is_local(run.warehouse.root):
        raise ConfigurationError(
            f"maintain looks after a warehouse in a folder; {run.warehouse.root} is none.\n"
            "  There, run OPTIMIZE and VACUUM of your platform; keep what training_sets.input_versions names."
        )
    dry_run = run.arguments.dry_run
    with run.step("maintain") as step:
        done = keep_up(run.warehouse, local_tables(run.warehouse), keep_hours=run.arguments.keep_days * HOURS_A_DAY,
                       dry_run=dry_run)  # fmt: skip
        step.results.update(tables=len(done), files_removed=sum(one.removed for one in done),
                            megabytes_removed=round(sum(one.removed_bytes for one in done) / MEBIBYTE, 1))  # fmt: skip
    run.out.print(kept_table(done, dry_run=dry_run))


def kept_table(done: Sequence[Kept], *, dry_run: bool) -> Rich:
    """A line a table."""
    table = Rich(title="What would be done" if dry_run else "What was done", title_justify="left")
    for name in ("table", "files", "small", "then", "removed", "MiB", "kept for training sets", ""):
        table.add_column(name, justify="left" if name in ("table", "kept for training sets", "") else "right")
    for one in done:
        versions = ", ".join(f"version {version}" for version in one.versions)
        left = f"small files left: {one.why_not}" if one.why_not else ""
        table.add_row(one.table, f"{one.files:,}", f"{one.small:,}", "-" if dry_run else f"{one.files_after:,}",
                      f"{one.removed:,}", f"{one.removed_bytes / MEBIBYTE:,.1f}", versions or "-", left)  # fmt: skip
    return table
