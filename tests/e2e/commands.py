"""Commands of a small demo, the moments at which tests kill them, and runs that must end well."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jobs.faults.commands import MOST_SECONDS, POLL_SECONDS, Command

SMALL = ["--conf", "local", "--master", "local[2]", "--set", "spark.shuffle_partitions=2",
         "--set", "spark.snapshot_partitions=1"]  # fmt: skip
SMALL_DEMO = ["demo", *SMALL, "--set", "simulation.customers=300", "--set", "simulation.days=600",
              "--set", "training.trees=20"]  # fmt: skip

STEPS = [("simulate", 1), ("ingest", 1), ("ingest", 2), ("ingest", 3), ("build_features", 1), ("build_training_set", 1),
         ("build_training_set", 2), ("train", 1), ("train", 2), ("score", 1), ("publish", 1)]  # fmt: skip
"""The steps of a small demo that write, those of one name counted."""


Reached = Callable[[], bool]


@dataclass(frozen=True)
class Moment:
    """When to kill: `arm` is asked as a command starts, and what it returns again and again as it runs."""

    name: str
    arm: Callable[[Command, Path], Reached] = field(repr=False)


def after_commit(table: str, commits: int = 1) -> Moment:
    """The instant that `table` has so many more versions than when the command started."""

    def arm(command: Command, warehouse: Path) -> Reached:
        log = warehouse / table / "_delta_log"
        newest = max((int(file.stem) for file in log.glob("*.json")), default=-1)
        return (log / f"{newest + commits:020d}.json").exists

    return Moment(f"{table} + {commits} commits" if commits > 1 else f"{table} + 1 commit", arm)


def in_step(step: str, place: int, *, seconds: float) -> Moment:
    """So many seconds into a step, or at its end if that comes first."""

    def arm(command: Command, warehouse: Path) -> Reached:
        def reached() -> bool:
            begun = command.begun(step, place)
            return begun is not None and (command.seconds > begun + seconds or command.ended(step, place) is not None)

        return reached

    return Moment(f"{step} {place}, {seconds:.1f} s into it", arm)


def once_there(pattern: str) -> Moment:
    """The instant that a new file of that pattern is in the warehouse."""

    def arm(command: Command, warehouse: Path) -> Reached:
        before = set(warehouse.glob(pattern))
        return lambda: bool(set(warehouse.glob(pattern)) - before)

    return Moment(f"a new {pattern}", arm)


def run(words: list[str], *, scratch: Path) -> Command:
    """A command to its end, which must be a good one."""
    command = Command(words, scratch=scratch)
    status = command.finish()
    assert status == 0, f"exit status {status}:\n{command.output}"
    return command


def kill_at(moment: Moment, words: list[str], *, warehouse: Path, scratch: Path) -> None:
    """Start a command and kill it at `moment`, which must come before its end."""
    command = Command(words, scratch=scratch)
    reached = moment.arm(command, warehouse)
    while not reached():
        ended = command.process.poll()
        assert ended is None, f"{moment.name} never came; exit status {ended}:\n{command.output}"
        if command.seconds > MOST_SECONDS:
            command.kill()
            raise AssertionError(f"{moment.name} never came in {MOST_SECONDS:.0f} s:\n{command.output}")
        time.sleep(POLL_SECONDS)
    at = command.seconds
    command.kill()
    say(f"killed at {at:5.1f} s: {moment.name}")


def say(line: str) -> None:
    """A line of progress, for `pytest -s`."""
    print(line, flush=True)
