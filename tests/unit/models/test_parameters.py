"""Declared parameters, heads and fingerprints."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import pytest

from featurestore.errors import ConfigurationError
from models.fingerprints import code_fingerprint, training_fingerprint
from models.heads import CHURN, PURCHASE, head_named
from models.parameters import TrainingParameters
from models.splits import plan_splits

PLAN = plan_splits(date(2011, 12, 9), horizon_days=60, source_start=date(2009, 12, 1))
PARTS = {
    "training_set": "rows-1",
    "features": ("a", "b"),
    "feature_fingerprint": "features-1",
    "plan": PLAN,
    "parameters": TrainingParameters(),
    "seed": 42,
}


@pytest.mark.parametrize("name", [one.name for one in fields(TrainingParameters)])
def test_a_value_out_of_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}' is -1"):
        TrainingParameters(**{name: -1})


def test_an_unknown_head_is_answered_with_near_names() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'churn'"):
        head_named("chrun")


def test_equal_trainings_have_equal_fingerprints() -> None:
    assert training_fingerprint(CHURN, **PARTS) == training_fingerprint(CHURN, **PARTS)
    assert len(code_fingerprint()) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"training_set": "rows-2"},
        {"features": ("b", "a")},
        {"feature_fingerprint": "features-2"},
        {"plan": replace(PLAN, calibration=date(2011, 8, 10))},
        {"parameters": TrainingParameters(max_depth=5)},
        {"seed": 43},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_a_fit_depends_on_changes_its_fingerprint(change: dict) -> None:
    assert training_fingerprint(CHURN, **{**PARTS, **change}) != training_fingerprint(CHURN, **PARTS)


def test_heads_have_fingerprints_of_their_own() -> None:
    assert training_fingerprint(CHURN, **PARTS) != training_fingerprint(PURCHASE, **PARTS)
