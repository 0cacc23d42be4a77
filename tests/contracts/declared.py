"""What each table of a warehouse must be, whoever wrote it: its declaration, and the key that no two rows share.

Declarations are the code's own; keys are those of the design, written once here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable
from pyspark.sql.types import StructType

from featurestore.alias_table import CUSTOMER_ALIASES
from featurestore.catalog import CATALOG
from featurestore.erasure_records import ERASURES
from featurestore.event_tables import events_table, quarantine_table
from featurestore.features import VIEWS
from featurestore.file_records import INGEST_FILES
from featurestore.ingest_runs import INGEST_RUNS
from featurestore.label_config import LABELS
from featurestore.population import population_table
from featurestore.schemas import SOURCES
from featurestore.snapshot_records import SNAPSHOTS, features_table
from featurestore.suppression import SUPPRESSED_CUSTOMERS
from featurestore.tables import FINGERPRINT, Table, log_schema
from featurestore.training_set_records import TRAINING_SETS, table_of
from jobs.promotion_tables import PROMOTIONS
from jobs.publication_tables import PUBLICATIONS
from jobs.run import JOB_RUNS
from jobs.score_tables import LATEST, SCORES
from jobs.score_views import CUSTOMERS_AT_RISK, DISTRIBUTION, SEGMENT_SUMMARY
from jobs.segment_tables import CUSTOMER_SEGMENTS, FLOWS, PROFILES
from jobs.simulate import DIRT, TRUTH

CUSTOMER_AT = ("customer_id", "as_of_date")


@dataclass(frozen=True)
class Contract:
    """A table's declaration, where there is one before its rows are asked for, and its key."""

    key: tuple[str, ...]
    table: Table | None = None


CONTRACTS: Mapping[str, Contract] = {
    **{one.events_table: Contract(("event_id",), events_table(one)) for one in SOURCES.values()},
    **{one.quarantine_table: Contract(("batch_id", "row_id"), quarantine_table(one)) for one in SOURCES.values()},
    **{view.table: Contract(CUSTOMER_AT, features_table(view)) for view in VIEWS.values()},
    **{f"population_{name}": Contract(("as_of_date", "feature"), population_table(name)) for name in VIEWS},
    # Its columns are those of the features that were asked for.
    **{table_of(name): Contract(CUSTOMER_AT) for name in LABELS},
    **{
        table.name: Contract(key, table)
        for table, key in (
            (INGEST_RUNS, ("batch_id",)),
            (INGEST_FILES, ("source", "input_key", "sha256")),
            (SUPPRESSED_CUSTOMERS, ("customer_hash",)),
            (ERASURES, ("erasure_id",)),
            (CUSTOMER_ALIASES, ("alias_id", "customer_id", "links")),
            (SNAPSHOTS, ("view", "as_of_date")),
            (CATALOG, ("view", "feature")),
            (TRAINING_SETS, ("name", "version")),
            (SCORES, CUSTOMER_AT),
            (LATEST, ("customer_id",)),
            (PUBLICATIONS, ("as_of_date",)),
            (PROMOTIONS, ("head", "as_of_date", "to_version", "decision")),
            (CUSTOMERS_AT_RISK, ("customer_id",)),
            (SEGMENT_SUMMARY, ("as_of_date", "scheme", "segment")),
            (DISTRIBUTION, ("as_of_date", "score")),
            (CUSTOMER_SEGMENTS, CUSTOMER_AT),
            (PROFILES, ("as_of_date", "scheme", "segment")),
            (FLOWS, ("from_date", "to_date", "scheme", "from_segment", "to_segment")),
            (JOB_RUNS, ("run_id", "attempt")),
            (TRUTH, ("customer_id", "as_of_date", "head")),
            (DIRT, ("source", "kind")),
        )
    },
}


def breaches(warehouse: Path, *, declared: Mapping[str, Table]) -> list[str]:
    """Where the tables of a warehouse are not what they are declared to be; `declared` stands in for the built-in."""
    names = sorted(log.parent.name for log in warehouse.glob("*/_delta_log"))
    return [fault for name in names for fault in _of_table(warehouse / name, declared)]


def _of_table(folder: Path, declared: Mapping[str, Table]) -> Iterator[str]:
    name, held = folder.name, DeltaTable(folder)
    contract = CONTRACTS.get(name)
    if contract is None:
        yield f"{name}: nobody declares it"
        return
    table = declared.get(name, contract.table)
    if table is not None:
        yield from (f"{name}: {fault}" for fault in _columns(held, table))
        stored = held.metadata().configuration
        checks = {
            key.removeprefix("delta.constraints."): value for key, value in stored.items() if "constraints" in key
        }
        if checks != dict(table.checks):
            yield f"{name}: CHECK constraints {checks}, declared {dict(table.checks)}"
        needed = [column.name for column in table.columns if column.required]
    else:
        needed = []
    yield from (f"{name}: {fault}" for fault in _keys(held, contract.key, [*needed, *contract.key]))


def _columns(held: DeltaTable, table: Table) -> Iterator[str]:
    """Names in order, types, comments and fingerprints."""
    wanted = [(f.name, f.dataType.simpleString(), f.metadata) for f in log_schema(table).fields]
    found = [(f.name, f.type, f.metadata) for f in held.schema().fields]
    if [name for name, *_ in found] != [name for name, *_ in wanted]:
        yield f"columns {[name for name, *_ in found]}, declared {[name for name, *_ in wanted]}"
        return
    spark_types = held_types(held)
    for (name, kind, told), (_, _, metadata) in zip(wanted, found, strict=True):
        if spark_types[name] != kind:
            yield f"{name} is {spark_types[name]}, declared {kind}"
        for key in ("comment", FINGERPRINT):
            if told.get(key) != metadata.get(key):
                yield f"{name} says {key} {metadata.get(key)!r}, declared {told.get(key)!r}"


def held_types(held: DeltaTable) -> dict[str, str]:
    """By column, its type as Spark writes it, read from the log."""
    written = StructType.fromJson(json.loads(held.schema().to_json()))
    return {field.name: field.dataType.simpleString() for field in written.fields}


def _keys(held: DeltaTable, key: tuple[str, ...], needed: list[str]) -> Iterator[str]:
    rows = held.to_pyarrow_table(columns=sorted(set(needed)))
    for name in sorted(set(needed)):
        if rows[name].null_count:
            yield f"{rows[name].null_count} rows without {name}"
    distinct = rows.group_by(list(key)).aggregate([]).num_rows
    if distinct != rows.num_rows:
        yield f"{rows.num_rows} rows, but {distinct} keys {', '.join(key)}"
