"""Derived functions directly on arrays: every one that SQL may call has cases, and NULL in is NULL out."""

from __future__ import annotations

import pyarrow as pa
import pytest

from featurestore import derived, judgements
from featurestore.features import VIEWS, feature_set
from featurestore.fold import ARROW_TYPES
from featurestore.judgements import engagement_score, grouped_region
from featurestore.sql_functions import SQL_FUNCTIONS
from tests.derived_cases import CASES


@pytest.mark.parametrize("name", SQL_FUNCTIONS)
def test_on_arrays(name):
    function, returned = SQL_FUNCTIONS[name]
    types, cases = CASES[name]
    columns = [pa.array(column, ARROW_TYPES[kind]) for column, kind in
               zip(zip(*(arguments for arguments, _ in cases), strict=True), types, strict=True)]  # fmt: skip
    found = function(*columns).cast(ARROW_TYPES[returned]).to_pylist()
    expected = [value for _, value in cases]
    assert found == (pytest.approx(expected, abs=1e-15) if returned == "double" else expected)


def test_every_function_of_a_view_can_be_called_from_sql_and_has_cases():
    everything = feature_set(VIEWS, rfm_segments=[])
    used = {one.function.__name__ for view in everything.views for one in (*view.derived, *view.judged)}
    used |= {one.function.__name__ for one in everything.derived}
    assert used - {"same", "least"} <= set(SQL_FUNCTIONS) == set(CASES)


def test_no_function_is_forgotten():
    public = {name for module in (derived, judgements) for name, one in vars(module).items()
              if callable(one) and getattr(one, "__module__", "") == module.__name__}  # fmt: skip
    assert public - set(SQL_FUNCTIONS) == {"same", "least", "trend", "banded", "filled"}, (
        "parts of others, or no function at all"
    )


def test_an_engagement_score_by_other_weights():
    one = [pa.array([value]) for value in (5.0, 20.0, 0.0, 30.0)]
    found = engagement_score(*one, time=0.5, pages=0.5, basket=0.0, recency=0.0, full_minutes=20.0, full_pages=20.0)
    assert found.to_pylist() == [0.625]


def test_regions_by_group():
    regions = pa.array(["Leeds", "York", "Bath", None])
    groups = (("Leeds", "North"), ("York", "North"))
    assert grouped_region(regions, groups=groups).to_pylist() == ["North", "North", "Bath", None]
