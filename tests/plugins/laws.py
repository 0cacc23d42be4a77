"""How many random cases held the laws in this run: counted for hypothesis, told by tests that draw their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import pytest

DRAWN = "random_cases"
BY_HYPOTHESIS = re.compile(r"(\d+) passing")


@dataclass(frozen=True)
class Held:
    """One property that held: its random cases, and the seed that they were drawn with, if it has one of its own."""

    test: str
    cases: int
    seed: int | None = None


@pytest.fixture
def drawn(request: pytest.FixtureRequest) -> Callable[[int, int], None]:
    """`drawn(seed, cases)`: tell how many random cases a test compared, drawn with which seed."""

    def tell(seed: int, cases: int) -> None:
        assert cases > 0, "a law that was compared with nothing proves nothing"
        request.node.user_properties.append((DRAWN, (seed, cases)))

    return tell


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count what hypothesis says of a property before its report is made."""
    counted = BY_HYPOTHESIS.findall(getattr(item, "hypothesis_statistics", ""))
    if call.when == "call" and counted:
        item.user_properties.append((DRAWN, (None, sum(map(int, counted)))))
    return (yield)


def held_in(reports: Iterable[pytest.TestReport]) -> list[Held]:
    """The properties among passed tests."""
    found = []
    for report in reports:
        told = [value for name, value in report.user_properties if name == DRAWN]
        found += [Held(report.nodeid, cases, seed) for seed, cases in told]  # type: ignore[misc]
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for all properties and one for the seeds that tests drew their own cases with."""
    held = held_in(report for report in terminalreporter.getreports("passed") if report.when == "call")
    if not held:
        return
    seeded = [one for one in held if one.seed is not None]
    terminalreporter.write_line(f"laws: {len(held)} properties held in {sum(one.cases for one in held):,} random cases")
    for one in seeded:
        terminalreporter.write_line(f"  seed {one.seed}: {one.cases:,} cases in {one.test.rpartition('/')[2]}")
