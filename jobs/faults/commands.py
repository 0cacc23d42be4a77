"""Real commands in processes of their own: what they say and which step they are in; killing all of one at once."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.session import PROJECT

POLL_SECONDS = 0.002
MOST_SECONDS = 600.0
MOST_SECONDS_TO_VANISH = 60.0
LEFT_TO_THE_LAUNCHER = ("PYTHONPATH", "PYSPARK_", "SPARK_")
"""Variables of this process that would hide that something was not shipped, or lead to the Spark that runs this."""
NOTHING: Mapping[str, str] = {}


def plain_environment() -> dict[str, str]:
    """The variables of this process but those that the launcher is to set itself."""
    return {key: value for key, value in os.environ.items() if not key.startswith(LEFT_TO_THE_LAUNCHER)}


@dataclass(frozen=True)
class Said:
    """A line of output and when it came, in seconds from the start."""

    at: float
    line: str


class Command:
    """`./spark-submit.sh WORDS`, in a session of its own so that its JVM and Python workers end with it."""

    def __init__(
        self, words: Sequence[str], *, scratch: Path, environ: Mapping[str, str] = NOTHING, under: Sequence[str] = ()
    ) -> None:
        """Start it; `environ` are variables beside the usual, `under` the words of a program that starts it."""
        scratch.mkdir(parents=True, exist_ok=True)
        # What a killed JVM leaves in its temporary folders goes with the test's own.
        away = {"TMPDIR": str(scratch), "SPARK_LOCAL_DIRS": str(scratch)}
        self._started = time.monotonic()
        self._ended: float | None = None
        self.process = subprocess.Popen(
            [*under, str(PROJECT / "spark-submit.sh"), *words], env={**plain_environment(), **away, **environ},
            cwd=scratch, start_new_session=True,
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
                raise TimeoutError(f"{len(left)} processes of a killed command lived for {MOST_SECONDS_TO_VANISH} s")
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


def words_of(pid: int) -> str:
    """What a process was started with; empty where there is none of that number."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def kill_session(session: int) -> None:
    """SIGKILL to all processes of a session, until none is left: what a machine that fails does to them."""
    deadline = time.monotonic() + MOST_SECONDS_TO_VANISH
    while left := processes_of(session):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(left)} killed processes lived on for {MOST_SECONDS_TO_VANISH} s")
        time.sleep(POLL_SECONDS)
