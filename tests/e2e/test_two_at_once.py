"""Two whole lines started at once in one warehouse: both end well, and leave what one leaves."""

from __future__ import annotations

import pytest

from jobs.faults.commands import Command
from jobs.faults.contents import rows
from jobs.run import JOB_RUNS
from tests.e2e.commands import SMALL_DEMO, say
from tests.e2e.contents import assert_same


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_two_demos_at_once_end_as_one_clean_one(clean_demo, tmp_path):
    """Neither fails nor doubles anything: the second waits for the first and finds its work done."""
    clean, _ = clean_demo
    warehouse = tmp_path / "w"
    words = [*SMALL_DEMO, "--warehouse", str(warehouse)]
    both = [Command(words, scratch=tmp_path / name) for name in ("one", "other")]
    for command in both:
        assert command.finish(within=1200) == 0, command.output
        say(f"one of two demos at once: {command.seconds:.0f} s")

    assert sorted("waiting for it to end" in command.output for command in both) == [False, True]
    assert_same(warehouse, clean, apart_from={JOB_RUNS.name})
    once = rows(clean, JOB_RUNS.name)
    assert rows(warehouse, JOB_RUNS.name) == once + once
