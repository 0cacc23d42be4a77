"""Any features of a view at the instants of a spine: folds, what derives from them, places in the population."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import LIFETIME, Aggregate, Cell, Derived, Feature, Ranked
from featurestore.fold import Limits
from featurestore.point_in_time import column
from featurestore.population import judged_by, placed_at
from featurestore.spine import folded_at
from featurestore.views import FeatureView

SEEN = Feature(
    "events_seen", Aggregate.COUNT, LIFETIME, "bigint", "events", "Events of the customer before the instant"
)
"""Folded along with places: in a snapshot, who has no event yet has no place."""


@dataclass(frozen=True)
class Needed:
    """The features of a view that some wanted ones are or are computed from, in order."""

    folds: tuple[Feature, ...]
    derived: tuple[Derived, ...]
    ranked: tuple[Ranked, ...]
    cell: Cell | None
    judged: tuple[Derived, ...]

    @property
    def among_population(self) -> list[str]:
        """Names of the features that need the stored cut points."""
        cell = [self.cell.name] if self.cell is not None else []
        return [*(one.name for one in self.ranked), *cell, *(one.name for one in self.judged)]


def needed(view: FeatureView, names: Iterable[str]) -> Needed:
    """What to compute for the features `names` of `view`."""
    wanted = set(names)
    for one in reversed(view.features):  # inputs stand before what is computed from them
        if one.name in wanted:
            wanted |= set(one.inputs)
    return Needed(
        tuple(one for one in view.folds if one.name in wanted),
        tuple(one for one in view.derived if one.name in wanted),
        tuple(one for one in view.ranked if one.name in wanted),
        view.cell if view.cell is not None and view.cell.name in wanted else None,
        tuple(one for one in view.judged if one.name in wanted),
    )


def features_at(
    events: DataFrame,
    spine: DataFrame,
    wanted: Needed,
    *,
    population: DataFrame | None,
    limits: Limits,
    customer: str,
    as_of: str,
    decision_delay: timedelta | None = None,
    aliases: DataFrame | None = None,
) -> DataFrame:
    """The rows and columns of `spine`, renamed `spine0`, `spine1`, ..., and the `wanted` features by their names.

    `population` is `population_<view>`, read where places are wanted: each row is placed by the newest date at or
    before its instant; before the first date, and for a customer without an event, the place is NULL. The columns of
    the spine are renamed because a feature may have any of their names. See `spine.folded_at` for the rest.
    """
    place_of = {name: f"spine{at}" for at, name in enumerate(spine.columns)}
    has_places = bool(wanted.among_population) and population is not None
    rows = folded_at(
        events,
        spine.select(*[column(name).alias(place) for name, place in place_of.items()]),
        [*wanted.folds, *([SEEN] if has_places else [])],
        wanted.derived,
        limits=limits,
        customer=place_of[customer],
        as_of=place_of[as_of],
        decision_delay=decision_delay,
        aliases=aliases,
    )
    return _placed(rows, wanted, population, as_of=place_of[as_of]) if has_places and population is not None else rows


def _placed(rows: DataFrame, wanted: Needed, population: DataFrame, *, as_of: str) -> DataFrame:
    scored = placed_at(rows, population, ranked=wanted.ranked, as_of=as_of)
    judged = judged_by(scored, cell=wanted.cell, judged=wanted.judged)
    is_seen = F.col(SEEN.name) > 0
    return judged.withColumns({name: F.when(is_seen, column(name)) for name in wanted.among_population}).drop(SEEN.name)
