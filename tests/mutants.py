"""Breaks the engine in ten places, one after another, and says which test notices: `make mutants`.

Each mutant is one line of `featurestore/` changed in a copy of the project; the tests without a JVM (`tests/properties`
and those of the feature store in `tests/unit`) then run until the first fails. A mutant that lives ends with status 1.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("conf", "featurestore", "jobs", "launcher", "models", "tests", "pyproject.toml")
TESTS = ("tests/properties", "tests/unit/features", "tests/unit/store", "tests/unit/test_snapshot_plan.py")
TOGETHER = 2


@dataclass(frozen=True)
class Mutant:
    """One line of a file of `featurestore/`, as it is and as it must not be; `what` a reader would call it."""

    what: str
    file: str
    line: str
    broken: str

    def put_into(self, project: Path) -> None:
        """Raises ValueError unless the line stands exactly once in the file."""
        path = project / "featurestore" / self.file
        text = path.read_text("utf-8")
        if text.count(self.line) != 1:
            raise ValueError(f"mutant '{self.what}': {self.line!r} stands {text.count(self.line)} times in {path.name}")
        path.write_text(text.replace(self.line, self.broken), "utf-8")


MUTANTS = (
    Mutant("window end: an event at the instant counts", "sweep.py",
           "self._clipped(time), side=\"left\")", "self._clipped(time), side=\"right\")"),
    Mutant("window start: a day more", "sweep.py",
           "self._position(until - window.days * DAY_US)", "self._position(until - (window.days + 1) * DAY_US)"),
    Mutant("offset: only the end moves", "sweep.py",
           "until - window.days * DAY_US)", "self.queries.time - window.days * DAY_US)"),
    Mutant("filter: the last condition alone", "sweep.py",
           "keep &= self.histories.measures[condition.column].where(condition)",
           "keep = self.histories.measures[condition.column].where(condition)"),
    Mutant("NULL: a measure without value is folded as 0", "sweep.py", "keep &= measure.valid", "keep &= True"),
    Mutant("tie: the last value by time alone", "states.py",
           "return event.time, event.event_id", "return event.time, \"\""),
    Mutant("merge: squares of one side alone", "states.py",
           "return tuple(a + b for a, b in zip(one, other, strict=True))",
           "return one[0] + other[0], one[1] + other[1], one[2]"),
    Mutant("known: an event known exactly at the cut counts", "spine_fold.py",
           "keep = known_at[index] < until[part][owner]", "keep = known_at[index] <= until[part][owner]"),
    Mutant("late: a batch that came after a build leaves it complete", "snapshot_plan.py",
           "day in stored.dates and not one.unseen(ingested)}", "day in stored.dates}"),
    Mutant("distinct: a value of one customer hides that of the next", "aggregates.py",
           "same = (rank[1:] == rank[:-1]) & (sorted_code", "same = (sorted_code"),
)  # fmt: skip


def noticed_by(mutant: Mutant) -> str:
    """The first test that fails on a copy of the project with the mutant in it; "" where none does."""
    with TemporaryDirectory(prefix="mutant-") as folder:
        project = Path(folder)
        for name in COPIED:
            of = ROOT / name
            (shutil.copytree if of.is_dir() else shutil.copy)(of, project / name)
        mutant.put_into(project)
        asked = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *TESTS]
        said = subprocess.run(asked, check=False, cwd=project, capture_output=True, text=True).stdout
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    if failed is None and not re.search(r"\d+ passed", said):
        raise RuntimeError(f"mutant '{mutant.what}': the tests did not run\n{said}")
    return "" if failed is None else failed[1]


def main() -> int:
    """Prints a line for each mutant; the exit status."""
    lived = 0
    with ThreadPoolExecutor(TOGETHER) as running:
        for mutant, test in zip(MUTANTS, running.map(noticed_by, MUTANTS), strict=True):
            lived += not test
            print(f"{mutant.what} ({mutant.file}): {test or 'LIVED'}", flush=True)
    print(f"{len(MUTANTS) - lived} of {len(MUTANTS)} noticed")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())
