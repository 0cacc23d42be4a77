"""Lookups on what they found, each at one version: a table that users wrote, or a view over events.

On a table the answer is the newest row at the instant, on a view the exact fold at the instant; both leave the rows
and columns of the spine as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, Protocol

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import ENGINE, Derived, Feature, fingerprint
from featurestore.errors import ConfigurationError, DataContractError, MissingInput
from featurestore.fold import CUSTOMER, Limits
from featurestore.lookups import FeatureLookup
from featurestore.point_in_time import Match, column, newest_rows, refuse_no_time
from featurestore.schemas import source
from featurestore.spine import folded_at
from featurestore.tables import Warehouse
from featurestore.user_tables import UserTable, find
from featurestore.views import FeatureView
from featurestore.watermarks import last_ingested

LATEST, AS_KNOWN = "latest", "as_known"


@dataclass(frozen=True)
class Knowledge:
    """Which events count: all that are known now, or those known `decision_delay` after the instant of the row."""

    name: str = LATEST
    decision_delay: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.name not in (LATEST, AS_KNOWN):
            raise ConfigurationError.unknown_name("knowledge", self.name, known=[LATEST, AS_KNOWN])

    @property
    def delay(self) -> timedelta | None:
        """What `folded_at` takes: None counts all events."""
        return self.decision_delay if self.name == AS_KNOWN else None


class Resolved(Protocol):
    """A lookup that can be answered: what it reads, at which version, and the names that it adds."""

    @property
    def lookup(self) -> FeatureLookup: ...

    @property
    def reads(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def outputs(self) -> Mapping[str, str]: ...

    @property
    def fingerprint(self) -> str: ...

    def answer(self, spine: DataFrame, *, knowledge: Knowledge) -> DataFrame: ...


@dataclass(frozen=True)
class TableLookup:
    """A lookup on a feature table of `warehouse`, read at `version`."""

    lookup: FeatureLookup
    table: UserTable
    warehouse: Warehouse
    version: int

    @property
    def reads(self) -> str:
        return self.table.name

    @property
    def outputs(self) -> Mapping[str, str]:
        instant = [self.table.timestamp_key] if self.lookup.features is not None else []
        return self.lookup.outputs([*self.table.features, *instant])

    @property
    def fingerprint(self) -> str:
        """Identity of what the features mean; rows and versions do not enter."""
        return fingerprint([self.table.meaning, *_manner(self.lookup, self.outputs)])

    def answer(self, spine: DataFrame, *, knowledge: Knowledge) -> DataFrame:
        """The spine with the newest row of the table; see `point_in_time.newest_rows`."""
        if knowledge.delay is not None:
            raise ConfigurationError(
                f"table '{self.table.name}' says when its rows count, not when they were known: knowledge='{AS_KNOWN}' "
                f"cannot be answered from it.\n  Use knowledge='{LATEST}', or look up views only."
            )
        match = Match(
            keys=self._keys(),
            as_of=self.lookup.as_of,
            instant=self.table.timestamp_key,
            found=self.outputs,
            at_instant=self.table.at_instant,
            max_age=self.lookup.max_age,
        )
        return newest_rows(spine, self.warehouse.read(self.table.name, version=self.version), match)

    def _keys(self) -> tuple[tuple[str, str], ...]:
        own = self.table.primary_keys
        given = self.lookup.lookup_key or own
        if len(given) != len(own):
            raise ConfigurationError(
                f"lookup on '{self.table.name}': lookup_key names {len(given)} columns; the table has the keys "
                f"{', '.join(own)}, in this order."
            )
        return tuple(zip(given, own, strict=True))


@dataclass(frozen=True)
class ViewLookup:
    """A lookup on a view: its folds at each row's own instant, over the events at `version`."""

    lookup: FeatureLookup
    view: FeatureView
    warehouse: Warehouse
    version: int
    limits: Limits

    @property
    def reads(self) -> str:
        return source(self.view.source).events_table

    @property
    def outputs(self) -> Mapping[str, str]:
        return self.lookup.outputs([*(fold.name for fold in self.view.folds), *(one.name for one in self.view.derived)])

    @property
    def fingerprint(self) -> str:
        """Identity of what the features mean; other features of the view do not enter."""
        folds, derived = needed(self.view, self.outputs)
        meanings = [*(fold.meaning for fold in folds), *(one.meaning for one in derived)]
        return fingerprint([ENGINE, self.view.source, meanings, *_manner(self.lookup, self.outputs)])

    def answer(self, spine: DataFrame, *, knowledge: Knowledge) -> DataFrame:
        """The spine with the exact fold at its instants; see `spine.folded_at`."""
        customer = self._customer(spine)
        if self.lookup.as_of not in spine.columns:
            raise DataContractError.missing_columns([self.lookup.as_of], found=spine.columns, where="the spine")
        refuse_no_time(spine, self.lookup.as_of, where="the spine")
        folds, derived = needed(self.view, self.outputs)
        places = {name: f"spine{at}" for at, name in enumerate(spine.columns)}  # a feature may have any of their names
        folded = folded_at(
            self.warehouse.read(self.reads, version=self.version),
            spine.select(*[column(name).alias(place) for name, place in places.items()]),
            folds,
            derived,
            limits=self.limits,
            customer=places[customer],
            as_of=places[self.lookup.as_of],
            decision_delay=knowledge.delay,
        )
        own = [column(places[f.name]).alias(f.name, metadata=f.metadata) for f in spine.schema.fields]
        return folded.select(*own, *[column(name).alias(output) for name, output in self.outputs.items()])

    def _customer(self, spine: DataFrame) -> str:
        given = self.lookup.lookup_key or (CUSTOMER,)
        if len(given) != 1:
            raise ConfigurationError(
                f"lookup on view '{self.view.name}': lookup_key names the one column of customers."
            )
        if given[0] not in spine.columns:
            raise DataContractError.missing_columns(given, found=spine.columns, where="the spine")
        kind = spine.schema[given[0]].dataType.simpleString()
        if kind != "string":
            raise DataContractError(
                f"'{given[0]}' of the spine is {kind}; customers are strings, as the source spells them."
            )
        return given[0]


def resolve(
    warehouse: Warehouse, lookup: FeatureLookup, *, views: Mapping[str, FeatureView], limits: Limits
) -> TableLookup | ViewLookup:
    """The lookup on the view of that name, else on the feature table, at the newest version.

    Raises ConfigurationError with near names for an unknown table or feature, MissingInput before any event was
    ingested.
    """
    name = lookup.table_name
    if name in views:
        return _on_view(warehouse, lookup, views[name], limits)
    if not warehouse.exists(name):
        raise ConfigurationError.unknown_name("feature table or view", name, known=views, where="a lookup")
    on_table = TableLookup(lookup, find(warehouse, name), warehouse, warehouse.version(name))
    _ = on_table.outputs  # names are checked before anything is read
    return on_table


def _on_view(warehouse: Warehouse, lookup: FeatureLookup, view: FeatureView, limits: Limits) -> ViewLookup:
    if lookup.max_age is not None:
        raise ConfigurationError(
            f"lookup on view '{view.name}': a view is folded at the instant itself, nothing in it has an age.\n"
            "  Leave max_age out; the window of a feature says how far back it looks."
        )
    lookup = lookup.by_own_names(dict(view.aliases))
    folded = {one.name for one in view.computed}
    asked = sorted((set(view.feature_names) - folded) & set(lookup.features or ()))
    if asked:
        raise ConfigurationError(
            f"{', '.join(asked)} of view '{view.name}': a rank among all customers of a snapshot is no fold of one "
            f"customer.\n  Read it at snapshot dates, from the table {view.table}."
        )
    events = source(view.source).events_table
    if not warehouse.exists(events):
        raise MissingInput.table(events, warehouse=warehouse.root, make_with="ingest")
    on_view = ViewLookup(lookup, view, warehouse, warehouse.version(events), limits)
    _ = on_view.outputs
    return on_view


def refuse_unknowable(spine: DataFrame, resolved: Sequence[TableLookup | ViewLookup], *, knowledge: Knowledge) -> None:
    """DataContractError under "as_known" where a later batch may still tell of what counts at a row's instant."""
    if knowledge.delay is None:
        return
    for one in resolved:
        if isinstance(one, ViewLookup):
            newest = spine.agg(F.max(column(one.lookup.as_of)).cast("timestamp")).first()
            known = last_ingested(one.warehouse, one.view.source)
            if newest is None or newest[0] is None or newest[0].astimezone(UTC) + knowledge.delay <= known:
                continue
            raise DataContractError(
                f"the spine asks what was known of '{one.view.source}' at {newest[0]:%Y-%m-%d %H:%M:%S} plus a "
                f"delay of {knowledge.delay}; its last batch is of {known:%Y-%m-%d %H:%M:%S} (UTC).\n"
                "  Leave later rows out, ingest what has come since, or use knowledge='latest'."
            )


def needed(view: FeatureView, names: Mapping[str, Any]) -> tuple[tuple[Feature, ...], tuple[Derived, ...]]:
    """The folds and derived features of `view` that `names` are or derive from."""
    wanted = set(names)
    for one in reversed(view.derived):  # inputs stand before what derives from them
        if one.name in wanted:
            wanted |= set(one.inputs)
    return (
        tuple(one for one in view.folds if one.name in wanted),
        tuple(one for one in view.derived if one.name in wanted),
    )


def _manner(lookup: FeatureLookup, outputs: Mapping[str, str]) -> list[object]:
    described = lookup.to_dict()
    return [list(outputs.items()), described["max_age_us"]]
