"""Labels as a language: what is declared is what is meant, and what is wrong is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import yaml

from featurestore.definitions import LIFETIME, Aggregate, Condition, Feature
from featurestore.errors import ConfigurationError
from featurestore.features import VIEWS
from featurestore.label_config import LABELS, label, label_config
from featurestore.label_definitions import Comparison, Label, Member, named
from featurestore.labels import labelled
from featurestore.views import FeatureView

DECLARED = {
    "label": "buys",
    "horizons_days": [7, 30],
    "outcome": {"source": "orders", "aggregate": "distinct", "measure": "order_id", "where": ["amount > 0"]},
    "holds": ">= 1",
    "population": ["orders_count_180d >= 1"],
}


def declared(**changes):
    values = {key: value for key, value in {**DECLARED, **changes}.items() if value is not None}
    return label_config(yaml.safe_dump(values), where="test.yml")


def test_the_shipped_labels_are_the_ones_of_the_design():
    assert set(LABELS) == {"purchase_30d", "churn_60d", "decline_90d", "orders_90d", "spend_90d", "spend_365d",
                           "active_90d"}  # fmt: skip
    assert [one.name for one in LABELS.values() if one.is_number] == ["orders_90d", "spend_90d", "spend_365d"]


def test_one_declaration_is_a_label_for_each_horizon():
    week, month = declared()
    assert (week.name, week.horizon_days, month.name, month.horizon_days) == ("buys_7d", 7, "buys_30d", 30)
    assert (week.future.window.days, week.future.window.offset_days) == (7, -7)


def test_a_label_in_python_means_what_its_file_means():
    orders = Feature("any", Aggregate.DISTINCT, LIFETIME, "bigint", "", "", measure="order_id",
                     where=(Condition("amount", ">", 0),))  # fmt: skip
    here = Label("buys_7d", 7, orders, (Member.parse("orders_count_180d >= 1", where=""),), VIEWS["orders"],
                 holds=Comparison(">=", Decimal(1)))  # fmt: skip
    assert here.fingerprint == declared()[0].fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"holds": ">= 2"},
        {"holds": None},
        {"population": ["orders_count_90d >= 1"]},
        {"outcome": {**DECLARED["outcome"], "where": []}},
        {"outcome": {**DECLARED["outcome"], "at_least": 0}},
        {"label": "bought"},
    ],
    ids=str,
)
def test_another_meaning_is_another_fingerprint(changes):
    assert declared(**changes)[0].fingerprint != declared()[0].fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon_days": [30]}, "horizons_days"),
        ({"horizons_days": [0]}, "greater than 0"),
        ({"horizons_days": []}, "at least 1 item"),
        ({"population": []}, "at least 1 item"),
        ({"population": ["orders_cuont_180d >= 1"]}, "orders_count_180d"),
        ({"population": ["orders_count_180d"]}, "no comparison"),
        ({"population": ["r_score >= 4"]}, "depends on the other customers"),
        ({"population": ["churn_risk_score >= 0.5"]}, "depends on the other customers"),
        ({"holds": "more than 1"}, "no comparison"),
        ({"holds": "< 0.5 * amount_sum_91d"}, "amount_sum_90d"),
        ({"outcome": {**DECLARED["outcome"], "source": "order"}}, "orders"),
        ({"outcome": {**DECLARED["outcome"], "measure": "ordr_id"}}, "order_id"),
        ({"outcome": {**DECLARED["outcome"], "aggregate": "cuont"}}, "'count'"),
        ({"outcome": {**DECLARED["outcome"], "where": ["amount is positive"]}}, "no condition"),
        ({"outcome": {**DECLARED["outcome"], "agregate": "sum"}}, "aggregate"),
        ({"label": "Buys"}, "pattern"),
        ({"view": "order"}, "orders"),
        ({"view": "support"}, "the outcome is of orders"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_with_what_was_expected(changes, message):
    with pytest.raises(ConfigurationError, match=r"test\.yml") as refused:
        declared(**changes)
    assert message in str(refused.value)


def test_a_population_may_ask_a_view_of_ones_own():
    own = FeatureView("own", "orders", "", VIEWS["orders"].folds[:2])
    name = own.folds[0].name
    text = yaml.safe_dump({**DECLARED, "view": "own", "population": [f"{name} < 9"]})
    found = label_config(text, where="test.yml", views={**VIEWS, "own": own})
    assert [feature.name for feature in found[0].needed] == [name]


def test_an_unknown_label_is_answered_with_near_ones():
    with pytest.raises(ConfigurationError, match="churn_60d"):
        label("churn_90d")


def test_two_labels_of_one_name_and_labels_of_two_sources_are_refused():
    with pytest.raises(ConfigurationError, match="two labels"):
        named([*declared(), *declared()])
    tickets = {"source": "support", "aggregate": "count", "where": ["ticket_event = 'opened'"]}
    asks = declared(label="asks", outcome=tickets, population=["tickets_count_lifetime >= 1"])
    with pytest.raises(ConfigurationError, match="orders, support"):
        labelled(None, [*declared(), *asks], as_ofs=[], limits=None)


@pytest.mark.parametrize(("late", "is_mature"), [(timedelta(0), True), (timedelta(microseconds=-1), False)])
def test_a_label_is_mature_when_its_horizon_is_complete(late, is_mature):
    end = datetime(2024, 7, 1, tzinfo=UTC)
    assert label("purchase_30d").is_mature(date(2024, 6, 1), complete_through=end + late) is is_mature


def test_aliases_and_derived_features_may_be_asked_for():
    one = declared(population=["avg_order_value > 10"], holds="< 2 * purchase_count")[0]
    assert [feature.name for feature in one.needed] == ["amount_sum_lifetime", "orders_count_lifetime", "monetary"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("purchase_30d", "1 where      at least one order in the 30 days from as_of on, else 0"),
        ("decline_90d", "< 0.5 * amount_sum_90d in the 90 days from as_of on"),
        ("decline_90d", "customers with orders_count_90d >= 2 and amount_sum_90d > 0"),
        (
            "spend_90d",
            "sum of orders.amount over events of orders in the 90 days from as_of on, at least 0",
        ),
        ("active_90d", "source 'orders' is complete through as_of + 90 days"),
    ],
)
def test_labels_are_explained_in_words(name, said):
    assert said in "\n".join(label(name).explain())
