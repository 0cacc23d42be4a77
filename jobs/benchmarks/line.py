"""The whole line over simulated customers, each step a command of its own: seconds, memory, disk, and how they grow.

First a tenth of the customers, then all; more customers than SAMPLE are learned from on a sample of so many, at as-ofs
STEP_DAYS apart. In local mode one JVM is driver and executors; Python workers are processes beside it.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from deltalake import DeltaTable

from featurestore.errors import EnvironmentProblem
from featurestore.ingest_runs import INGEST_RUNS
from featurestore.simulation.world import World
from jobs.benchmarks.contest import Figure
from jobs.demo import SIMULATED_SOURCES
from jobs.faults.commands import Command, processes_of, words_of
from jobs.faults.disks import size_of
from jobs.run import Run
from jobs.score_tables import SCORES
from jobs.simulate import truth_date

SIZES = {"customers": 100_000, "days": 1100}
TENTH = 10
SAMPLE = 100_000
STEP_DAYS = 84
LOOK_SECONDS = 0.25
KIBIBYTES_A_MIB = 1024
BYTES_A_MIB = 2**20
JVM, DRIVER, WORKER = "jvm", "driver_python", "largest_python_worker"
WORKERS = "pyspark.daemon"


@dataclass(frozen=True)
class Measured:
    """Seconds of a command, and by kind of process the most memory, MiB, that one of them ever had."""

    step: str
    seconds: float
    peaks: dict[str, float]


def run(run: Run) -> list[Figure]:
    """Both sizes, step by step; of the larger one memory and disk, and of each step its growth."""
    customers = run.arguments.customers
    sizes = [max(1, customers // TENTH), customers]
    measured: dict[int, Sequence[Measured]] = {}
    figures: list[Figure] = []
    near = Path(run.settings.warehouse) / "bench"
    near.mkdir(parents=True, exist_ok=True)
    for size in sizes:
        with TemporaryDirectory(prefix="run-", dir=near) as folder:
            world = World(size, run.arguments.days, run.settings.seed)
            measured[size] = measured_line(Path(folder), world, tell=run.progress.print)
            figures += _told(size, measured[size], Path(folder))
    return [*figures, *_growth(measured)]


def measured_line(folder: Path, world: World, *, tell: Callable[[str], None]) -> list[Measured]:
    """Run the line in `folder` and measure each command."""
    found = []
    for step, words in commands(folder, world):
        found.append(_measure(step, words, scratch=folder / "scratch"))
        one = found[-1]
        peaks = ", ".join(f"{kind} {mebibytes:,.0f} MiB" for kind, mebibytes in one.peaks.items())
        tell(f"{world.customers:,} customers, {step}: {one.seconds:.1f} s; {peaks}")
    return found


def commands(folder: Path, world: World) -> list[tuple[str, list[str]]]:
    """The steps of the line and the words of their commands.

    >>> [step for step, _ in commands(Path("x"), World(10, 400, 42))][:3]
    ['simulate', 'ingest_orders', 'ingest_interactions']
    """
    warehouse, raw, day = str(folder / "w"), str(folder / "raw"), str(truth_date(world))
    share = min(1.0, SAMPLE / world.customers)
    before = ["--as-of", day, "--set", f"training.customer_share={share}", "--set", f"training.step_days={STEP_DAYS}"]
    steps: list[tuple[str, list[str]]] = [
        ("simulate", ["simulate", "--customers", str(world.customers), "--days", str(world.days), "--out", raw]),
        *[(f"ingest_{name}", ["ingest", "--source", f"simulated_{name}", "--input", f"{raw}/{name}"])
          for name in SIMULATED_SOURCES],
        ("build_features", ["build_features", "--as-of", day]),
        ("build_training_sets", ["build_training_set", "--build", *before]),
        ("train", ["train", *before]),
        ("score", ["score", "--as-of", day]),
    ]  # fmt: skip
    return [(step, [*words, "--warehouse", warehouse]) for step, words in steps]


def _measure(step: str, words: Sequence[str], *, scratch: Path) -> Measured:
    command, peaks = Command(words, scratch=scratch), defaultdict[str, float](float)
    while command.process.poll() is None:
        for kind, mebibytes in _peaks(processes_of(command.process.pid)):
            peaks[kind] = max(peaks[kind], mebibytes)
        time.sleep(LOOK_SECONDS)
    if status := command.finish():
        raise EnvironmentProblem(f"'{step}' ended with {status}:\n{command.output[-4000:]}")
    return Measured(step, command.seconds, {kind: peaks[kind] for kind in (JVM, DRIVER, WORKER)})


def _peaks(pids: Iterable[int]) -> Iterable[tuple[str, float]]:
    """Of each process its kind, and the most that it ever had in memory, MiB."""
    for pid in pids:
        with suppress(OSError, StopIteration):  # it has ended meanwhile
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
            words = words_of(pid)  # not its name, which a process that is about to become another one has from a thread
            is_jvm = words.split("\0")[0].endswith("java")
            yield JVM if is_jvm else WORKER if WORKERS in words else DRIVER, peak / KIBIBYTES_A_MIB


def _told(size: int, measured: Sequence[Measured], folder: Path) -> list[Figure]:
    warehouse = folder / "w"
    runs = DeltaTable(warehouse / INGEST_RUNS.name).to_pyarrow_table(columns=["rows_accepted"])
    events = sum(runs["rows_accepted"].to_pylist())
    scored = DeltaTable(warehouse / SCORES.name).to_pyarrow_dataset().count_rows()
    figures = [Figure(f"events_{size}", events, "events"), Figure(f"scored_{size}", scored, "customers")]
    for one in measured:
        figures.append(Figure(f"{one.step}_seconds_{size}", one.seconds, "s"))
        figures += [Figure(f"{one.step}_{kind}_{size}", mebibytes, "MiB") for kind, mebibytes in one.peaks.items()]
    return [
        *figures,
        Figure(f"line_seconds_{size}", sum(one.seconds for one in measured), "s"),
        Figure(f"raw_files_{size}", size_of(folder / "raw") / BYTES_A_MIB, "MiB"),
        Figure(f"warehouse_{size}", size_of(warehouse) / BYTES_A_MIB, "MiB"),
    ]


def _growth(measured: dict[int, Sequence[Measured]]) -> list[Figure]:
    """Of each step the slope of log seconds on log customers: 1 is proportional."""
    figures = []
    for (fewer, first), (more, then) in pairwise(measured.items()):
        for one, other in zip(first, then, strict=True):
            slope = math.log(other.seconds / one.seconds) / math.log(more / fewer)
            figures.append(Figure(f"{one.step}_slope", slope, "log s / log customers"))
    return figures
