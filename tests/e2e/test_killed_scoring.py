"""A date's scores appear all at once: killed at any moment the old ones stand, and run again they are a clean run's."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.faults.commands import Command
from jobs.faults.contents import differences
from jobs.score_tables import LATEST, SCORES
from tests.e2e.commands import SMALL, in_step, kill_at, run, say

SEED = 9
KILLS = 20
STEPS = ("build_features", "score")


def scored(warehouse: Path, table: str = SCORES.name) -> Counter[date]:
    """Customers by the date of their scores."""
    return Counter(DeltaTable(warehouse / table).to_pyarrow_table(columns=["as_of_date"])["as_of_date"].to_pylist())


@dataclass(frozen=True)
class Clean:
    """A warehouse before a date is scored, a copy of it where that was done once, undisturbed, and the command."""

    before: Path
    after: Path
    words: list[str]
    command: Command
    day: date
    customers: int


@pytest.fixture(scope="module")
def clean(clean_demo, tmp_path_factory) -> Clean:
    """Snapshots of the date are built first; a day later than the demo's own."""
    demo, _ = clean_demo
    (known,) = scored(demo)
    day = known + timedelta(days=1)
    words = ["score", "--as-of", str(day), "--build", *SMALL]
    after = tmp_path_factory.mktemp("scored") / "w"
    shutil.copytree(demo, after)
    command = run([*words, "--warehouse", str(after)], scratch=after.parent / "scratch")
    customers = scored(after)[day]
    assert customers > 0 and set(scored(after, LATEST.name)) == {day}
    return Clean(demo, after, words, command, day, customers)


@pytest.mark.deep
@pytest.mark.timeout(7200)
def test_scoring_killed_at_twenty_moments_leaves_the_old_and_ends_as_a_clean_run(clean, tmp_path):
    """The moments are drawn over both steps by their length."""
    once, scratch = clean.command, tmp_path / "scratch"
    chance, lasted = random.Random(SEED), [once.ended(step) - once.begun(step) for step in STEPS]
    found = Counter()
    for number in range(KILLS):
        warehouse = tmp_path / f"killed{number}"
        shutil.copytree(clean.before, warehouse)
        command = [*clean.words, "--warehouse", str(warehouse)]
        (step,) = chance.choices(STEPS, lasted)
        moment = in_step(step, 1, seconds=chance.uniform(0, lasted[STEPS.index(step)]))
        kill_at(moment, command, warehouse=warehouse, scratch=scratch)
        there = scored(warehouse)[clean.day]
        assert there in (0, clean.customers), f"{moment.name}: {there} of {clean.customers}"
        found[there] += 1
        run(command, scratch=scratch)
        assert differences(warehouse, clean.after, apart_from={"job_runs"}) == [], moment.name
        shutil.rmtree(warehouse)
    say(f"after {KILLS} kills: {found[0]} times no score of the date, {found[clean.customers]} times all")


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_a_date_scored_twice_at_once_is_scored_once(clean, tmp_path):
    """The second waits for the first, and finds its work done."""
    warehouse = tmp_path / "w"
    shutil.copytree(clean.before, warehouse)
    words = [*clean.words, "--warehouse", str(warehouse)]
    both = [Command(words, scratch=tmp_path / name) for name in ("one", "other")]
    for command in both:
        assert command.finish(within=1200) == 0, command.output
    assert sorted("waiting for it to end" in command.output for command in both) == [False, True]
    assert differences(warehouse, clean.after, apart_from={"job_runs"}) == []
