"""Places among a population: one value and arrays agree, equal values share a place, and the date is the newest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurestore.errors import ConfigurationError
from featurestore.placing import coarser, newest_population, placed, placed_all

NUMBERS = st.integers(-5, 5).map(float)
CUTS = st.lists(NUMBERS, min_size=1, max_size=9).map(sorted)
DAYS = [date(2024, 1, 1), date(2024, 2, 1)]


@given(st.lists(NUMBERS, min_size=1, max_size=20), CUTS, st.booleans())
def test_one_by_one_and_all_at_once_are_the_contract(values, cuts, low_is_good):
    by_hand = [1 + sum(cut > v if low_is_good else cut < v for cut in cuts) for v in values]
    assert [placed(v, cuts, low_is_good=low_is_good) for v in values] == by_hand
    assert placed_all(np.array(values), cuts, low_is_good=low_is_good).tolist() == by_hand


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_fifths_are_among_the_hundredths(values):
    ordered = sorted(map(float, values))
    hundredths = [ordered[-(-k * len(ordered) // 100) - 1] for k in range(1, 100)]
    assert coarser(hundredths, 5) == [ordered[-(-k * len(ordered) // 5) - 1] for k in range(1, 5)]


def test_parts_that_are_no_hundredths_are_refused():
    with pytest.raises(ConfigurationError, match="3 parts"):
        coarser([1.0], 3)


@pytest.mark.parametrize(
    ("as_of", "day"),
    [
        (datetime(2024, 2, 1, tzinfo=UTC), DAYS[1]),
        (datetime(2024, 2, 1, tzinfo=UTC) - timedelta(microseconds=1), DAYS[0]),
        (datetime(2025, 1, 1, tzinfo=UTC), DAYS[1]),
        (datetime(2023, 12, 31, 23, tzinfo=UTC), None),
        (datetime.fromisoformat("2024-02-01T00:30+01:00"), DAYS[0]),
    ],
)
def test_the_newest_population_at_or_before_the_instant(as_of, day):
    assert newest_population(DAYS, as_of) == day


def test_an_instant_without_zone_is_refused():
    with pytest.raises(ConfigurationError, match="time zone"):
        newest_population(DAYS, datetime(2024, 1, 1))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(("value", "cuts"), [(None, [1.0]), (1.0, None)])
def test_without_value_or_population_there_is_no_place(value, cuts):
    assert placed(value, cuts) is None
