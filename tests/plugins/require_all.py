"""With REQUIRE_ALL=1 a skipped test fails: where everything is installed, nothing may be left out."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


def required() -> bool:
    """Whether this run may skip nothing."""
    return os.environ.get("REQUIRE_ALL") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip at run time, by mark or by fixture; an expected failure is not a skip."""
    report = yield
    if required() and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module that skips itself while it is collected."""
    report = yield
    if required() and report.outcome == "skipped":
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"REQUIRE_ALL=1 and this was skipped: {reason}"
