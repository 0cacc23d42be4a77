"""REQUIRE_ALL=1 turns skips, and only skips, into failures."""

from __future__ import annotations

import pytest

SKIPS = """
    import pytest

    def test_passes():
        pass

    def test_skips():
        pytest.skip("no browser")

    @pytest.mark.skip(reason="no server")
    def test_marked():
        pass

    @pytest.mark.xfail
    def test_expected_failure():
        raise ValueError
"""


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess("-p", "tests.plugins.require_all", "-p", "no:cacheprovider")


def test_a_skip_is_a_skip_where_nothing_is_required(pytester, monkeypatch):
    monkeypatch.delenv("REQUIRE_ALL", raising=False)
    run(pytester, SKIPS).assert_outcomes(passed=1, skipped=2, xfailed=1)


def test_a_skip_is_a_failure_with_its_reason_where_all_is_required(pytester, monkeypatch):
    monkeypatch.setenv("REQUIRE_ALL", "1")
    result = run(pytester, SKIPS)
    result.assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)  # a mark skips in the set-up
    for reason in ("no browser", "no server"):
        result.stdout.fnmatch_lines([f"*was skipped: *{reason}*"])


def test_a_module_that_skips_itself_is_an_error_where_all_is_required(pytester, monkeypatch):
    monkeypatch.setenv("REQUIRE_ALL", "1")
    result = run(pytester, "import pytest\npytest.importorskip('no_such_module_at_all')\n")
    result.assert_outcomes(errors=1)
