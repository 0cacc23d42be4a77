"""Real commands in processes of their own: what they say and which step they are in; killing all of one at once."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

POLL_SECONDS = 0.002
MOST_SECONDS = 600.0
MOST_SECONDS_TO_VANISH = 60.0
LEFT_TO_THE_LAUNCHER = {"PYTHONPATH", "SPARK_HOME", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"}
"""What the variables of this process would hide: that something was not shipped."""
SMALL = ["--conf", "local", "--master", "local[2]", "--set", "spark.shuffle_partitions=2",
         "--set", "spark.snapshot_partitions=1"]  # fmt: skip
SMALL_DEMO = ["demo", *SMALL, "--set", "simulation.customers=300", "--set", "simulation.days=600",
              "--set", "training.trees=20"]  # fmt: skip

STEPS = [("simulate", 1), ("ingest", 1), ("ingest", 2), ("ingest", 3), ("build_features", 1), ("build_training_set", 1),
         ("build_training_set", 2), ("train", 1), ("train", 2), ("score", 1), ("publish", 1)]  # fmt: skip
"""The steps of a small demo that write, those of one name counted."""


@dataclass(frozen=True)
class Said:
    """A line of output and when it came, in seconds from the start."""

    at: float
    line: str


class Command:
    """`./spark-submit.sh WORDS`, in a session of its own so that its JVM and Python workers end with it."""

    def __init__(self, words: list[str], *, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        # What a killed JVM leaves in its temporary folders goes with the test's own.
        away = {"TMPDIR": str(scratch), "SPARK_LOCAL_DIRS": str(scratch)}
        kept = {key: value for key, value in os.environ.items() if key not in LEFT_TO_THE_LAUNCHER}
        self._started, self._ended = time.monotonic(), None
        self.process = subprocess.Popen(
            [str(ROOT / "spark-submit.sh"), *words], env={**kept, **away}, cwd=scratch, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.said: list[Said] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.said.append(Said(self.seconds, line.rstrip()))
        self._ended = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start, or from the start to the end."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def output(self) -> str:
        return "\n".join(f"{said.at:6.1f} {said.line}" for said in list(self.said))

    def begun(self, step: str, place: int = 1) -> float | None:
        """When the step of that name began (the second of two of one name: `place` 2); None before."""
        return self._at(f"{step} ...", place)

    def ended(self, step: str, place: int = 1) -> float | None:
        """When the step of that name ended; None before."""
        return self._at(f"{step}: ", place)

    def _at(self, start: str, place: int) -> float | None:
        found = [said.at for said in list(self.said) if said.line.startswith(start)]
        return found[place - 1] if len(found) >= place else None

    def finish(self, *, within: float = MOST_SECONDS) -> int:
        """Wait for the end; the exit status. A command that takes longer is killed, and that is its status."""
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(MOST_SECONDS_TO_VANISH)
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL to the JVM and the driver at once, and wait until their Python workers are gone, too."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + MOST_SECONDS_TO_VANISH
        while left := processes_of(self.process.pid):
            if time.monotonic() > deadline:
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                raise AssertionError(
                    f"{len(left)} processes of a killed command lived on for {MOST_SECONDS_TO_VANISH} s"
                )
            time.sleep(0.05)


def processes_of(session: int) -> list[int]:
    """The living processes of a session, where the system tells (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold anything; after it: state, parent, group, session.
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


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


def kill_session(session: int) -> None:
    """SIGKILL to all processes of a session, until none is left: what a machine that fails does to them."""
    deadline = time.monotonic() + MOST_SECONDS_TO_VANISH
    while left := processes_of(session):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(left)} killed processes lived on for {MOST_SECONDS_TO_VANISH} s")
        time.sleep(POLL_SECONDS)


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
