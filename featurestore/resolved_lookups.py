"""Lookups on what they found, at pinned versions: a table that users wrote, or a view over events.

On a table the answer is the newest row at the instant, on a view the exact fold at the instant; both leave the rows
and columns of the spine as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Protocol

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore import watermarks
from featurestore.alias_table import alias_paths
from featurestore.definitions import fingerprint
from featurestore.errors import ConfigurationError, DataContractError, MissingInput
from featurestore.fold import CUSTOMER, Limits
from featurestore.knowledge import AS_KNOWN, LATEST, Knowledge
from featurestore.lookups import FeatureLookup
from featurestore.point_in_time import Match, column, newest_rows, refuse_no_time
from featurestore.population import population_table
from featurestore.schemas import ALIASES, source
from featurestore.tables import Warehouse
from featurestore.user_tables import UserTable, find
from featurestore.view_features import Needed, features_at, needed
from featurestore.views import FeatureView


class Resolved(Protocol):
    """A lookup that can be answered: what it reads, at which version, and the names that it adds."""

    @property
    def lookup(self) -> FeatureLookup: ...

    @property
    def versions(self) -> Mapping[str, int]: ...

    @property
    def outputs(self) -> Mapping[str, str]: ...

    @property
    def fingerprint(self) -> str: ...

    def answer(self, spine: DataFrame, *, knowledge: Knowledge) -> DataFrame: ...


@dataclass(frozen=True)
class TableLookup:
    """A lookup on a feature table of `warehouse`; `versions` says at which version it is read."""

    lookup: FeatureLookup
    table: UserTable
    warehouse: Warehouse
    versions: Mapping[str, int]
    outputs: Mapping[str, str]

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
        return newest_rows(spine, _read(self.warehouse, self.table.name, self.versions), match)

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
    """A lookup on a view: its features at each row's own instant, over tables at `versions`."""

    lookup: FeatureLookup
    view: FeatureView
    warehouse: Warehouse
    versions: Mapping[str, int]
    outputs: Mapping[str, str]
    limits: Limits

    @property
    def fingerprint(self) -> str:
        """Identity of what the features mean; other features of the view do not enter."""
        meanings = self.view.feature_fingerprints
        return fingerprint([[meanings[name] for name in self.outputs], *_manner(self.lookup, self.outputs)])

    def answer(self, spine: DataFrame, *, knowledge: Knowledge) -> DataFrame:
        """The spine with the exact fold at its instants; see `view_features.features_at`."""
        customer = self._customer(spine)
        if self.lookup.as_of not in spine.columns:
            raise DataContractError.missing_columns([self.lookup.as_of], found=spine.columns, where="the spine")
        refuse_no_time(spine, self.lookup.as_of, where="the spine")
        wanted = needed(self.view, self.outputs)
        rows = features_at(
            _read(self.warehouse, source(self.view.source).events_table, self.versions),
            spine,
            wanted,
            population=self._population(wanted, knowledge),
            limits=self.limits,
            customer=customer,
            as_of=self.lookup.as_of,
            decision_delay=knowledge.delay,
            aliases=alias_paths(self.warehouse, version=self.versions.get(ALIASES.events_table, -1)),
        )
        own = [F.col(f"spine{at}").alias(f.name, metadata=f.metadata) for at, f in enumerate(spine.schema.fields)]
        return rows.select(*own, *[column(name).alias(output) for name, output in self.outputs.items()])

    def _population(self, wanted: Needed, knowledge: Knowledge) -> DataFrame | None:
        """The stored cut points, where features need them."""
        if not wanted.among_population:
            return None
        if knowledge.delay is not None:
            raise ConfigurationError(
                f"{', '.join(wanted.among_population)}: cut points are of what was known when a snapshot was built; "
                f"knowledge='{AS_KNOWN}' cannot be answered.\n  Leave these features out."
            )
        return _read(self.warehouse, population_of(self.view), self.versions)

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
    warehouse: Warehouse,
    lookup: FeatureLookup,
    *,
    views: Mapping[str, FeatureView],
    limits: Limits,
    versions: Mapping[str, int] | None = None,
) -> TableLookup | ViewLookup:
    """The lookup on the view of that name, else on the feature table, at `versions` (default: the newest).

    Raises ConfigurationError with near names for an unknown table or feature, MissingInput where a table that it
    reads is not there yet.
    """
    name = lookup.table_name
    if name in views:
        return _on_view(warehouse, lookup, views[name], limits=limits, versions=versions)
    if not warehouse.exists(name):
        raise ConfigurationError.unknown_name("feature table or view", name, known=views, where="a lookup")
    table = find(warehouse, name)
    instant = [table.timestamp_key] if lookup.features is not None else []  # the row's own, if asked for by name
    outputs = lookup.outputs([*table.features, *instant])
    return TableLookup(lookup, table, warehouse, versions or {name: warehouse.version(name)}, outputs)


def _on_view(
    warehouse: Warehouse,
    lookup: FeatureLookup,
    view: FeatureView,
    *,
    limits: Limits,
    versions: Mapping[str, int] | None,
) -> ViewLookup:
    if lookup.max_age is not None:
        raise ConfigurationError(
            f"lookup on view '{view.name}': a view is folded at the instant itself, nothing in it has an age.\n"
            "  Leave max_age out; the window of a feature says how far back it looks."
        )
    outputs = _features_of(view, lookup)
    reads = {source(view.source).events_table: "ingest"}
    if needed(view, outputs).among_population:
        reads[population_of(view)] = f"build_features --view {view.name}"
    for table, job in reads.items():
        if not warehouse.exists(table):
            raise MissingInput.table(table, warehouse=warehouse.root, make_with=job)
    if warehouse.exists(ALIASES.events_table):
        reads[ALIASES.events_table] = "ingest --aliases"
    pinned = versions or {table: warehouse.version(table) for table in reads}
    return ViewLookup(lookup, view, warehouse, pinned, outputs, limits)


def _features_of(view: FeatureView, lookup: FeatureLookup) -> dict[str, str]:
    """Feature to output name: what a sweep computes, or those asked for, an alias standing for its feature."""
    if lookup.features is None:
        return lookup.outputs([one.name for one in view.computed])
    stands_for = dict(view.aliases)
    asked = lookup.outputs([*view.feature_names, *stands_for])
    outputs = {stands_for.get(name, name): output for name, output in asked.items()}
    if len(outputs) < len(asked):
        raise ConfigurationError(
            f"lookup on view '{view.name}' asks for one feature by two names: {', '.join(asked)}. Leave one out."
        )
    return outputs


def population_of(view: FeatureView) -> str:
    """The table with the cut points of a view."""
    return population_table(view.name).name


def _read(warehouse: Warehouse, table: str, versions: Mapping[str, int]) -> DataFrame:
    return warehouse.read(table, version=versions[table])


def refuse_unknowable(spine: DataFrame, resolved: Sequence[TableLookup | ViewLookup], *, knowledge: Knowledge) -> None:
    """DataContractError under "as_known" where a later batch may still tell of what counts at a row's instant."""
    if knowledge.delay is None:
        return
    for one in resolved:
        if isinstance(one, ViewLookup):
            newest = spine.agg(F.max(column(one.lookup.as_of)).cast("timestamp")).first()
            if newest is not None and newest[0] is not None:
                watermarks.refuse_unknowable(
                    one.warehouse, one.view.source, newest=newest[0].astimezone(UTC), delay=knowledge.delay
                )


def _manner(lookup: FeatureLookup, outputs: Mapping[str, str]) -> list[object]:
    described = lookup.to_dict()
    return [list(outputs.items()), described["max_age_us"]]
