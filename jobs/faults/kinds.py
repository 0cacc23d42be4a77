"""The kinds of faults: what each does to a command, and which ends of it are good ones."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.faults.commands import MOST_SECONDS, POLL_SECONDS, Command, processes_of, words_of
from jobs.faults.disks import as_plain_user, limit_files, nearly_full, no_writing, own_disk, size_of, taken_away
from jobs.faults.line import INDEPENDENT, STAGES, Line, first_step_of
from jobs.faults.traces import is_trace_in

EXECUTORS = "local-cluster[2,1,1024]"
EXECUTOR, PYTHON_WORKER = "CoarseGrainedExecutorBackend", "pyspark.daemon"
DONE, CONTRACT, PLACE = 0, 3, 4
LEAST_FILE = 512
SHARE_CUT = 0.5
# Instants that this process asks for lie a day earlier with each question.
CLOCK = """
import datetime as module
from contextlib import suppress
from itertools import count
with suppress(ImportError):
    import pandas  # its C code takes the size of the class for granted
real, asked = module.datetime, count(1)

class Kind(type):
    def __instancecheck__(cls, one):
        return isinstance(one, real)

class SteppingBack(real, metaclass=Kind):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) - module.timedelta(days=next(asked))

module.datetime = SteppingBack
"""


@dataclass(frozen=True)
class Ending:
    """How the disturbed command (or several) ended: what was done to it, and what is wrong with its end, if anything.

    `is_hit` is false where it came to its end before the fault.
    """

    what: str
    is_hit: bool
    complaint: str = ""


@dataclass(frozen=True)
class Scene:
    """One trial: the command of number `stage`, on a warehouse in the state that it finds, and the trial's chance.

    `held` keeps what must last until the command was run again and looked at.
    """

    line: Line
    stage: int
    chance: random.Random
    held: ExitStack

    def wait(self, command: Command) -> str:
        """Wait for a moment of the command that chance draws; says which. Empty if it ended before."""
        lasted = self.line.lasted(self.stage)
        after = self.chance.random() * (lasted.end - lasted.first_step)
        while command.process.poll() is None and command.seconds < MOST_SECONDS:
            begun = first_step_of(command)
            if begun is not None and command.seconds >= begun + after:
                return f"{after:.1f} s into it"
            time.sleep(POLL_SECONDS)
        return ""


Kind = Callable[[Scene], Ending]


def driver_killed(scene: Scene) -> Ending:
    """SIGKILL to JVM, driver and Python workers at once."""
    command = scene.line.start(scene.stage)
    moment = scene.wait(command)
    if not moment:
        return ended(command, "ended before", DONE)
    command.kill()
    return Ending(moment, is_hit=True)


def executor_killed(scene: Scene) -> Ending:
    """SIGKILL to one of two executors; the job goes on by itself."""
    command = scene.line.start(scene.stage, master=EXECUTORS)
    found = _awaited(command, EXECUTOR)
    # Spark keeps the executors of a local cluster below its own folder, a folder an application: that goes again.
    folders = {Path(f"/proc/{pid}/cwd").readlink().parent for pid in found}
    moment = scene.wait(command)
    if hit := bool(moment) and bool(found := _awaited(command, EXECUTOR)):
        _kill(scene.chance.choice(found))
    ending = ended(command, moment or "ended before", DONE, is_hit=hit)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return ending


def python_killed(scene: Scene) -> Ending:
    """SIGKILL to the Python processes of tasks, as a system short of memory does."""
    command = scene.line.start(scene.stage)
    moment = scene.wait(command)
    found = _awaited(command, PYTHON_WORKER) if moment else []
    for pid in found:
        _kill(pid)
    return ended(command, moment or "ended before", DONE, PLACE, is_hit=bool(found))


def disk_full(scene: Scene) -> Ending:
    """The warehouse's disk has room for a part of what the command adds, or files may not grow beyond a size."""
    line = scene.line
    shutil.rmtree(line.warehouse)
    line.warehouse.mkdir()
    is_own = scene.held.enter_context(own_disk(line.warehouse))
    line.fill(scene.stage)
    if not is_own:
        return _files_limited(scene)
    added = size_of(line.after(scene.stage)) - size_of(line.warehouse)
    room = int(scene.chance.random() * max(added, 0))
    with nearly_full(line.warehouse, room):
        return ended(line.start(scene.stage), f"room for {room:,} bytes", DONE, PLACE)


def _files_limited(scene: Scene) -> Ending:
    command = scene.line.start(scene.stage)
    while first_step_of(command) is None and command.process.poll() is None:
        time.sleep(POLL_SECONDS)
    size = int(LEAST_FILE * 2 ** (8 * scene.chance.random()))
    limit_files(processes_of(command.process.pid), size)
    return ended(command, f"files of {size:,} bytes", DONE, PLACE, is_hit=True)


def read_only(scene: Scene) -> Ending:
    """From a moment on the warehouse may not be written."""
    under = as_plain_user()
    if under is None:
        return Ending("left out: needs setpriv", is_hit=False)
    command = scene.line.start(scene.stage, under=under)
    moment = scene.wait(command)
    with no_writing(scene.line.warehouse) if moment else nullcontext():
        return ended(command, moment or "ended before", DONE, PLACE, is_hit=bool(moment))


def vanished(scene: Scene) -> Ending:
    """From a moment on the warehouse's folder is not there; afterwards it is back."""
    command = scene.line.start(scene.stage)
    moment = scene.wait(command)
    with taken_away(scene.line.warehouse) if moment else nullcontext():
        return ended(command, moment or "ended before", DONE, PLACE, is_hit=bool(moment))


def twice_at_once(scene: Scene) -> Ending:
    """The same command twice at once."""
    one, other = (scene.line.start(scene.stage, scratch=name) for name in ("one", "other"))
    endings = [ended(command, "both", DONE, is_hit=True) for command in (one, other)]
    return next((ending for ending in endings if ending.complaint), endings[0])


def beside_the_next(scene: Scene) -> Ending:
    """The next command of the line at the same time, which may find that its input is not there yet."""
    first, second = (scene.line.start(scene.stage + more, scratch=str(more)) for more in (0, 1))
    endings = [ended(first, "both", DONE, is_hit=True), ended(second, "both", DONE, 2, CONTRACT, is_hit=True)]
    return next((ending for ending in endings if ending.complaint), endings[0])


def clock_steps_back(scene: Scene) -> Ending:
    """The driver's clock says an earlier day whenever it is asked."""
    folder = scene.line.home / "clock"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    command = scene.line.start(scene.stage, environ={"PYTHONPATH": str(folder)})
    return ended(command, "a day at a time", DONE, is_hit=True)


def parquet_cut(scene: Scene) -> Ending:
    """The Parquet files of about half of the tables have lost their second halves; afterwards they are as they were."""
    tables = [table for table in _tables(scene) if scene.chance.random() < SHARE_CUT]
    return _cut(scene, [file for table in tables for file in table.rglob("*.parquet")])


def log_cut(scene: Scene) -> Ending:
    """The newest entry of a table's log has lost its second half; afterwards it is as it was."""
    return _cut(scene, sorted(scene.chance.choice(_tables(scene)).glob("_delta_log/*.json"))[-1:])


def _tables(scene: Scene) -> list[Path]:
    return sorted(log.parent for log in scene.line.warehouse.glob("*/_delta_log"))


def _cut(scene: Scene, files: Iterable[Path]) -> Ending:
    whole = {file: file.read_bytes() for file in files}
    for file, content in whole.items():
        file.write_bytes(content[: len(content) // 2])
    cut = sorted({file.relative_to(scene.line.warehouse).parts[0] for file in whole})
    ending = ended(scene.line.start(scene.stage), ", ".join(cut), DONE, CONTRACT, PLACE)
    for file, content in whole.items():
        if file.is_file():
            file.write_bytes(content)
    return ending


ANOTHER, PARQUET_CUT, LOG_CUT = "another beside it", "Parquet files cut", "log entry cut"
KINDS: Mapping[str, Kind] = {
    "driver killed": driver_killed,
    "executor killed": executor_killed,
    "Python workers killed": python_killed,
    "disk full": disk_full,
    "warehouse read-only": read_only,
    "warehouse gone": vanished,
    "the same twice at once": twice_at_once,
    ANOTHER: beside_the_next,
    "clock steps back": clock_steps_back,
    PARQUET_CUT: parquet_cut,
    LOG_CUT: log_cut,
}
KILLS = ("driver killed", "executor killed", "Python workers killed")
EVERY, WITH_TABLES = range(len(STAGES)), range(1, len(STAGES))
STAGES_OF: Mapping[str, Sequence[int]] = {
    **dict.fromkeys(KINDS, EVERY), ANOTHER: INDEPENDENT, PARQUET_CUT: WITH_TABLES, LOG_CUT: WITH_TABLES
}  # fmt: skip
"""The commands that a kind can disturb: the first of the line finds no table."""


def ended(command: Command, what: str, *good: int, is_hit: bool | None = None) -> Ending:
    """The ending of a command, waited for; where chance decides if it is hit, a status other than 0 says that it is."""
    status = command.finish()
    complaint = "" if status in good else f"exit status {status}, not {' or '.join(map(str, good))}"
    if is_trace_in("\n".join(said.line for said in list(command.said))):
        complaint = complaint or f"a stack trace, with exit status {status}"
    told = f"{complaint}:\n{command.output[-3000:]}" if complaint else ""
    return Ending(f"{what}; exit status {status}", status != 0 if is_hit is None else is_hit, told)


def _awaited(command: Command, part: str) -> list[int]:
    """The processes of a command whose words hold `part`, as soon as there are any; none if it ends before."""
    while command.process.poll() is None and command.seconds < MOST_SECONDS:
        if found := [pid for pid in processes_of(command.process.pid) if part in words_of(pid)]:
            return found
        time.sleep(POLL_SECONDS)
    return []


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
