"""Lookups as values: names are known, distinct, and survive JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from featurestore.errors import ConfigurationError
from featurestore.lookups import FeatureLookup, refuse_equal_names


def test_a_lookup_survives_json_to_the_microsecond():
    lookup = FeatureLookup("weather", ["rain"], "city", as_of="t", rename={"rain": "wet"},
                           max_age=timedelta(days=400, microseconds=1))  # fmt: skip
    assert FeatureLookup.from_dict(json.loads(json.dumps(lookup.to_dict()))) == lookup


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        (FeatureLookup("t", ["rein"]), "feature 'rein' in 't'. Did you mean 'rain'"),
        (FeatureLookup("t", ["rain"], rename={"wind": "w"}), "feature 'wind' in rename"),
    ],
)
def test_unknown_names_are_answered_with_near_ones(lookup, said):
    with pytest.raises(ConfigurationError, match=said):
        lookup.outputs(["rain", "wind"])


@pytest.mark.parametrize("wrong", [{"max_age": -timedelta(1)}, {"features": ["a", "a"]}])
def test_a_lookup_that_means_nothing_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="lookup on 't'"):
        FeatureLookup("t", **wrong)


@pytest.mark.parametrize(
    ("spine", "lookups", "said"),
    [
        (["customer_id"], [("a", {}), ("b", {})], "'rain': lookup 1 on 'a' and lookup 2 on 'b'.*{'rain': 'b_rain'}"),
        (["customer_id"], [("a", {}), ("a", {})], "lookup 1 on 'a' and lookup 2 on 'a'"),
        (["Rain"], [("a", {})], "the spine and lookup 1 on 'a'"),
        (["x"], [("a", {"rain": "wind"})], "'wind': lookup 1 on 'a' and lookup 1 on 'a'"),
    ],
)
def test_equal_names_are_refused_with_an_alias(spine, lookups, said):
    resolved = [(one := FeatureLookup(name, rename=alias), one.outputs(["rain", "wind"])) for name, alias in lookups]
    with pytest.raises(ConfigurationError, match=said):
        refuse_equal_names(spine, resolved)


def test_renamed_names_may_stand_side_by_side():
    other = FeatureLookup("b", ["rain"], rename={"rain": "b_rain"})
    refuse_equal_names(["k"], [(FeatureLookup("a"), {"rain": "rain"}), (other, other.outputs(["rain"]))])


ALIASES = {"total_spent": "amount_sum_lifetime", "purchase_count": "orders_count_lifetime"}


def test_an_alias_is_looked_up_under_its_own_name_unless_renamed():
    asked = FeatureLookup("orders", ["total_spent", "monetary", "purchase_count"], rename={"purchase_count": "n"})
    own = asked.by_own_names(ALIASES)
    outputs = own.outputs(["monetary", "amount_sum_lifetime", "orders_count_lifetime"])
    assert outputs == {"amount_sum_lifetime": "total_spent", "monetary": "monetary", "orders_count_lifetime": "n"}


def test_a_feature_and_its_alias_in_one_lookup_are_the_same_feature_twice():
    with pytest.raises(ConfigurationError, match="amount_sum_lifetime twice"):
        FeatureLookup("orders", ["total_spent", "amount_sum_lifetime"]).by_own_names(ALIASES)
