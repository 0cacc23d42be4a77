"""Rules of action: what is shipped can be used, and what cannot be meant is refused with its place."""

from __future__ import annotations

import pytest

from featurestore.errors import ConfigurationError
from jobs.actions import READABLE
from jobs.settings import load_settings, overlay_names
from models.actions.rules import load_actions
from tests.unit.models.actions.rules import TEXT, small_actions

SHIPPED = load_actions("actions")


def test_the_shipped_rules_read_score_columns_and_hold_out_a_tenth():
    SHIPPED.check(READABLE, where="actions")
    assert SHIPPED.holdout.share == 0.1
    assert load_settings().actions.rules == "actions"
    assert "actions" not in overlay_names()


def test_a_budget_of_the_settings_stands_for_that_of_the_file():
    assert load_actions("actions").budget is None
    assert (
        load_actions("actions", budget=load_settings(assignments=["actions.budget=250"]).actions.budget).budget == 250
    )


def test_rules_are_looked_at_by_priority_and_their_identity_is_all_that_decides():
    actions = small_actions()
    assert [rule.name for rule in actions.ordered] == ["call", "rest", "mail"]
    assert actions.fingerprint == small_actions().fingerprint != small_actions(TEXT + "budget: 1\n").fingerprint
    assert "offer small" in actions.assumptions() and "offer large" not in actions.assumptions()
    assert "lapse" not in actions.assumptions() and "contact of mail" in actions.assumptions()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("priority: 3", "prioritty: 3", "rules.0.prioritty: unknown key. Did you mean 'priority'?"),
        ("margin:", "marginn:", "economics.marginn: unknown key. Did you mean 'margin'?"),
        ("offers: [small, large]", "offers: [smal]", "unknown offer 'smal'. Did you mean 'small'?"),
        ("priority: 3", "priority: 1", "priority '1' is given twice"),
        ("name: call", "name: mail", "rule 'mail' is given twice"),
        ("exclusive: true", "cap: 5", "'rest' has offers or a cap, but no contact"),
        ("adds_save_rate: 0.2", "adds_save_rate: 0.95", "would keep more than all who lapse"),
        ("lapsed_share: {value: 0.5,", "lapsed_share: {value: 1.0,", "economics.lapsed_share.value: Input should"),
        (", assumed: false}\n  year", "}\n  year", "economics.lapse.assumed: required, but not given"),
        ("f_score >= 4", "f_score >= (select 4)", "rule 'call'"),
        ("f_score >= 4", "f_score >= 4; drop table x", "a second statement is not allowed"),
        ("f_score >= 4", "rand() > 0.5", "'rand' is not allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(old, new, said):
    assert old in TEXT
    with pytest.raises(ConfigurationError) as refused:
        small_actions(TEXT.replace(old, new))
    assert said in str(refused.value) and "mine.yml" in str(refused.value)


def test_an_unknown_column_is_answered_with_near_ones():
    actions = small_actions(TEXT.replace("f_score >= 4", "f_scor >= 4"))
    with pytest.raises(ConfigurationError, match=r"'f_scor' in mine.yml, rule 'call'.*Did you mean 'f_score'"):
        actions.check(["f_score", "churn_probability", "clv_12m", "expected_spend_90d"], where="mine.yml")


def test_an_unknown_file_is_refused():
    with pytest.raises(ConfigurationError, match="unknown rules of action or file 'action'"):
        load_actions("action")
