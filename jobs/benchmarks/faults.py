"""What is left of a fault once the command was run again: kills, full disks, crossing runs, broken files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table as Rich

from featurestore.errors import ConfigurationError
from jobs.benchmarks.contest import Figure
from jobs.faults.campaign import Trial, run_campaign
from jobs.faults.kinds import KILLS, KINDS
from jobs.run import Run

SIZES = {"trials": 114}


def run(run: Run) -> list[Figure]:
    """Trials by kind, and how many of them left another digit, or ended as a command must not.

    With `--kind`, once or more often, those kinds only, each in every command of the line that it can disturb.
    Below the warehouse, in `bench/faults`; a campaign that was stopped goes on there at the next start.
    """
    folder, kinds = Path(run.settings.warehouse) / "bench" / "faults", run.arguments.kind
    if unknown := sorted({*kinds} - {*KINDS}):
        raise ConfigurationError(f"--kind: no faults of kind {unknown}; there are {', '.join(KINDS)}.")
    found = run_campaign(
        folder, trials=run.arguments.trials, seed=run.settings.seed, tell=run.progress.print, kinds=kinds
    )
    run.out.print(fault_table(found))
    kills = [trial for trial in found if trial.kind in KILLS and trial.is_hit]
    return [
        Figure("kills", len(kills), "kills"),
        Figure("trials", len(found), "trials"),
        Figure("trials_with_other_digits", sum(bool(trial.changed) for trial in found), "trials"),
        Figure("trials_with_a_bad_end", sum(bool(trial.complaint) for trial in found), "trials"),
    ]


def fault_table(found: Sequence[Trial]) -> Rich:
    """A row a kind. Hit: the fault came before the command's end, or the command noticed it."""
    table = Rich(title="Faults, each followed by the same command once more", title_justify="left")
    for title in ("kind", "trials", "hit", "commands", "with other digits", "with a bad end"):
        table.add_column(title, justify="left" if title == "kind" else "right")
    for kind in KINDS:
        of = [trial for trial in found if trial.kind == kind]
        hit, commands = sum(trial.is_hit for trial in of), len({trial.stage for trial in of})
        changed, bad = sum(bool(trial.changed) for trial in of), sum(bool(trial.complaint) for trial in of)
        table.add_row(kind, *map(str, (len(of), hit, commands, changed, bad)))
    return table
