"""A run says how many properties held in how many random cases."""

from __future__ import annotations

import pytest

PROPERTIES = """
    from hypothesis import given, settings, strategies as st

    @settings(max_examples=7, derandomize=True, database=None)
    @given(st.integers())
    def test_by_hypothesis(number):
        pass

    def test_by_a_seed_of_its_own(drawn):
        drawn(11, 30)

    def test_that_fails(drawn):
        drawn(12, 50)
        raise ValueError
"""


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess("-p", "tests.plugins.laws", "-p", "no:cacheprovider")


def test_cases_of_both_kinds_are_counted_and_a_failed_law_is_not(pytester):
    result = run(pytester, PROPERTIES)
    result.stdout.fnmatch_lines(["laws: 2 properties held in 37 random cases", "  seed 11: 30 cases in *by_a_seed*"])
    result.stdout.no_fnmatch_line("*seed 12*")


def test_a_run_without_properties_says_nothing(pytester):
    run(pytester, "def test_other(): pass").stdout.no_fnmatch_line("laws:*")


def test_a_law_compared_with_nothing_fails(pytester):
    run(pytester, "def test_empty(drawn): drawn(1, 0)").assert_outcomes(failed=1)
