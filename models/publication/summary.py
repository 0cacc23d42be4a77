"""What a run of scoring shows people: a date beside the one before it, who moved, and what the gate said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame

from models.publication.gate import LEVELS, Finding, stability_index
from models.publication.portrait import (
    ACTIONS,
    LEVEL,
    LIFECYCLE,
    PERSONA,
    PROBABILITIES,
    REASONS,
    RFM,
    SCORES,
    Distribution,
    Group,
    Portrait,
)
from models.segments.counts import ABSENT, NONE, flows

SCHEMES = (LEVEL, LIFECYCLE, RFM, PERSONA)
"""Columns whose customers are followed from date to date."""
Moves = Mapping[tuple[str, str], int]
"""Customers by where they were and where they are."""
EMPTY, NOBODY = Group(0, {}), Distribution()


def moves(before: DataFrame, now: DataFrame) -> dict[str, dict[tuple[str, str], int]]:
    """By column of `SCHEMES`, customers by value before and value now: at most the square of its values."""
    schemes = {name: name for name in SCHEMES if name in now.columns}
    found: dict[str, dict[tuple[str, str], int]] = {name: {} for name in schemes}
    for row in flows(before, now, schemes).collect():  # a row a pair of values
        found[row["scheme"]][row["from_segment"], row["to_segment"]] = row["customers"]
    return found


@dataclass(frozen=True)
class GroupShift:
    """A group of customers now and before; `before` is None where there is no earlier date."""

    name: str
    now: Group
    share: float
    before: Group | None

    @property
    def change(self) -> int | None:
        return None if self.before is None else self.now.customers - self.before.customers


@dataclass(frozen=True)
class HeadShift:
    """A score column now and before."""

    name: str
    now: Distribution
    before: Distribution

    @property
    def index(self) -> float | None:
        """The population stability index; None where nobody has the score at one of the dates."""
        both = self.now.scored and self.before.scored
        return stability_index(self.before.counts, self.now.counts) if both else None

    @property
    def digits(self) -> int:
        """That a mean is shown with."""
        return 3 if self.name in PROBABILITIES else 2


@dataclass(frozen=True)
class Summary:
    """The scores of `now` beside those `before`; `moves` by column, `decision` and `findings` of the gate."""

    now: Portrait
    before: Portrait | None
    moves: Mapping[str, Moves]
    decision: str
    findings: Sequence[Finding]
    currency: str

    @property
    def levels(self) -> list[GroupShift]:
        """Risk levels, the highest first, then customers without one."""
        return self._shifts(LEVEL, (*LEVELS, NONE))

    def groups(self, column: str) -> list[GroupShift]:
        """The groups of a column, the largest now first, then those that only were before; [] where it has none."""
        was = {} if self.before is None else self.before.of(column)
        return self._shifts(column, tuple(dict.fromkeys([*self.now.of(column), *was])))

    @property
    def segments(self) -> list[GroupShift]:
        """RFM cells, then customers without one."""
        return [*self.groups(RFM), *self._shifts(RFM, (NONE,))]

    @property
    def reasons(self) -> list[GroupShift]:
        """What moved churn most, by the feature named first; [] where no reasons are given."""
        return self.groups(REASONS)

    @property
    def actions(self) -> list[GroupShift]:
        """What is recommended first; [] where nothing is."""
        return self.groups(ACTIONS)

    @property
    def heads(self) -> list[HeadShift]:
        """The score columns that anybody has at either date."""
        was = {} if self.before is None else self.before.scores
        every = [HeadShift(name, self.now.scores.get(name, NOBODY), was.get(name, NOBODY)) for name in SCORES]
        return [one for one in every if one.now.scored or one.before.scored]

    def at_risk(self, group: Group | None) -> float | None:
        """Value at risk of a group by what customers of the date are worth by; None where that is not known."""
        worth = self.now.worth
        return None if group is None or worth is None else group.at_risk.get(worth)

    @property
    def value_at_risk(self) -> float | None:
        """Of all customers of the date."""
        found = [self.at_risk(one.now) for one in self.levels]
        known = [one for one in found if one is not None]
        return sum(known) if known else None

    @property
    def alarmed(self) -> int:
        """Customers of the two highest levels."""
        return sum(self.now.count(LEVEL, level) for level in LEVELS[:2])

    @property
    def turned(self) -> dict[str, int]:
        """Customers with a level at both dates: to a higher risk, to a lower one, and those who stayed."""
        places = {level: place for place, level in enumerate(LEVELS)}
        found = {"higher": 0, "lower": 0, "same": 0}
        for (was, is_now), customers in self.moves.get(LEVEL, {}).items():
            if was in places and is_now in places:
                step = places[is_now] - places[was]
                found["higher" if step < 0 else "lower" if step > 0 else "same"] += customers
        return found

    def order(self, column: str) -> list[str]:
        """The values of a column as people read them: levels by risk, others by customers; then none and absent."""
        named = list(LEVELS) if column == LEVEL else [one.name for one in self.groups(column)]
        return [*named, NONE, ABSENT]

    def largest_moves(self, column: str, *, most: int = 6) -> list[tuple[str, str, int]]:
        """Who went where, the most customers first; those who stayed are left out."""
        gone = [(was, is_now, customers) for (was, is_now), customers in self.moves.get(column, {}).items()
                if was != is_now]  # fmt: skip
        return sorted(gone, key=lambda one: (-one[2], one[0], one[1]))[:most]

    def by_head(self, column: str) -> list[tuple[str, str, int]]:
        """Head, what the map column `column` says of it, and for how many customers."""
        counted: Counter[tuple[str, str]] = Counter()
        for text, one in self.now.of(column).items():
            counted.update(dict.fromkeys(json.loads(text).items(), one.customers))
        return sorted((head, said, customers) for (head, said), customers in counted.items())

    def _shifts(self, column: str, names: Sequence[str]) -> list[GroupShift]:
        now = self.now.groups.get(column, {})
        was = None if self.before is None else self.before.groups.get(column, {})
        return [
            GroupShift(name, now.get(name, EMPTY), now.get(name, EMPTY).customers / max(self.now.customers, 1),
                       None if was is None else was.get(name, EMPTY))
            for name in names if name in now or (was is not None and name in was)
        ]  # fmt: skip
