"""A campaign of trials: one fault, the same command once more, and what the warehouse then holds against a clean run's.

It keeps what it found in its folder, trial by trial, so that a campaign that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from featurestore.erasure_records import ERASURES
from featurestore.file_records import INGEST_FILES
from featurestore.ingest_runs import INGEST_RUNS
from jobs.faults.contents import NOTHING, differences, entries, lines, models
from jobs.faults.kinds import ANOTHER, KILLS, KINDS, STAGES_OF, Scene
from jobs.faults.line import STAGES, Line
from jobs.run import JOB_RUNS
from jobs.session import PROJECT

SOURCES = ("featurestore", "models", "jobs", "conf", "launcher")
CODE = "code.txt"
WRITTEN_ANEW = {INGEST_FILES.name: {"batch_id"}, INGEST_RUNS.name: {"batch_id"}}
"""A batch is known by names and bytes of its files, and Spark names those of the simulator anew each time."""


@dataclass(frozen=True)
class Planned:
    """A trial that is to be made."""

    number: int
    kind: str
    stage: int


@dataclass(frozen=True)
class Trial:
    """A trial that was made; `changed` names the tables that differ from a clean run's, `complaint` a bad ending."""

    number: int
    kind: str
    stage: int
    what: str
    is_hit: bool
    changed: list[str]
    complaint: str


def plan(seed: int, kinds: Sequence[str] = ()) -> Iterator[Planned]:
    """Trials without end: each round kills each command's driver and its executor or Python, and does one of each else.

    With `kinds` each round does each of those, and no other, to each command that it can disturb.

    >>> from itertools import islice
    >>> first = list(islice(plan(7), 100))
    >>> sum(one.kind in KILLS for one in first) >= 60
    True
    >>> first == list(islice(plan(7), 100))
    True
    >>> {one.kind for one in islice(plan(7, ["disk full"]), 15)}
    {'disk full'}
    """
    chance = random.Random(seed)
    number = count()
    others = [kind for kind in KINDS if kind not in KILLS]
    for turn in count():
        killed = [(KILLS[0], stage) for stage in range(len(STAGES))]
        killed += [(KILLS[1 + (stage + turn) % 2], stage) for stage in range(len(STAGES))]
        rest = [(kind, chance.choice(STAGES_OF[kind])) for kind in others]
        asked = [(kind, stage) for kind in kinds for stage in STAGES_OF[kind]]
        planned = asked if kinds else [*killed, *rest]
        chance.shuffle(planned)
        yield from (Planned(next(number), kind, stage) for kind, stage in planned)


def run_campaign(
    folder: Path, *, trials: int, seed: int, tell: Callable[[str], None], kinds: Sequence[str] = ()
) -> list[Trial]:
    """Make the trials (of `kinds`) that an earlier start has not made yet, `trials` in all, and return them all."""
    _forget_other_code(folder, tell)
    line = Line(folder, tell)
    line.prepare()
    kept = folder / f"{'-'.join(['trials', *kinds]).replace(' ', '-')}.jsonl"
    made = _made(kept)
    for planned in plan(seed, kinds):
        if planned.number >= trials:
            break
        if planned.number < len(made):
            continue
        trial = _tried(line, planned, chance=random.Random(f"{seed}:{planned.number}"))
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(trial)) + "\n")
        made.append(trial)
        tell(_told(trial, trials))
    shutil.rmtree(line.warehouse, ignore_errors=True)
    return made[:trials]


def _tried(line: Line, planned: Planned, *, chance: random.Random) -> Trial:
    line.restore(planned.stage)
    with ExitStack() as held:
        ending = KINDS[planned.kind](Scene(line, planned.stage, chance, held))
        last = planned.stage + (planned.kind == ANOTHER)
        for stage in range(planned.stage, last + 1):
            line.run(stage)
        other_names = WRITTEN_ANEW if planned.stage == 0 < last else NOTHING
        changed = changes(line.warehouse, line.after(last), leave_out=other_names)
    return Trial(planned.number, planned.kind, planned.stage, ending.what, ending.is_hit, changed, ending.complaint)


def changes(found: Path, clean: Path, *, leave_out: Mapping[str, Collection[str]] = NOTHING) -> list[str]:
    """What differs between two warehouses but for lineage and `leave_out`: tables, models and their figures, files.

    Runs and erasures are recorded as often as they were asked for, which is more often after a fault.
    """
    told = differences(found, clean, leave_out=leave_out, apart_from={JOB_RUNS.name, ERASURES.name})
    if (mine := models(found)) != (theirs := models(clean)):
        told.append(f"models: such as {next(iter(mine - theirs), None)} for {next(iter(theirs - mine), None)}")
    if (mine_there := entries(found)) != (there := entries(clean)):
        told.append(f"the folder: {sorted(mine_there ^ there)} only in one of the two")
    told += [f"files {kind}: other lines" for kind in ("raw/**/*.csv", "raw/**/*.json", "*.csv")
             if lines(found, kind) != lines(clean, kind)]  # fmt: skip
    return told


def _told(trial: Trial, trials: int) -> str:
    place = f"{trial.number + 1}/{trials} {trial.kind}, {STAGES[trial.stage].name}: {trial.what}"
    found = [f"  CHANGED {one}" for one in trial.changed] + ([f"  BAD {trial.complaint}"] if trial.complaint else [])
    return "\n".join([place, *found])


def _made(kept: Path) -> list[Trial]:
    return [Trial(**json.loads(line)) for line in kept.read_text("utf-8").splitlines()] if kept.is_file() else []


def _forget_other_code(folder: Path, tell: Callable[[str], None]) -> None:
    """What was found with other code says nothing of this one: such a folder is emptied."""
    digest, kept = _digest_of_sources(), folder / CODE
    if kept.is_file() and kept.read_text("utf-8") != digest:
        tell("the code has changed since the campaign began: it begins anew")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(digest, "utf-8")


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for package in SOURCES:
        for path in sorted((PROJECT / package).rglob("*")):
            if path.suffix in (".py", ".yml", ".sh"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
