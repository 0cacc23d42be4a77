"""What an action is worth: one arithmetic for numbers and for columns of Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.actions.rules import Actions, Rule

UNITS = 10_000
"""Net values and costs are whole ten-thousandths of the currency, so that sums and ranks are exact."""


def at_stake(lapse: Any, year_spend: Any, *, lapsed_share: float) -> Any:
    """L = E[12-month spend | no lapse] - E[12-month spend | lapse], in currency.

    Of year_spend = (1 - p) A + p B, with B = `lapsed_share` A (an assumption): A = year_spend / (1 - p (1 - share)).

    >>> round(at_stake(0.5, 100.0, lapsed_share=0.5), 4)  # A = 133.33, B = 66.67
    66.6667
    >>> at_stake(0.0, 100.0, lapsed_share=0.25)
    75.0
    """
    lost = 1.0 - lapsed_share
    return year_spend * lost / (1.0 - lapse * lost)


@dataclass(frozen=True)
class Variant:
    """One way to act: the contact of a rule, alone or with an offer."""

    offer: str | None
    contact: float
    save_rate: float
    offer_cost: float = 0.0
    redeemed_anyway: float = 0.0

    def cost(self, lapse: Any) -> Any:
        """Expected cost in currency: c + o [(1 - p) r0 + p s].

        >>> round(Variant("voucher", 0.25, 0.08, offer_cost=5.0, redeemed_anyway=0.3).cost(0.5), 4)
        1.2
        """
        redeemed = (1.0 - lapse) * self.redeemed_anyway + lapse * self.save_rate
        return self.contact + self.offer_cost * redeemed

    def net(self, lapse: Any, profit: Any) -> Any:
        """Expected net value in currency: p s m L - cost, `profit` being m L.

        >>> round(Variant("voucher", 0.25, 0.08, offer_cost=5.0, redeemed_anyway=0.3).net(0.5, 120.0), 4)
        3.6
        """
        return lapse * self.save_rate * profit - self.cost(lapse)


def variants(actions: Actions, rule: Rule) -> tuple[Variant, ...]:
    """The ways that a rule may act: its contact alone, then with each of its offers; none for advice."""
    if rule.contact is None:
        return ()
    alone = Variant(None, rule.contact.cost, rule.contact.save_rate)
    offers = [actions.offer(name) for name in rule.offers]
    with_offer = [
        Variant(one.name, alone.contact, alone.save_rate + one.adds_save_rate, one.cost, one.redeemed_anyway)
        for one in offers
    ]
    return (alone, *with_offer)
