"""The line in small, command by command, on one warehouse, and a copy of that warehouse before and after each."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deltalake import DeltaTable

from featurestore.errors import EnvironmentProblem
from featurestore.ingest_runs import INGEST_RUNS
from featurestore.simulation.world import World
from jobs.faults.commands import Command
from jobs.simulate import truth_date

SHOP = World(300, 600, 42)
AS_OF = str(truth_date(SHOP))
LABEL = "churn_60d"
# One process fits: two that fit together agree, but not to the last digit.
SMALL = ("--conf", "local", "--set", "spark.shuffle_partitions=2", "--set", "spark.snapshot_partitions=1",
         "--set", "training.num_workers=1", "--set", f"training.labels=[{LABEL}]")  # fmt: skip
FEW_TREES, MORE_TREES = ("--set", "training.trees=20"), ("--set", "training.trees=30")
ALIASES = "alias_id,customer_id\nK00000001,K00000002\nK00000003,K00000004\n"
ERASED = ("K00000002", "K00000005")
KEY = hashlib.sha256(b"The key of a campaign is no secret").hexdigest()
ON_THIS_MACHINE = "local[2]"


@dataclass(frozen=True)
class Stage:
    """One command of the line; `{raw}`, `{home}` and `{support}`, the id of a batch, stand for what is known later."""

    name: str
    words: tuple[str, ...]


def _stage(name: str, *words: str) -> Stage:
    return Stage(name, words)


STAGES = (
    _stage("simulate", "simulate", "--customers", "300", "--days", "600", "--out", "{raw}"),
    _stage("ingest orders", "ingest", "--source", "simulated_orders", "--input", "{raw}/orders"),
    _stage("ingest support", "ingest", "--source", "simulated_support", "--input", "{raw}/support"),
    _stage("build features", "build_features", "--as-of", AS_OF, "--view", "orders", "--view", "support"),
    _stage("aliases", "ingest", "--aliases", "{home}/aliases.csv"),
    _stage("training set", "build_training_set", "--label", LABEL, "--as-of", AS_OF, "--build"),
    _stage("train", "train", "--label", LABEL, "--as-of", AS_OF, *FEW_TREES),
    _stage("train another", "train", "--label", LABEL, "--as-of", AS_OF, *MORE_TREES),
    _stage("promote", "promote", "--label", LABEL, "--as-of", AS_OF, *MORE_TREES),
    _stage("segment", "segment", "--as-of", AS_OF, "--build"),
    _stage("score", "score", "--as-of", AS_OF),
    _stage("export", "export", "--to", "{warehouse}/list.csv", "--overwrite"),
    _stage("retract", "ingest", "--retract", "{support}"),
    _stage("maintain", "maintain"),
    _stage("erase", "erase", "--customer", *ERASED, "--set", "erasure.key_file={home}/key"),
)

INDEPENDENT = (0, 1, 5, 10)
"""Commands that may run at the same time as the next one: either order ends in the same tables."""


@dataclass(frozen=True)
class Lasted:
    """When a clean run of a command said its first step, and when it ended: seconds from its start."""

    first_step: float
    end: float


class Line:
    """The folder of a campaign: the warehouse (always at one path, which models keep), its copies, scratch space."""

    def __init__(self, home: Path, tell: Callable[[str], None]) -> None:
        self.home, self._tell = home.absolute(), tell
        self.warehouse, self.scratch = self.home / "w", self.home / "scratch"

    def prepare(self) -> None:
        """Run each command once, cleanly, and keep what it leaves; what an earlier start has kept is not run again."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "aliases.csv").write_text(ALIASES, encoding="utf-8")
        (self.home / "key").write_text(KEY, encoding="utf-8")
        for number, stage in enumerate(STAGES):
            if self.after(number).is_dir():
                continue
            self.restore(number)
            command = self.run(number)
            self._keep_seconds(stage.name, Lasted(first_step_of(command) or 0.0, command.seconds))
            part = self.after(number).with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(self.warehouse, part)
            part.rename(self.after(number))
            self._tell(f"clean run of {stage.name}: {command.seconds:.0f} s")

    def after(self, number: int) -> Path:
        """The copy of what the command of that number leaves."""
        return self.home / "stages" / f"{number:02d}-{STAGES[number].name.replace(' ', '-')}"

    def before(self, number: int) -> Path | None:
        """The copy of what it finds; None for the first."""
        return self.after(number - 1) if number else None

    def restore(self, number: int) -> None:
        """Put the warehouse into the state that the command of that number finds."""
        shutil.rmtree(self.warehouse, ignore_errors=True)
        self.fill(number)

    def fill(self, number: int) -> None:
        """The same where the warehouse's folder is there, and empty, or not there."""
        found = self.before(number)
        self.warehouse.mkdir(parents=True, exist_ok=True)
        if found is not None:
            shutil.copytree(found, self.warehouse, dirs_exist_ok=True)

    def start(
        self, number: int, *, master: str = ON_THIS_MACHINE, environ: Mapping[str, str] | None = None,
        under: Sequence[str] = (), scratch: str = "one",
    ) -> Command:  # fmt: skip
        """Start the command of that number."""
        named = {"raw": f"{self.warehouse}/raw", "home": str(self.home), "warehouse": str(self.warehouse),
                 "support": self._batch_of("support", number)}  # fmt: skip
        words = [word.format(**named) for word in STAGES[number].words]
        words += [*SMALL, "--warehouse", str(self.warehouse), "--master", master]
        return Command(words, scratch=self.scratch / scratch, environ=environ or {}, under=under)

    def run(self, number: int) -> Command:
        """Run the command of that number to its end; EnvironmentProblem where that is no good one."""
        command = self.start(number)
        if status := command.finish():
            raise EnvironmentProblem(
                f"'{STAGES[number].name}' should have run cleanly on {self.warehouse}, and ended with {status}:\n"
                f"{command.output[-4000:]}"
            )
        shutil.rmtree(self.scratch, ignore_errors=True)
        return command

    def lasted(self, number: int) -> Lasted:
        """How long the clean run took."""
        return Lasted(**self._seconds[STAGES[number].name])

    def _batch_of(self, source: str, number: int) -> str:
        # Read from the copy: the warehouse itself may be broken by now.
        table = (self.before(number) or self.warehouse) / INGEST_RUNS.name
        if not DeltaTable.is_deltatable(str(table)):
            return ""
        runs = DeltaTable(table).to_pyarrow_table(columns=["source", "batch_id"]).to_pylist()
        return next((run["batch_id"] for run in runs if run["source"] == source), "")

    @cached_property
    def _seconds(self) -> dict[str, dict[str, float]]:
        kept = self.home / "seconds.json"
        return dict(json.loads(kept.read_text("utf-8"))) if kept.is_file() else {}

    def _keep_seconds(self, name: str, lasted: Lasted) -> None:
        self._seconds[name] = vars(lasted)
        (self.home / "seconds.json").write_text(json.dumps(self._seconds), "utf-8")


def first_step_of(command: Command) -> float | None:
    """When a command said that its first step begins; None before."""
    return next((said.at for said in list(command.said) if said.line.endswith(" ...")), None)
