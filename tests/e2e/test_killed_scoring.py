"""A date's scores appear all at once: killed at any moment the old ones stand, and run again they are a clean run's."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.faults.contents import differences
from jobs.score_tables import LATEST, SCORES
from tests.e2e.commands import SMALL, in_step, kill_at, run, say

SEED = 9
KILLS = 20
STEPS = ("build_features", "score")


def scored(warehouse: Path, table: str = SCORES.name) -> Counter[date]:
    """Customers by the date of their scores."""
    return Counter(DeltaTable(warehouse / table).to_pyarrow_table(columns=["as_of_date"])["as_of_date"].to_pylist())


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_scoring_killed_at_twenty_moments_leaves_the_old_and_ends_as_a_clean_run(clean_demo, tmp_path):
    """Snapshots of another date are built first; the moments are drawn over both steps by their length."""
    demo, _ = clean_demo
    (known,) = scored(demo)
    day = known + timedelta(days=1)
    words = ["score", "--as-of", str(day), "--build", *SMALL]
    clean, scratch = tmp_path / "clean", tmp_path / "scratch"
    shutil.copytree(demo, clean)
    once = run([*words, "--warehouse", str(clean)], scratch=scratch)
    everyone = scored(clean)[day]
    assert everyone > 0 and set(scored(clean, LATEST.name)) == {day}

    chance, lasted = random.Random(SEED), [once.ended(step) - once.begun(step) for step in STEPS]
    found = Counter()
    for number in range(KILLS):
        warehouse = tmp_path / f"killed{number}"
        shutil.copytree(demo, warehouse)
        command = [*words, "--warehouse", str(warehouse)]
        (step,) = chance.choices(STEPS, lasted)
        moment = in_step(step, 1, seconds=chance.uniform(0, lasted[STEPS.index(step)]))
        kill_at(moment, command, warehouse=warehouse, scratch=scratch)
        there = scored(warehouse)[day]
        assert there in (0, everyone), f"{moment.name}: {there} of {everyone}"
        found[there] += 1
        run(command, scratch=scratch)
        assert differences(warehouse, clean, apart_from={"job_runs"}) == [], moment.name
        shutil.rmtree(warehouse)
    say(f"after {KILLS} kills: {found[0]} times no score of the date, {found[everyone]} times all")
