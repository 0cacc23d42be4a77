"""The kinds of faults: what each does to a command, and which ends of it are good ones."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.faults.commands import MOST_SECONDS, POLL_SECONDS, Command, processes_of, words_of
from jobs.faults.disks import as_plain_user, enlarge, limit_files, no_writing, size_of, small_disk, taken_away
from jobs.faults.line import Line, first_step_of
from jobs.faults.traces import is_trace_in

EXECUTORS = "local-cluster[2,1,1024]"
EXECUTOR, PYTHON_WORKER = "CoarseGrainedExecutorBackend", "pyspark.daemon"
DONE, CONTRACT, PLACE = 0, 3, 4
LEAST_ROOM = 64 * 1024
LEAST_FILE = 512
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
    """The warehouse's disk has room for a part of what the command writes, or files may not grow beyond a size."""
    line = scene.line
    found = line.before(scene.stage)
    grown = size_of(line.after(scene.stage)) - (size_of(found) if found else 0)
    size = size_of(line.warehouse) + LEAST_ROOM + int(scene.chance.random() * max(grown, 0))
    shutil.rmtree(line.warehouse)
    line.warehouse.mkdir()
    is_small = scene.held.enter_context(small_disk(line.warehouse, size))
    line.fill(scene.stage)
    if not is_small:
        return _files_limited(scene)
    ending = ended(line.start(scene.stage), f"{size:,} bytes", DONE, PLACE)
    enlarge(line.warehouse)
    return ending


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
    """A file of a table has lost its second half; afterwards it is as it was."""
    return _cut(scene, "*/**/*.parquet")


def log_cut(scene: Scene) -> Ending:
    """The newest entry of a table's log has lost its second half; afterwards it is as it was."""
    return _cut(scene, "*/_delta_log/*.json", newest=True)


def _cut(scene: Scene, pattern: str, *, newest: bool = False) -> Ending:
    root = scene.line.warehouse
    tables: dict[str, list[Path]] = {}
    for file in sorted(root.glob(pattern)):
        tables.setdefault(file.relative_to(root).parts[0], []).append(file)
    if not tables:
        return Ending("no table yet", is_hit=False)
    files = tables[scene.chance.choice(sorted(tables))]
    file = files[-1] if newest else scene.chance.choice(files)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    command = scene.line.start(scene.stage)
    ending = ended(command, str(file.relative_to(root).parts[0]), DONE, CONTRACT, PLACE)
    file.write_bytes(whole)
    return ending


KINDS: Mapping[str, Kind] = {
    "driver killed": driver_killed,
    "executor killed": executor_killed,
    "Python workers killed": python_killed,
    "disk full": disk_full,
    "warehouse read-only": read_only,
    "warehouse gone": vanished,
    "the same twice at once": twice_at_once,
    "another beside it": beside_the_next,
    "clock steps back": clock_steps_back,
    "Parquet file cut": parquet_cut,
    "log entry cut": log_cut,
}
ANOTHER = "another beside it"
KILLS = ("driver killed", "executor killed", "Python workers killed")


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
