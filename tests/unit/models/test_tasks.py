"""Tasks: what a file may say, what it must not, and the heads that follow from it and from its label."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import yaml

from featurestore.errors import ConfigurationError
from models.heads import CHURN, DECLINE, HEADS, LIFETIME, gate_of, task_of
from models.tasks import TASKS, distinct, task_config

DECLARED = {"head": "churn", "label": "churn_60d", "kind": "binary", "output": "churn_probability"}


def declared(**changes):
    return task_config(yaml.safe_dump({**DECLARED, **changes}), where="test.yml")


def test_the_shipped_tasks_are_those_of_the_design():
    assert list(TASKS) == ["active_90d", "churn_60d", "clv_12m", "clv_36m", "decline_90d", "orders_90d", "purchase_30d",
                           "spend_90d"]  # fmt: skip
    assert {name: head.output for name, head in HEADS.items()} == {
        "active": "active_probability_90d",
        "churn": "churn_probability",
        "decline": "decline_probability_90d",
        "orders": "expected_orders_90d",
        "purchase": "purchase_probability_30d",
        "spend": "expected_spend_90d",
    }
    assert (LIFETIME.name, LIFETIME.output, LIFETIME.horizon_days) == ("lifetime", "clv_12m", 365)
    assert all(task.search for task in TASKS.values() if task.kind != "lifetime")


def test_a_head_has_the_population_of_its_label():
    assert [str(one) for one in CHURN.population] == ["orders_count_180d >= 1"]
    assert [str(one) for one in DECLINE.population] == ["orders_count_90d >= 2", "amount_sum_90d > 0"]
    assert DECLINE.decided_by == ("orders_count_90d", "amount_sum_90d")
    rows = {"orders_count_90d": np.array([2.0, 1.0, 2.0, np.nan]), "amount_sum_90d": np.array([0.1, 5.0, 0.0, 5.0])}
    assert DECLINE.holds(rows.__getitem__).tolist() == [True, False, False, False]
    assert pickle.loads(pickle.dumps(DECLINE)) == DECLINE


def test_amounts_know_what_they_were_the_year_before_and_their_unit():
    known = {name: (head.last_year, head.unit) for name, head in HEADS.items() if head.is_amount}
    assert known == {"orders": ("orders_count_365d", "orders"), "spend": ("amount_sum_365d", "currency")}
    assert (CHURN.last_year, CHURN.unit, HEADS["orders"].label) == ("", "", "orders_90d")


def test_a_head_finds_its_task_and_gate():
    assert task_of(LIFETIME) is TASKS["clv_12m"]
    assert (gate_of(CHURN).least_auc, gate_of(CHURN).draws) == (0.74, 2000)


def test_a_model_reads_all_features_but_those_left_out():
    features = ("orders_count_90d", "orders_count_lifetime", "recency_days")
    assert declared().inputs(features) == features
    assert declared(leave_out=["*_lifetime"]).inputs(features) == ("orders_count_90d", "recency_days")
    with pytest.raises(ConfigurationError, match="matches no feature with recency_day.*recency_days"):
        declared(leave_out=["recency_day"]).inputs(features)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lable": "x"}, "unknown key"),
        ({"label": "churn_60"}, "unknown label 'churn_60'.*churn_60d"),
        ({"label": "spend_90d"}, "is a number: no task of kind binary"),
        ({"kind": "amount"}, "is 1 or 0: no task of kind amount"),
        ({"algorithm": "xgbost"}, "algorithm"),
        ({"gate": {"sum_ratio": [0.9, 1.1]}}, "sum_ratio judges no task of kind binary"),
        ({"label": "spend_90d", "kind": "amount", "gate": {"least_auc": 0.7}}, "least_auc judges no task"),
        ({"label": "spend_90d", "kind": "amount", "gate": {"sum_ratio": [1.1, 1.2]}}, "1 between"),
        ({"label": "spend_90d", "kind": "amount", "algorithm": "knn"}, "by xgboost alone"),
        ({"label": "spend_365d", "kind": "lifetime", "search": {}}, "search: models of histories take none"),
        ({"algorithm": "knn", "search": {"max_depth": {"low": 2, "high": 6}}}, "parameters are those of xgboost"),
        ({"search": {"max_depht": {"low": 2, "high": 6}}}, "unknown parameter 'max_depht'.*max_depth"),
        ({"search": {"num_workers": {"low": 1, "high": 2}}}, "unknown parameter 'num_workers'"),
        ({"search": {"max_depth": {"low": 2.5, "high": 6}}}, "max_depth: 2.5"),
        ({"search": {"max_depth": {"low": 2, "high": 6, "step": 0.5}}}, "max_depth: 0.5"),
        ({"search": {"max_depth": {"choices": [0, 3]}}}, "max_depth: 0"),
        ({"search": {"subsample": {"low": 0.5, "high": 1.5}}}, "subsample: 1.5"),
        ({"search": {"subsample": {"low": 0.9, "high": 0.5}}}, "not below"),
        ({"search": {"subsample": {"low": 0.9}}}, "say low and high, or choices"),
        ({"search": {"subsample": {"low": 0.1, "choices": [0.2]}}}, "choices stand alone"),
        ({"search": {"min_child_weight": {"low": 0, "high": 9, "log": True}}}, "above 0"),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_the_reason(changes, says):
    with pytest.raises(ConfigurationError, match=f"(?s)test.yml.*{says}"):
        declared(**changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"label": "active_90d"}, "both write 'churn_probability'"), ({"output": "other"}, "both are head 'churn'")],
)
def test_two_tasks_do_not_share_a_column_or_a_head(changes, says):
    with pytest.raises(ConfigurationError, match=says):
        distinct({"one": declared(), "two": declared(**changes)})
