"""The rules of action as a person reads them: a table, the formula with its figures, what the rules came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from rich.table import Table as Rich

from models.actions.decide import Outcome
from models.actions.rules import Actions, Rule
from models.actions.value import at_stake, variants

ASSUMED = "*"
EXAMPLE_LAPSE, EXAMPLE_SPEND = 0.7, 500.0


def rules_table(actions: Actions, *, currency: str) -> Rich:
    """One row a rule, by priority; figures with a star are assumed."""
    table = Rich(title=f"Rules of action ({ASSUMED} assumed, money in {currency})", title_justify="left")
    for name in ("", "rule", "whom", "where", "recommends", "contact costs", "keeps", "offers", "cap"):
        table.add_column(name, justify="right" if name in ("", "contact costs", "keeps", "cap") else "left")
    for rule in actions.ordered:
        table.add_row(str(rule.priority), rule.name, rule.whom, rule.where, _recommends(rule), *_costs(rule),
                      ", ".join(rule.offers) or "-", "-" if rule.cap is None else f"{rule.cap:,}")  # fmt: skip
    return table


def _recommends(rule: Rule) -> str:
    return f"{rule.recommends} (and no later rule)" if rule.exclusive else rule.recommends


def _costs(rule: Rule) -> tuple[str, str]:
    if rule.contact is None:
        return "no contact", "-"
    star = _star(rule.contact.assumed)
    return f"{rule.contact.cost:.2f}{star}", f"{rule.contact.save_rate:.1%}{star}"


def _star(assumed: bool) -> str:
    return ASSUMED if assumed else ""


def formula_lines(actions: Actions) -> list[str]:
    """How a net value comes about, with the figures, and one customer reckoned through."""
    shared = actions.economics
    lines = [
        "Net value of a contact: p s m L - c - o [(1 - p) r0 + p s]; of no offer and each offer, what is most",
        f"  p, lapses unless contacted: {shared.lapse.sql}{_star(shared.lapse.assumed)}",
        f"  s, kept of those: what the contact keeps, and what the offer adds;  "
        f"m, margin: {shared.margin.value:g}{_star(shared.margin.assumed)}",
        f"  L, what a lapse costs in 12 months: year_spend (1 - b) / (1 - p (1 - b)), "
        f"b = {shared.lapsed_share.value:g}{_star(shared.lapsed_share.assumed)}",
        f"  year_spend: {shared.year_spend.sql}{_star(shared.year_spend.assumed)}",
    ]
    lines += [
        f"  offer {one.name}, {one.means}: o = {one.cost:g}{_star(one.assumed)}, adds {one.adds_save_rate:.1%} to s, "
        f"r0 = {one.redeemed_anyway:g}"
        for one in actions.offers
    ]
    return lines + _example(actions)


def _example(actions: Actions) -> list[str]:
    """The variants of the first rule that contacts, for a made-up customer."""
    rule = next((one for one in actions.ordered if one.contact is not None), None)
    if rule is None:
        return []
    stake = at_stake(EXAMPLE_LAPSE, EXAMPLE_SPEND, lapsed_share=actions.economics.lapsed_share.value)
    profit = stake * actions.economics.margin.value
    ways = [
        f"{one.offer or 'no offer'} {one.net(EXAMPLE_LAPSE, profit):.2f} (cost {one.cost(EXAMPLE_LAPSE):.2f})"
        for one in variants(actions, rule)
    ]
    return [f"  so with p = {EXAMPLE_LAPSE:g}, year_spend = {EXAMPLE_SPEND:g}: L = {stake:.2f}, m L = {profit:.2f}; "
            f"{rule.name}: {', '.join(ways)}"]  # fmt: skip


def limits_lines(actions: Actions) -> list[str]:
    """Budget and hold-out in words."""
    budget = "no limit" if actions.budget is None else f"{actions.budget:,.2f}"
    held = actions.holdout
    drawn = f"the same customers through campaign {held.campaign}" if held.campaign else "others at each date"
    return [
        f"Budget of a run: {budget}. Chosen, by net value: who is above 0, within the caps and the budget.",
        f"Held out: {held.share:.0%} of those chosen get no contact and no offer (seed {held.seed}, {drawn}).",
    ]


def assumptions_line(actions: Actions) -> str:
    """What rests on no measurement."""
    return f"Assumed, not measured: {', '.join(actions.assumptions()) or 'nothing'}."


def outcome_table(found: Mapping[str, Outcome], *, as_of: date, currency: str) -> Rich:
    """What the rules come to on the scores of a date."""
    table = Rich(title=f"These rules on the scores of {as_of}", title_justify="left")
    table.add_column("rule")
    for name in ("recommended", "chosen", "held out", "contacted", f"cost {currency}", f"net value {currency}"):
        table.add_column(name, justify="right")
    for name, one in found.items():
        table.add_row(name, *_cells(one))
    everyone = found.values()
    total = Outcome(0, *(sum(getattr(o, n) for o in everyone) for n in ("chosen", "held_out", "cost", "net_value")))
    table.add_row("all", "", *_cells(total)[1:])
    return table


def _cells(one: Outcome) -> list[str]:
    contacted = one.chosen - one.held_out
    counts = [f"{number:,}" for number in (one.recommended, one.chosen, one.held_out, contacted)]
    return [*counts, f"{one.cost:,.2f}", f"{one.net_value:,.2f}"]
