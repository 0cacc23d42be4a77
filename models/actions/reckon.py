"""What rules come to for a batch of customers: which are recommended, which one acts, with what offer, for how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.actions.rules import Actions, Rule
from models.actions.value import UNITS, at_stake, variants
from models.logistic import Floats

Bools = NDArray[np.bool_]
ACTING = pa.struct([("rule", pa.string()), ("offer", pa.string()), ("net", pa.int64()), ("cost", pa.int64())])
RECKONED = pa.struct([("recommended", pa.list_(pa.string())), ("net_value", pa.float64()), ("acting", ACTING)])
RECKONED_SQL = (
    "struct<recommended:array<string>,net_value:double,acting:struct<rule:string,offer:string,net:bigint,cost:bigint>>"
)


@dataclass(frozen=True)
class _Ways:
    """The best way of one rule to act, customer by customer: net value and cost in `UNITS`, NaN for NULL; (n,) each.

    `offers` are places in the texts of `_offers`.
    """

    net: Floats
    cost: Floats
    offers: NDArray[np.intp]


def reckoned(actions: Actions, holds: Sequence[Bools], lapse: Floats, year_spend: Floats) -> pa.Array:
    """A `RECKONED` for each of n customers.

    holds: for each rule, by priority, whether its own condition does, (n,); lapse: probability, and year_spend:
    currency, (n,), NaN for NULL. `recommended` are the rules that hold, without those whose net value is known not to
    be above 0; a rule acts in the way of the greatest net value, of equal ones the first. `net_value`, in currency to
    the ten-thousandth, is that of the first recommended one that contacts, else of the first that holds and contacts;
    NULL where none does or the net value is not known. `acting` is that rule where its net value is above 0, else NULL.
    """
    profit = at_stake(lapse, year_spend, lapsed_share=actions.economics.lapsed_share.value)
    profit = profit * actions.economics.margin.value
    rules, open_ = actions.ordered, list(_not_excluded(actions.ordered, holds))
    ways = [_best(actions, rule, lapse, profit) for rule in rules]
    recommended = [held if way is None else held & ~(way.net <= 0) for held, way in zip(open_, ways, strict=True)]
    acting, net_value = _acting(actions, ways, open_, recommended)
    columns = [_names(rules, recommended), pa.array(net_value, from_pandas=True), acting]
    return pa.StructArray.from_arrays(columns, fields=list(RECKONED))


def _not_excluded(rules: Sequence[Rule], holds: Sequence[Bools]) -> Iterator[Bools]:
    """Of each rule, whether it holds and no exclusive one before it does."""
    left = np.ones(len(holds[0]), dtype=bool) if holds else np.empty(0, dtype=bool)
    for rule, own in zip(rules, holds, strict=True):
        yield left & own
        if rule.exclusive:
            left = left & ~own


def _best(actions: Actions, rule: Rule, lapse: Floats, profit: Floats) -> _Ways | None:
    ways = variants(actions, rule)
    if not ways:
        return None
    nets, costs = (np.column_stack(one) for one in zip(*(
        (_units(way.net(lapse, profit)), _units(way.cost(lapse))) for way in ways), strict=True))  # fmt: skip
    best = np.argmax(np.where(np.isnan(nets), -np.inf, nets), axis=1)
    offers = np.array([_offers(actions).index(way.offer) for way in ways], dtype=np.intp)
    rows = np.arange(len(lapse))
    return _Ways(nets[rows, best], costs[rows, best], offers[best])


def _units(amount: Floats) -> Floats:
    """Whole `UNITS`, halves away from 0."""
    units = np.asarray(amount, dtype=np.float64) * UNITS
    return np.copysign(np.floor(np.abs(units) + 0.5), units)


def _offers(actions: Actions) -> list[str | None]:
    return [None, *(one.name for one in actions.offers)]


def _acting(
    actions: Actions, ways: Sequence[_Ways | None], held: Sequence[Bools], recommended: Sequence[Bools]
) -> tuple[pa.Array, Floats]:
    rows = len(held[0]) if held else 0
    chosen = np.full(rows, -1)
    for asked in (recommended, held):  # what pays comes before what only holds
        for place, way in enumerate(ways):
            if way is not None:
                chosen[(chosen < 0) & asked[place]] = place
    net, cost, offers = np.full(rows, np.nan), np.full(rows, np.nan), np.zeros(rows, dtype=np.intp)
    for place, way in enumerate(ways):
        if way is not None:
            mine = chosen == place
            net[mine], cost[mine], offers[mine] = way.net[mine], way.cost[mine], way.offers[mine]
    acts = net > 0
    names = pa.array([one.name for one in actions.ordered], pa.string())
    texts = pa.array(_offers(actions), pa.string())
    numbers = [pa.array(np.where(acts, one, 0).astype(np.int64)) for one in (net, cost)]
    columns = [names.take(pa.array(chosen, mask=~acts)), texts.take(pa.array(offers)), *numbers]
    return pa.StructArray.from_arrays(columns, fields=list(ACTING), mask=pa.array(~acts)), net / UNITS


def _names(rules: Sequence[Rule], recommended: Sequence[Bools]) -> pa.Array:
    """The names of the rules that are true, row by row."""
    true = np.column_stack(recommended)
    ends = np.concatenate([[0], np.cumsum(true.sum(axis=1))]).astype(np.int32)
    names = pa.array([one.name for one in rules], pa.string())
    return pa.ListArray.from_arrays(pa.array(ends), names.take(pa.array(np.nonzero(true)[1])))
