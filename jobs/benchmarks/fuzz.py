"""Malformed inputs by the thousand, each fed to the command that takes it: how it ends, and what it leaves.

Trial N of a seed is the same whatever ran before it: `--seed S` draws the same commands and files again. The trials of
files share warehouses that hold a few faultless batches, a new one every `SHARED_BY` trials.
"""

from __future__ import annotations

import io
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.malformed.configurations import of_labels, of_settings, of_sources
from jobs.benchmarks.malformed.queries import of_names, of_queries
from jobs.benchmarks.malformed.records import of_json, of_parquet
from jobs.benchmarks.malformed.texts import of_bytes, of_csv
from jobs.benchmarks.malformed.trial import DONE, Drawing, Family, Trial, csv_text
from jobs.benchmarks.malformed.values import of_aliases, of_times, of_types
from jobs.benchmarks.standing import Standing, breaks, standing_of
from jobs.faults.traces import is_trace_in
from jobs.run import Run

SIZES = {"trials": 1_000}
FILES: tuple[Family, ...] = (of_bytes, of_csv, of_json, of_parquet, of_types, of_times, of_aliases)
WORDS: tuple[Family, ...] = (of_settings, of_sources, of_labels, of_queries, of_names)
FAMILIES = tuple(
    family
    for at, of_files in enumerate(FILES)
    for family in (of_files, WORDS[2 * at % len(WORDS)], WORDS[(2 * at + 1) % len(WORDS)])
)
"""In turn; a trial of files takes seconds, one of words mostly none: two of these to one of those."""
SHARED_BY = 40
STATUSES = (0, 1, 2, 3, 4)
SMALL = ("spark.shuffle_partitions=1", "spark.snapshot_partitions=1", "lock_wait_seconds=0",
         "spark.extra={spark.sql.codegen.wholeStage: false, spark.sql.codegen.factoryMode: NO_CODEGEN}")  # fmt: skip
"""Tables of a few rows: to compile an expression takes longer than to interpret it."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended, and all that is wrong with that."""

    status: int
    wrong_status: bool
    stack_trace: bool
    conservation: Sequence[str]
    half_written: Sequence[str]
    escaped: bool
    said: str

    @property
    def faults(self) -> list[str]:
        """What is wrong, in words; empty where nothing is."""
        named = {f"exit status {self.status}": self.wrong_status, "stack trace": self.stack_trace,
                 "did what it must not": self.escaped}  # fmt: skip
        return [name for name, is_so in named.items() if is_so] + [*self.conservation, *self.half_written]


def run(run: Run) -> list[Figure]:
    """Run the trials, print each that went wrong, and count how they ended."""
    outcomes: list[Outcome] = []
    with TemporaryDirectory(prefix="fuzz-", dir=_home(run)) as folder:
        seconds = seconds_of(lambda: outcomes.extend(_outcomes(run, Path(folder))))
    return [
        Figure("trials", len(outcomes), "trials"),
        *[Figure(f"exit_{status}", sum(one.status == status for one in outcomes), "trials") for status in STATUSES],
        Figure("wrong_exits", sum(one.wrong_status for one in outcomes), "trials"),
        Figure("stack_traces", sum(one.stack_trace for one in outcomes), "trials"),
        Figure("conservation_breaks", sum(bool(one.conservation) for one in outcomes), "trials"),
        Figure("half_written", sum(bool(one.half_written) for one in outcomes), "trials"),
        Figure("escapes", sum(one.escaped for one in outcomes), "trials"),
        Figure("seconds_a_trial", seconds / len(outcomes), "s"),
    ]


def _home(run: Run) -> Path:
    home = Path(run.settings.warehouse).absolute() / "bench"
    home.mkdir(parents=True, exist_ok=True)
    return home


def _outcomes(run: Run, folder: Path) -> Iterator[Outcome]:
    """Every trial's outcome, in order; those with faults are printed as they come."""
    ended: Counter[str] = Counter()
    for number, (trial, warehouse) in enumerate(_trials(run, folder)):
        outcome = tried(trial, warehouse)
        ended[trial.family] += 1
        if outcome.faults:
            run.out.print(f"trial {number}, {trial.family}, {trial.kind}: {'; '.join(outcome.faults)}", markup=False)
            run.out.print(f"  {' '.join(trial.words)[:300]!r}\n  {outcome.said[:400]!r}", markup=False)
        yield outcome
    run.out.print(", ".join(f"{family} {count}" for family, count in sorted(ended.items())))


def _trials(run: Run, folder: Path) -> Iterator[tuple[Trial, Path]]:
    template = folder / "template"
    _fill(template, seed=run.settings.seed)
    for number in range(run.arguments.trials):
        warehouse = folder / f"w{number // SHARED_BY}"
        if number % SHARED_BY == 0:
            shutil.copytree(template, warehouse)
        of_its_own = folder / f"t{number}"
        of_its_own.mkdir()
        yield drawn(run.settings.seed, number, of_its_own), warehouse
        shutil.rmtree(of_its_own)


def drawn(seed: int, number: int, folder: Path) -> Trial:
    """Trial `number` of a seed, its files in `folder`."""
    return FAMILIES[number % len(FAMILIES)](Drawing(random.Random(f"{seed}:{number}"), folder))


def _fill(template: Path, *, seed: int) -> None:
    """A warehouse with two faultless batches, so that no trial is the first load."""
    for number in range(2):
        folder = template.with_name(f"first{number}")
        folder.mkdir(parents=True)
        draw = Drawing(random.Random(f"{seed}:first:{number}"), folder)
        path = draw.write("first.csv", csv_text(draw.records()))
        status, said = ended(["ingest", "--source", draw.shop(), "--input", path], template)
        if status != DONE:
            raise AssertionError(f"a faultless file was refused: {said}")


def tried(trial: Trial, warehouse: Path) -> Outcome:
    """Run a trial's command on a warehouse, and compare what it left with what was there."""
    before = standing_of(warehouse)
    status, said = ended(trial.words, warehouse)
    after = standing_of(warehouse)
    return Outcome(status, status not in trial.may_end, is_trace_in(said),
                   _conservation(trial, before, after) if after != before else (),
                   () if status == DONE and trial.words[0] == "ingest" else breaks(before, after),
                   trial.trap is not None and trial.trap.exists(), said)  # fmt: skip


def _conservation(trial: Trial, before: Standing, after: Standing) -> list[str]:
    """What does not add up in the tables, and a batch whose rows are not those that its file holds."""
    found = list(after.unbalanced)
    for batch in after.rows_read.keys() - before.rows_read.keys():
        if trial.rows is not None and after.rows_read[batch] != trial.rows:
            found.append(f"{after.rows_read[batch]} rows read of {trial.rows}")
    return found


def ended(words: Sequence[str], warehouse: Path) -> tuple[int, str]:
    """The exit status of a command, run by the job's own code in this process, and what it said on stderr."""
    from jobs.main import main  # it imports the jobs by their names, this one among them

    small = [word for setting in SMALL for word in ("--set", setting)]
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        status = main([*words, "--warehouse", str(warehouse), *small])
    return status, said.getvalue()
