"""Malformed inputs end with the right status, break no table and run nothing; a thousand of them in the long run."""

from __future__ import annotations

import random

import pytest

from jobs.benchmarks.fuzz import FAMILIES, drawn
from jobs.benchmarks.malformed.trial import Drawing, csv_text, ingesting
from jobs.main import main

NOTHING = ("wrong_exits", "stack_traces", "conservation_breaks", "half_written", "escapes")


def fuzzed(tmp_path, capsys, *, trials, seed):
    """Figures of a run by their names."""
    words = ["bench", "fuzz", "--trials", str(trials), "--seed", str(seed), "--warehouse", str(tmp_path)]
    assert main(words) == 0, capsys.readouterr().err
    shown = capsys.readouterr().out
    figures = dict(line.split()[1:3] for line in shown.splitlines() if line.startswith("FIGURE"))
    assert {name: float(figures[name]) for name in NOTHING} == dict.fromkeys(NOTHING, 0.0), shown
    assert float(figures["trials"]) == trials == sum(float(figures[f"exit_{status}"]) for status in range(5))
    return figures


@pytest.mark.usefixtures("spark")
def test_some_of_each_family(tmp_path, capsys):
    assert float(fuzzed(tmp_path, capsys, trials=len(FAMILIES), seed=1)["exit_1"]) == 0


@pytest.mark.deep
@pytest.mark.timeout(10_800)
@pytest.mark.usefixtures("spark")
def test_a_thousand(tmp_path, capsys):
    fuzzed(tmp_path, capsys, trials=1_200, seed=7)


def test_a_trial_is_drawn_again_by_its_number(tmp_path):
    for number in range(200):
        again = []
        for name in ("twin-a", "twin-b"):
            folder = tmp_path / f"{name}{number}" / "same"
            folder.mkdir(parents=True)
            trial = drawn(3, number, folder)
            files = {file.name: file.read_bytes().replace(name.encode(), b"") for file in folder.iterdir()}
            again.append((trial.family, trial.kind, trial.may_end, trial.rows, files))
        assert again[0] == again[1]


@pytest.mark.usefixtures("spark")
def test_what_goes_wrong_is_seen(tmp_path):
    """Held to another status, another number of rows and a trap that is there, each trial fails the harness."""
    from dataclasses import replace

    from jobs.benchmarks.fuzz import tried

    draw = Drawing(random.Random(1), tmp_path)
    trap = tmp_path / "trap"
    trap.touch()
    good = ingesting(draw, "csv", "good", draw.write("orders.csv", csv_text(draw.records())), {0}, rows=1)
    outcome = tried(replace(good, may_end=frozenset({3}), trap=trap), tmp_path / "w")
    assert (outcome.wrong_status, outcome.escaped, len(outcome.conservation)) == (True, True, 1)
