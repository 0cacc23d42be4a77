"""The benchmarks of the engine at toy sizes: every contender writes the same values, or the benchmark refuses."""

from __future__ import annotations

import pytest

from jobs.main import main

SMALL = {
    "backfill": ["--events", "4000", "--customers", "60", "--days", "400", "--dates", "4"],
    "daily": ["--events", "4000", "--customers", "60"],
    "late": ["--events", "20000", "--customers", "6000", "--days", "400", "--dates", "2"],
    "lifetime": ["--customers", "20000"],
    "line": ["--customers", "3000", "--days", "800"],
    "lookup": ["--rows", "2000"],
    "pit": ["--rows", "2000", "--asked", "300"],
    "profile": ["--events", "4000", "--customers", "60", "--days", "400", "--dates", "4"],
    "reasons": ["--rows", "3000", "--trees", "5"],
    "spine": ["--events", "4000", "--customers", "60", "--days", "400", "--asked", "200"],
    "score": ["--customers", "500", "--most", "2500", "--trees", "5"],
    "scale": ["--events", "400", "--customers", "10", "--days", "400", "--dates", "2"],
}


@pytest.mark.deep
@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_ends_with_figures_and_leaves_only_its_events(name, tmp_path, capsys):
    assert main(["bench", name, "--warehouse", str(tmp_path), *SMALL[name]]) == 0, capsys.readouterr().err
    shown = capsys.readouterr().out
    assert "FIGURE" in shown
    assert {entry.name for entry in tmp_path.iterdir()} == {"bench"}
    assert not list((tmp_path / "bench").glob("run-*"))
