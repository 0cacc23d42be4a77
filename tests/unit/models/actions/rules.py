"""Small rules for tests."""

from __future__ import annotations

from models.actions.rules import Actions, read_actions

ECONOMICS = """
economics:
  lapse: {sql: churn_probability, assumed: false}
  year_spend: {sql: "coalesce(clv_12m, 4 * expected_spend_90d)", assumed: true}
  margin: {value: 0.5, assumed: true}
  lapsed_share: {value: 0.5, assumed: true}
holdout: {share: 0.1, seed: 1, campaign: spring}
"""
OFFERS = """
offers:
  - {name: small, means: small, cost: 5, adds_save_rate: 0.05, redeemed_anyway: 0.5, assumed: true}
  - {name: large, means: large, cost: 20, adds_save_rate: 0.2, redeemed_anyway: 0.25, assumed: false}
"""
RULES = """
rules:
  - {name: mail, whom: all, recommends: write, where: churn_probability >= 0.2, priority: 3,
     contact: {cost: 0.5, save_rate: 0.1, assumed: true}, offers: [small, large]}
  - {name: call, whom: some, recommends: call, where: f_score >= 4, priority: 1,
     contact: {cost: 10, save_rate: 0.2, assumed: true}}
  - {name: rest, whom: others, recommends: nothing, where: churn_probability < 0.1, priority: 2, exclusive: true}
"""
TEXT = ECONOMICS + OFFERS + RULES


def small_actions(text: str = TEXT) -> Actions:
    return read_actions(text, where="mine.yml")
