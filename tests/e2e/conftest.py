"""One clean run of a small demo, for all campaigns that compare with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.faults.commands import Command
from tests.e2e.commands import SMALL_DEMO, run, say


@pytest.fixture(scope="session")
def clean_demo(tmp_path_factory) -> tuple[Path, Command]:
    """The warehouse that one clean run leaves, and the command as it ran."""
    folder = tmp_path_factory.mktemp("clean")
    command = run([*SMALL_DEMO, "--warehouse", str(folder / "w")], scratch=folder / "scratch")
    say(f"\nclean run: {command.seconds:.0f} s")
    return folder / "w", command
