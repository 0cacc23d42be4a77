"""A label at the instants of a spine, folded from events at one version; never guessed before its horizon is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths, aliases_version
from featurestore.errors import ConfigurationError, DataContractError, MissingInput
from featurestore.fold import CUSTOMER, Limits
from featurestore.label_definitions import Label
from featurestore.labels import value_of
from featurestore.point_in_time import column
from featurestore.schemas import source
from featurestore.spine import folded_at
from featurestore.tables import Warehouse
from featurestore.watermarks import complete_through

AS_OF = "as_of"


@dataclass(frozen=True)
class PinnedLabel:
    """A label with the version of the events that it is folded from, and how far these were complete then.

    `aliases_version` is that of the aliases by which the events are told; -1 before any.
    """

    label: Label
    version: int
    known_through: datetime
    aliases_version: int = -1

    @property
    def name(self) -> str:
        return self.label.name

    def describe(self) -> dict[str, Any]:
        """Plain values for the record of a training set."""
        aliases = {} if self.aliases_version < 0 else {"aliases_version": self.aliases_version}
        return {"name": self.name, "fingerprint": self.label.fingerprint, "version": self.version, **aliases,
                "known_through": self.known_through.isoformat()}  # fmt: skip

    def answer(self, warehouse: Warehouse, rows: DataFrame, *, limits: Limits) -> DataFrame:
        """`rows` as they are with a double named like the label (1, 0, a number), for their `customer_id` and `as_of`.

        NULL says: outside the population, no customer or instant, or immature (the source was not complete through
        as_of + horizon). Whoever fits leaves these out.
        """
        if self.name in rows.columns:
            raise ConfigurationError(f"the spine or a lookup has a column called '{self.name}' already: rename it.")
        missing = [name for name in (CUSTOMER, AS_OF) if name not in rows.columns]
        if missing:
            raise DataContractError.missing_columns(missing, found=rows.columns, where="the spine of a label")
        places = {name: f"row{at}" for at, name in enumerate(rows.columns)}
        folded = folded_at(
            warehouse.read(source(self.label.source).events_table, version=self.version),
            rows.select(*[column(name).alias(place) for name, place in places.items()]),
            self.label.folds,
            self.label.derived,
            limits=limits,
            customer=places[CUSTOMER],
            as_of=places[AS_OF],
            aliases=alias_paths(warehouse, version=self.aliases_version),
        )
        last = self.known_through - timedelta(days=self.label.horizon_days)
        is_mature = F.col(places[AS_OF]).cast("timestamp") <= F.lit(last)
        own = [column(place).alias(name) for name, place in places.items()]
        return folded.select(*own, F.when(is_mature, value_of(self.label)).alias(self.name))


def pinned(warehouse: Warehouse, label: Label) -> PinnedLabel:
    """The label on the events of now; MissingInput before any was ingested."""
    events = source(label.source).events_table
    if not warehouse.exists(events):
        raise MissingInput.table(events, warehouse=warehouse.root, make_with="ingest")
    through = complete_through(warehouse, label.source)
    return PinnedLabel(label, warehouse.version(events), through, aliases_version(warehouse))


def pinned_as(recorded: Mapping[str, Any], label: Label) -> PinnedLabel:
    """The label on the events that `recorded` (see `describe`) names; DataContractError for another label."""
    if (label.name, label.fingerprint) != (recorded["name"], recorded.get("fingerprint")):
        raise DataContractError(
            f"the training set was made with label '{recorded['name']}' of fingerprint {recorded.get('fingerprint')}, "
            f"not with '{label.name}' of {label.fingerprint}."
        )
    through = datetime.fromisoformat(recorded["known_through"])
    return PinnedLabel(label, recorded["version"], through, recorded.get("aliases_version", -1))
