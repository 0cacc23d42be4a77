"""Feature sets: names are unique, inputs are known, and the fingerprint follows the meaning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from featurestore.definitions import Condition, Derived, Window
from featurestore.derived import same
from featurestore.errors import ConfigurationError
from featurestore.features import VIEWS, feature_set
from featurestore.views import FeatureSet

NAMES = list(VIEWS)


def test_equal_names_of_two_views_are_refused_with_an_alias():
    orders = VIEWS["orders"]
    twin = replace(orders, name="web")
    with pytest.raises(ConfigurationError, match=r"orders, web share the names .*recency_days"):
        FeatureSet("both", (orders, twin))


def test_inputs_across_views_must_be_known():
    wrong = Derived("x", same, ("recency_dayz",), "double", "days", "", "")
    with pytest.raises(ConfigurationError, match="recency_days"):
        FeatureSet("one", (VIEWS["orders"],), (wrong,))


def test_the_fingerprint_follows_views_and_what_is_derived_across_them():
    whole = feature_set(NAMES, rfm_segments=[])
    fewer = feature_set(["orders"], rfm_segments=[])
    without = replace(whole, derived=whole.derived[:-1])
    assert len({whole.fingerprint, fewer.fingerprint, without.fingerprint}) == 3
    assert feature_set(reversed(NAMES), rfm_segments=[]).fingerprint == whole.fingerprint


def test_a_model_reads_numbers_of_all_views_and_no_population_state():
    inputs = feature_set(NAMES, rfm_segments=[]).model_inputs
    assert {"recency_days", "sessions_distinct_30d", "satisfaction_mean_lifetime",
            "days_from_order_to_ticket"} <= set(inputs)  # fmt: skip
    assert not {"r_score", "rfm_segment"} & set(inputs)


def test_text_is_equal_or_not_and_never_less():
    with pytest.raises(ConfigurationError, match="operator"):
        Condition("device", "<", "app")


@pytest.mark.parametrize("days", [0, -7])
def test_a_window_has_at_least_a_day(days):
    with pytest.raises(ConfigurationError, match="at least 1 day"):
        Window(days)


def test_a_feature_may_not_look_ahead():
    ahead = VIEWS["orders"].folds[0]
    with pytest.raises(ConfigurationError, match="at or after its own instant"):
        replace(VIEWS["orders"], folds=(replace(ahead, window=Window(7, offset_days=-7)),), derived=(), ranked=())
