"""Which labels a command learns: those it names, all of the tasks, or those of the settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from featurestore.errors import ConfigurationError
from jobs.build_training_set import labels_asked
from jobs.settings import load_settings

EVERY = ("active_90d", "churn_60d", "decline_90d", "orders_90d", "purchase_30d", "spend_90d")


@pytest.mark.parametrize(
    ("named", "told", "expected"),
    [
        (None, [], ("purchase_30d", "churn_60d")),
        (["spend_90d", "my.yml", "spend_90d"], [], ("spend_90d", "my.yml")),
        (["all"], [], EVERY),
        (["churn_60d", "all"], [], ("churn_60d", *(name for name in EVERY if name != "churn_60d"))),
        (None, ["training.labels=[all]"], EVERY),
        (None, ["training.labels=[decline_90d]"], ("decline_90d",)),
    ],
)
def test_labels_are_those_named_else_those_of_the_settings(named, told, expected):
    run = SimpleNamespace(arguments=SimpleNamespace(label=named), settings=load_settings(assignments=told))
    assert labels_asked(run) == expected


def test_a_setting_names_labels_that_a_task_learns():
    with pytest.raises(ConfigurationError, match=r"no task of conf/tasks/ learns 'spend_365d'.*spend_90d"):
        load_settings(assignments=["training.labels=[spend_365d]"])
