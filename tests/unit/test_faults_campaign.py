"""A campaign of faults without its commands: it goes on where it was stopped, and forgets what other code left."""

from __future__ import annotations

from contextlib import suppress

import pytest

from jobs.benchmarks.faults import fault_table
from jobs.faults import campaign
from jobs.faults.campaign import Trial, plan, run_campaign
from jobs.faults.disks import no_writing, size_of, taken_away
from jobs.faults.kinds import KINDS
from jobs.faults.line import STAGES, Line
from jobs.faults.traces import is_trace_in


@pytest.fixture
def made(monkeypatch):
    """The numbers of the trials that were really made; the third stops the process once."""
    numbers = []

    def tried(line, planned, *, chance):
        numbers.append(planned.number)
        if numbers == [0, 1, 2]:
            raise KeyboardInterrupt
        return Trial(planned.number, planned.kind, planned.stage, f"{chance.random():.3f}", True, [], "")

    monkeypatch.setattr(campaign, "_tried", tried)
    monkeypatch.setattr(Line, "prepare", lambda line: None)
    return numbers


def test_a_stopped_campaign_goes_on_with_the_trial_that_it_was_in(tmp_path, made):
    with suppress(KeyboardInterrupt):
        run_campaign(tmp_path, trials=5, seed=1, tell=print)
    found = run_campaign(tmp_path, trials=5, seed=1, tell=print)
    assert made == [0, 1, 2, 2, 3, 4] and [trial.number for trial in found] == [0, 1, 2, 3, 4]
    assert run_campaign(tmp_path, trials=4, seed=1, tell=print) == found[:4]
    assert fault_table(found).row_count == len(KINDS)


def test_a_campaign_of_some_kinds_disturbs_every_command_and_is_kept_by_itself(tmp_path, made):
    made += [-1]
    kinds, tables = ["disk full", "log entry cut"], len(STAGES) - 1
    found = run_campaign(tmp_path, trials=len(STAGES) + tables, seed=1, tell=print, kinds=kinds)
    stages = [sorted(one.stage for one in found if one.kind == kind) for kind in kinds]
    assert stages == [list(range(len(STAGES))), list(range(1, len(STAGES)))]
    run_campaign(tmp_path, trials=1, seed=1, tell=print)
    assert run_campaign(tmp_path, trials=5, seed=1, tell=print, kinds=kinds) == found[:5]
    assert made == [-1, *range(len(STAGES) + tables), 0]


def test_a_campaign_of_other_code_begins_anew(tmp_path, made, monkeypatch):
    made += [-1]
    run_campaign(tmp_path, trials=2, seed=1, tell=print)
    monkeypatch.setattr(campaign, "_digest_of_sources", lambda: "other")
    run_campaign(tmp_path, trials=2, seed=1, tell=print)
    assert made == [-1, 0, 1, 0, 1]


def test_every_kind_comes_in_each_round():
    rounds = plan(3)
    size = 2 * len(STAGES) + len(KINDS) - 3
    assert {next(rounds).kind for _ in range(size)} == set(KINDS)


def test_a_stack_trace_is_seen_in_what_a_command_says():
    for line in ("Traceback (most recent call last):", "\tat org.apache.spark.Some.method(Some.scala:3)"):
        assert is_trace_in(f"starting Spark ...\n{line}")
    assert not is_trace_in("snapshots at 2024-06-01 (orders)")
    late = ("java.util.concurrent.RejectedExecutionException: Task F rejected from P[Shutting down, size = 1]\n"
            "\tat java.base/java.util.concurrent.A.b(A.java:1)\n\tat scala.B.c(B.scala:2)\n")  # fmt: skip
    assert not is_trace_in(f"{late}done") and is_trace_in(f"{late}Traceback (most recent call last):")


def test_folders_are_as_they_were_after_a_fault(tmp_path):
    folder = tmp_path / "w"
    (folder / "t").mkdir(parents=True)
    (folder / "t" / "file").write_text("x")
    before = size_of(folder)
    modes = [place.stat().st_mode for place in (folder, folder / "t", folder / "t" / "file")]
    with no_writing(folder):
        assert not (folder / "t").stat().st_mode & 0o222
    with taken_away(folder):
        assert not folder.exists()
        (folder / "new").mkdir(parents=True)
    assert [place.name for place in folder.iterdir()] == ["t"] and size_of(folder) == before
    assert [place.stat().st_mode for place in (folder, folder / "t", folder / "t" / "file")] == modes
