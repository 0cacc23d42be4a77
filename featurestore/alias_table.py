"""The table of aliases, and the events of a source told under the persons that they make of customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.fold import CUSTOMER
from featurestore.persons import ALIAS, told_of_persons, within
from featurestore.schemas import ALIASES, SOURCES, Column, source
from featurestore.tables import Table, Warehouse
from featurestore.watermarks import earliest

CUSTOMER_ALIASES = Table(
    ALIASES.events_table,
    (
        Column("alias_id", "string", "Id under which a person was known, too", required=True),
        Column("customer_id", "string", "Id of the person, or of the next alias on the way to it", required=True),
        Column("known_at", "timestamp", "When the business knew of it, all links included, UTC", lineage=True),
        Column("links", "int", "Aliases on the way: 1 as declared, more where one leads on to another"),
        Column("batch_seqs", "array<bigint>", "Ranks of the batches that declared the links", lineage=True),
        Column("ingested_at", "timestamp", "When the last of them was taken in, UTC", lineage=True),
        Column("run_id", "string", "Run that took it in", lineage=True),
    ),
    "Ids found to be one person; of the rows of an alias the one with most links names the person",
    checks={
        "of_another": "alias_id <> customer_id",
        "alias_id_present": "alias_id IS NOT NULL",
        "customer_id_present": "customer_id IS NOT NULL",
        "known_at_present": "known_at IS NOT NULL",
    },
)


def aliases_version(warehouse: Warehouse) -> int:
    """The newest version of the aliases, -1 before any; no Spark job."""
    return warehouse.version(CUSTOMER_ALIASES.name) if warehouse.exists(CUSTOMER_ALIASES.name) else -1


def alias_paths(
    warehouse: Warehouse, *, version: int | None = None, batch_seqs: Sequence[int] | None = None
) -> DataFrame | None:
    """The rows of the aliases (see `persons.PATH`) at a version (default: the newest); None where there are none.

    With `batch_seqs` only those that these batches alone have made.
    """
    at = aliases_version(warehouse) if version is None else version
    if at < 0 or not warehouse.has_rows(CUSTOMER_ALIASES.name, version=at):
        return None
    paths = warehouse.read(CUSTOMER_ALIASES.name, version=at)
    return paths if batch_seqs is None else within(paths, batch_seqs)


def events_of_persons(
    warehouse: Warehouse, name: str, *, version: int | None = None, aliases_version: int | None = None
) -> DataFrame:
    """The events of source `name` with each customer as the last person that it is known to be.

    Both tables at a version, by default the newest; `aliases_version` -1 stands for none. Without aliases nothing is
    joined.
    """
    events = warehouse.read(source(name).events_table, version=version)
    return told_of_persons(events, alias_paths(warehouse, version=aliases_version))


def first_event_of(warehouse: Warehouse, paths: DataFrame) -> datetime | None:
    """The instant (UTC) of the first event, of any source, of the ids where `paths` begin; None without any."""
    ids = paths.select(F.col(ALIAS).alias(CUSTOMER)).distinct()
    tables = [one.events_table for one in SOURCES.values() if warehouse.exists(one.events_table)]
    firsts = [earliest(warehouse.read(table).join(ids, CUSTOMER, "left_semi")) for table in tables]
    return min((first for first in firsts if first is not None), default=None)
