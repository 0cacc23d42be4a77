"""The catalogue: enough features, each documented, no name twice, and aliases that lead somewhere."""

from __future__ import annotations

import dataclasses

import pytest

from featurestore.catalog import CATALOG, entries
from featurestore.definitions import Feature, Ranked
from featurestore.errors import ConfigurationError
from featurestore.explain import explain_feature
from featurestore.features import VIEWS, feature_set, settled
from featurestore.fold import empty_fold
from featurestore.schemas import LOCAL_TIME, source
from featurestore.views import resolve
from jobs.settings import load_settings

CHOSEN = load_settings().features
EVERYTHING = feature_set(VIEWS, rfm_segments=CHOSEN.rfm_segments, views=settled(VIEWS, CHOSEN.parameters))
ROWS = [
    dict(zip(CATALOG.column_names, row, strict=True))
    for owner in (*EVERYTHING.views, EVERYTHING)
    for row in entries(owner)
]
GIVEN = [
    "days_since_last_purchase", "days_since_registration", "events_last_7_days", "events_last_14_days",
    "events_last_30_days", "events_last_60_days", "product_views_last_7_days", "cart_additions_last_7_days",
    "bot_commands_last_7_days", "purchase_frequency_30d", "purchase_frequency_90d", "total_spent", "avg_order_value",
    "purchase_count", "activity_trend_7d_vs_14d", "purchase_trend_30d_vs_60d", "revenue_trend", "engagement_trend",
    "engagement_score", "basket_intensity", "session_segment", "age", "age_group", "income", "income_bracket",
    "region", "region_grouped", "spend_per_purchase", "spend_to_income_ratio", "customer_value_score",
    "growth_potential_score", "churn_risk_score", "clv_score", "high_risk_churn", "is_high_value", "is_champion",
    "recency_days", "frequency", "monetary", "tenure_days", "r_score", "f_score", "m_score", "rfm_segment",
    "days_since_last_activity", "customer_type", "return_rate",
]  # fmt: skip


def test_there_are_at_least_200_features_and_each_name_is_one():
    names = [row["feature"] for row in ROWS]
    aliases = [alias for row in ROWS for alias in (row["alias"] or "").split(", ") if alias]
    assert len(names) >= 200
    assert len({*names, *aliases}) == len(names) + len(aliases)


@pytest.mark.parametrize("column", ["type", "unit", "source", "description", "null_means", "family", "measure"])
def test_every_feature_is_documented(column):
    without = {row["feature"] for row in ROWS if not row[column]}
    counts = {f.name for v in EVERYTHING.views for f in v.folds if f.measure is None}
    assert without == (counts if column == "measure" else set())


def test_folds_name_their_window_and_aggregate():
    for view in EVERYTHING.views:
        for fold in view.folds:
            row = next(row for row in ROWS if row["feature"] == fold.name)
            assert row["window"] == fold.window.name and row["aggregate"] == fold.aggregate


def test_who_has_no_event_reads_null_exactly_where_the_catalogue_says_so():
    for view in EVERYTHING.views:
        empty = empty_fold(view.folds, view.derived)
        for one in (*view.folds, *view.derived):
            assert (empty[one.name] is None) == (not one.null_means.startswith("never NULL")), one.name


def test_features_read_columns_that_their_source_has():
    for view in EVERYTHING.views:
        known = {column.name for column in (*source(view.source).measures, *LOCAL_TIME)}
        for fold in view.folds:
            assert {fold.measure, fold.per, *(c.column for c in fold.where)} - {None} <= known, fold.name


def windows_of(derived):
    folds = {fold.name: fold for view in EVERYTHING.views for fold in view.folds}
    return [folds[name].window.name for name in derived.inputs if name in folds]


def test_trends_and_rates_read_the_windows_that_they_compare():
    compared = [one for view in EVERYTHING.views for one in view.derived] + list(EVERYTHING.derived)
    for one in compared:
        function, windows = one.function.__name__, windows_of(one)
        if function.startswith("trend_"):
            assert windows == function.removeprefix("trend_").split("_vs_"), one.name
        if function == "acceleration":
            assert windows == ["30d", "30d_back_30d", "30d_back_60d"], one.name
        if function == "ratio":
            assert len(set(windows)) == 1, one.name


@pytest.mark.parametrize("name", GIVEN)
def test_the_given_names_lead_to_a_feature(name):
    assert explain_feature(resolve(name, EVERYTHING), EVERYTHING)


def test_an_alias_is_no_column_and_an_unknown_name_is_answered_with_near_ones():
    assert resolve("total_spent", EVERYTHING).name == "amount_sum_lifetime"
    assert "total_spent" not in VIEWS["orders"].feature_names
    with pytest.raises(ConfigurationError, match="total_spent"):
        resolve("total_spend", EVERYTHING)


@pytest.mark.parametrize(
    ("aliases", "said"),
    [((("a", "frequenzy"),), "frequency"), ((("frequency", "monetary"),), "twice"),
     ((("a", "monetary"), ("a", "frequency")), "twice")],
)  # fmt: skip
def test_aliases_are_checked(aliases, said):
    with pytest.raises(ConfigurationError, match=said):
        dataclasses.replace(VIEWS["orders"], aliases=aliases)


def test_no_model_reads_places_in_the_population_nor_what_they_derive():
    inputs = set(EVERYTHING.model_inputs)
    kept = {one.name for view in EVERYTHING.views for one in (*view.ranked, *view.judged)}
    assert kept and not kept & inputs
    assert not {"frequency_log", "orders_count_night_365d", "device_mode_365d"} & inputs


def test_settings_that_say_what_is_the_default_are_the_same_definitions():
    assert EVERYTHING.fingerprint == feature_set(VIEWS, rfm_segments=CHOSEN.rfm_segments).fingerprint
    other = load_settings(assignments=["features.engagement.full_days=60"]).features
    assert feature_set(VIEWS, rfm_segments=other.rfm_segments, views=settled(VIEWS, other.parameters)).fingerprint != (
        EVERYTHING.fingerprint
    )


def test_weights_that_do_not_add_up_to_1_are_refused():
    with pytest.raises(ConfigurationError, match="add up to 1"):
        load_settings(assignments=["features.engagement.time=0.5"])


def test_parts_divide_the_hundredths():
    with pytest.raises(ConfigurationError, match="divides 100"):
        Ranked("x", "frequency", "", parts=3)


def test_per_goes_with_a_measure_and_an_aggregate_of_sums():
    feature = next(fold for fold in VIEWS["orders"].folds if isinstance(fold, Feature) and fold.per)
    with pytest.raises(ConfigurationError, match="per goes with"):
        dataclasses.replace(feature, measure=None)
