"""Rules of action as `conf/actions.yml` declares them: whom, what, what it costs, and what it is assumed to bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.configuration_files import text_of
from featurestore.definitions import fingerprint
from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.expressions import check_columns, columns_of

NAME = "^[a-z][a-z0-9_]*$"


class Assumption(Strict):
    """A number that the net value rests on; `assumed` until an experiment has measured it."""

    value: float = Field(gt=0, lt=1)
    assumed: bool


class Expected(Strict):
    """An SQL expression over score columns that gives a number; `assumed` where it takes one thing for another."""

    sql: str = Field(min_length=1)
    assumed: bool


class Economics(Strict):
    """What all rules share.

    `lapse` is the probability that the customer orders nothing over the horizon of that probability unless contacted,
    `year_spend` the expected spend of twelve months, `margin` the share of spend that is profit, `lapsed_share` the
    spend of a year after a lapse over that without one.
    """

    lapse: Expected
    year_spend: Expected
    margin: Assumption
    lapsed_share: Assumption


class Contact(Strict):
    """What reaching one customer costs, in currency, and the share of those about to lapse whom it keeps."""

    cost: float = Field(ge=0, le=1e6)
    save_rate: float = Field(ge=0, le=1)
    assumed: bool


class Offer(Strict):
    """What a redeemed offer costs, the share that it keeps beyond a contact alone, and who redeems it anyway."""

    name: str = Field(pattern=NAME)
    means: str = Field(min_length=1)
    cost: float = Field(ge=0, le=1e6)
    adds_save_rate: float = Field(ge=0, le=1)
    redeemed_anyway: float = Field(ge=0, le=1)
    assumed: bool


class Rule(Strict):
    """Customers for whom `where` holds, and what is recommended for them; `priority` 1 is looked at first.

    A rule without `contact` is advice: it costs and is worth nothing. At most `cap` customers of a run are chosen by
    a rule. Of an `exclusive` rule's customers no later rule holds.
    """

    name: str = Field(pattern=NAME)
    whom: str = Field(min_length=1)
    recommends: str = Field(min_length=1)
    where: str = Field(min_length=1)
    priority: int = Field(ge=1)
    contact: Contact | None = None
    offers: tuple[str, ...] = ()
    cap: int | None = Field(default=None, ge=0)
    exclusive: bool = False

    @model_validator(mode="after")
    def _limits_contacts(self) -> Rule:
        if self.contact is None and (self.offers or self.cap is not None):
            raise ValueError(f"'{self.name}' has offers or a cap, but no contact: say what reaching a customer costs")
        return self


class Holdout(Strict):
    """Who of those chosen is left alone, so that what actions bring can be measured.

    Drawn by customer, seed and campaign: the same customers at all dates of a campaign; without one, others each date.
    """

    share: float = Field(ge=0, lt=1)
    seed: int = Field(ge=0)
    campaign: str | None = Field(default=None, min_length=1)


class Actions(Strict):
    """All of a file: economics, offers, rules, the budget of a run in currency, the hold-out."""

    economics: Economics
    offers: tuple[Offer, ...] = ()
    rules: tuple[Rule, ...] = Field(min_length=1)
    budget: float | None = Field(default=None, ge=0, le=1e12)
    holdout: Holdout

    @model_validator(mode="after")
    def _names_are_known(self) -> Actions:
        for kind, names in (("rule", [r.name for r in self.rules]), ("offer", [o.name for o in self.offers]),
                            ("priority", [str(r.priority) for r in self.rules])):  # fmt: skip
            twice = [name for name, times in Counter(names).items() if times > 1]
            if twice:
                raise ValueError(f"{kind} '{twice[0]}' is given twice; each is one rule's or one offer's own")
        offers = {one.name: one for one in self.offers}
        for rule in self.rules:
            for name in rule.offers:
                if name not in offers:
                    raise ValueError(f"rule '{rule.name}': unknown offer '{name}'. {did_you_mean(name, offers)}")
                if rule.contact is not None and rule.contact.save_rate + offers[name].adds_save_rate > 1:
                    raise ValueError(f"rule '{rule.name}' with offer '{name}' would keep more than all who lapse")
        return self

    @property
    def ordered(self) -> tuple[Rule, ...]:
        """The rules by priority, 1 first."""
        return tuple(sorted(self.rules, key=lambda rule: rule.priority))

    @property
    def caps(self) -> dict[str, int]:
        """Rule to its cap, of those that have one."""
        return {rule.name: rule.cap for rule in self.rules if rule.cap is not None}

    def offer(self, name: str) -> Offer:
        """The offer of that name."""
        return next(one for one in self.offers if one.name == name)

    def expressions(self) -> list[tuple[str, str]]:
        """Every SQL expression with the place that it stands at."""
        shared = [
            ("economics.lapse", self.economics.lapse.sql),
            ("economics.year_spend", self.economics.year_spend.sql),
        ]
        return shared + [(f"rule '{rule.name}'", rule.where) for rule in self.ordered]

    def columns(self) -> frozenset[str]:
        """The score columns that are read."""
        return frozenset(name for place, text in self.expressions() for name in columns_of(text, where=place))

    def check(self, columns: Collection[str], *, where: str) -> None:
        """Raises ConfigurationError, with near names, for an expression that reads an unknown column."""
        for place, text in self.expressions():
            check_columns(text, known=columns, where=f"{where}, {place}")

    @property
    def fingerprint(self) -> str:
        """Identity of all that decides; texts for people count too."""
        return fingerprint([self.model_dump(mode="json")])

    def assumptions(self) -> list[str]:
        """What is assumed and not measured, by name."""
        parts: Iterable[tuple[str, Any]] = [
            *((name, getattr(self.economics, name)) for name in type(self.economics).model_fields),
            *((f"contact of {rule.name}", rule.contact) for rule in self.ordered if rule.contact),
            *((f"offer {one.name}", one) for one in self.offers),
        ]
        return [name for name, one in parts if one.assumed]


def read_actions(text: str, *, where: str) -> Actions:
    """The rules that YAML text declares; ConfigurationError with every fault, each with its place."""
    actions = validated(Actions, parse_yaml(text, where=where), where=where)
    for place, expression in actions.expressions():
        columns_of(expression, where=f"{where}, {place}")
    return actions


def load_actions(name_or_file: str, *, budget: float | None = None) -> Actions:
    """Rules by the name of their file in `conf/`, or by any file; `budget`, if given, in the place of the file's."""
    where = f"conf/{name_or_file}.yml"
    text = text_of(files("conf") / f"{name_or_file}.yml", where=where)
    if text is None:
        text, where = text_of(Path(name_or_file), where=name_or_file), name_or_file
    if text is None:
        raise ConfigurationError.unknown_name("rules of action or file", name_or_file, known=["actions"],
                                              where="actions.rules")  # fmt: skip
    actions = read_actions(text, where=where)
    return actions if budget is None else actions.model_copy(update={"budget": budget})
