"""What an action is worth, against numbers reckoned by hand, and as people are told."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from jobs.action_tables import assumptions_line, formula_lines, limits_lines, outcome_table, rules_table
from models.actions.decide import Outcome
from models.actions.value import at_stake, variants
from tests.unit.models.actions.rules import TEXT, small_actions

ACTIONS = small_actions()
MAIL = variants(ACTIONS, next(rule for rule in ACTIONS.rules if rule.name == "mail"))


def test_what_is_at_stake_keeps_the_expected_spend():
    # A = 600, B = 300: of 0.4 x 600 + 0.6 x 300 = 420 expected.
    assert at_stake(0.6, 420.0, lapsed_share=0.5) == pytest.approx(600 - 300)
    assert at_stake(1.0, 100.0, lapsed_share=0.5) == pytest.approx(100)  # B is sure: A = 200


def test_net_values_of_a_mail_alone_and_with_offers():
    alone, small, large = MAIL
    # p = 0.6, m L = 150. Alone: 0.6 x 0.1 x 150 - 0.5.
    assert alone.net(0.6, 150.0) == pytest.approx(8.5)
    # Small: s = 0.15; 0.6 x 0.15 x 150 = 13.5; cost 0.5 + 5 (0.4 x 0.5 + 0.6 x 0.15) = 1.95.
    assert small.cost(0.6) == pytest.approx(1.95)
    assert small.net(0.6, 150.0) == pytest.approx(11.55)
    # Large: s = 0.3; 27; cost 0.5 + 20 (0.4 x 0.25 + 0.6 x 0.3) = 6.1.
    assert large.net(0.6, 150.0) == pytest.approx(20.9)


def test_advice_has_no_way_to_act():
    assert variants(ACTIONS, next(rule for rule in ACTIONS.rules if rule.name == "rest")) == ()


def test_people_are_told_the_rules_the_figures_and_what_is_assumed():
    console = Console(width=220, file=StringIO(), record=True)
    console.print(rules_table(small_actions(TEXT + "budget: 70\n"), currency="EUR"))
    for line in (
        *formula_lines(ACTIONS),
        *limits_lines(small_actions(TEXT + "budget: 70\n")),
        assumptions_line(ACTIONS),
    ):
        console.print(line)
    console.print(outcome_table({"call": Outcome(10, 5, 1, 20.5, 30.25), "rest": Outcome(3, 0, 0, 0.0, 0.0)},
                                as_of="2011-12-09", currency="EUR"))  # fmt: skip
    said = console.export_text()
    rows = [line for line in said.splitlines() if "│" in line]
    assert [row.split("│")[2].strip() for row in rows[:3]] == ["call", "rest", "mail"]
    assert "10.00*" in rows[0] and "f_score >= 4" in rows[0] and "and no later rule" in rows[1]
    assert "b = 0.5*" in said and "p, lapses unless contacted: churn_probability\n" in said
    # L = 500 x 0.5 / (1 - 0.7 x 0.5) = 384.62; m L = 192.31; 0.7 x 0.2 x 192.31 - 10.
    assert "L = 384.62, m L = 192.31; call: no offer 16.92 (cost 10.00)" in said
    assert "Budget of a run: 70.00" in said and "10% of those chosen" in said
    assert "offer small" in said.split("Assumed, not measured:")[1]
    total = next(row for row in rows if row.split("│")[1].strip() == "all")
    assert [cell.strip() for cell in total.split("│")[3:-1]] == ["5", "1", "4", "20.50", "30.25"]
