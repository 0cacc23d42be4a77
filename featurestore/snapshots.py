"""Snapshots of feature views: which dates are complete, building those that are not, reading those that are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.catalog import publish_catalog
from featurestore.errors import DataContractError, MissingInput
from featurestore.fold import FoldPlan, Limits
from featurestore.frames import folded, instant, joined
from featurestore.population import cut_points, population_table, segment, with_judgements, with_scores
from featurestore.schemas import Column, source
from featurestore.tables import Table, Warehouse, fence, until_committed
from featurestore.views import FeatureSet, FeatureView
from featurestore.watermarks import batches, highest_batch

SNAPSHOTS = Table(
    "snapshots",
    (
        Column("view", "string", "Feature view"),
        Column("as_of_date", "date", "Midnight UTC that the snapshot stands for"),
        Column("fingerprint", "string", "Definition of the view that it was built by"),
        Column("rows", "bigint", "Customers in it"),
        Column("batch_seq", "bigint", "Highest batch of the source that it has seen", lineage=True),
        Column("events_version", "bigint", "Version of the events table that it read", lineage=True),
        Column("run_id", "string", "Run that built it", lineage=True),
        Column("built_at", "timestamp", "When", lineage=True),
    ),
    comment="Complete snapshots; a date that is not listed is computed or refused, never read as no events",
)


@dataclass(frozen=True)
class Built:
    """What a build did: dates built now, dates that were complete already, rows written."""

    built: tuple[date, ...]
    already: tuple[date, ...]
    rows: int


def features_table(view: FeatureView) -> Table:
    """Declaration of `features_<view>`: partitioned by date, so that one date is replaced alone."""
    columns = [
        Column("customer_id", "string", "Customer"),
        Column("as_of_date", "date", "Midnight UTC: only events strictly before it count"),
        *[Column(f.name, f.type, f"{f.description}, {f.unit}; NULL: {f.null_means}") for f in view.features],
    ]
    return Table(view.table, tuple(columns), view.description, ("as_of_date",), properties=generation(view))


def generation(view: FeatureView) -> dict[str, str]:
    """The table property that says which definition the stored values have."""
    return {"tessera.fingerprint": view.fingerprint}


def build_snapshots(
    warehouse: Warehouse, view: FeatureView, *, dates: Sequence[date], limits: Limits, run_id: str, built_at: datetime
) -> Built:
    """Make `features_<view>` complete for `dates`; dates that are complete are left alone.

    Raises MissingInput before any event was ingested, DataContractError for a date that sees no event.
    """

    def attempt() -> Built:
        return _build(warehouse, view, dates=dates, limits=limits, run_id=run_id, built_at=built_at)

    return until_committed(attempt, what=f"build_features {view.name}")


def _build(
    warehouse: Warehouse, view: FeatureView, *, dates: Sequence[date], limits: Limits, run_id: str, built_at: datetime
) -> Built:
    events_table = source(view.source).events_table
    if not warehouse.exists(events_table):
        raise MissingInput.table(events_table, warehouse=warehouse.root, make_with="ingest")
    version, batch_seq = warehouse.version(events_table), highest_batch(warehouse, view.source)
    wanted = sorted(set(dates))
    current = complete_dates(warehouse, view)
    missing = [day for day in wanted if day not in current]
    already = tuple(day for day in wanted if day in current)
    publish_catalog(warehouse, view)
    if not missing:
        return Built((), already, 0)
    events = before(warehouse.read(events_table, version=version), missing[-1])
    plan = FoldPlan(view.folds, view.derived, tuple(map(instant, missing)), limits)
    app_id = f"features:{view.name}:{view.fingerprint}"
    transaction = fence(warehouse, view.table, app_id=app_id, input_version=version)
    rows = _write(warehouse, view, folded(events, plan), dates=missing, transaction=transaction)
    done = [
        (view.name, day, view.fingerprint, rows.get(day, 0), batch_seq, version, run_id, built_at) for day in missing
    ]
    schema = ", ".join(f"{column.name} {column.type}" for column in SNAPSHOTS.columns)
    listed = warehouse.spark.createDataFrame(done, schema)
    warehouse.upsert(SNAPSHOTS, listed, keys=("view", "as_of_date"))
    return Built(tuple(missing), already, sum(rows.values()))


def _write(warehouse, view, folded_rows, *, dates, transaction) -> dict[date, int]:  # type: ignore[no-untyped-def]
    """Rank, write features and cut points of `dates`, each in one commit; rows per date."""
    if not view.ranked:
        return _replace(warehouse, view, folded_rows, dates=dates, transaction=transaction)
    held = folded_rows.persist()
    try:
        cuts = cut_points(held, view.ranked).persist()
        scored = with_scores(held, cuts, ranked=view.ranked)
        if view.cell is not None:
            scored = scored.select("*", segment(view.cell))
        scored = with_judgements(scored, view.judged)
        rows = _replace(warehouse, view, scored, dates=dates, transaction=transaction)
        where = among(dates)
        warehouse.replace(population_table(view.name), cuts, where=where, transaction=transaction)
        return rows
    finally:
        held.unpersist()


def _replace(warehouse, view, rows, *, dates, transaction) -> dict[date, int]:  # type: ignore[no-untyped-def]
    table = features_table(view)
    if warehouse.exists(table.name) and warehouse.property_of(table.name, "tessera.fingerprint") != view.fingerprint:
        warehouse.start_generation(table)
    warehouse.replace(table, rows, where=among(dates), transaction=transaction)
    written = warehouse.read(table.name).where(among(dates)).groupBy("as_of_date").count()
    # As many rows as dates asked for.
    return {row["as_of_date"]: row["count"] for row in written.collect()}


def before(events: DataFrame, day: date) -> DataFrame:
    """Events strictly before midnight UTC of `day`; months after it are not read."""
    return events.where((F.col("event_month") <= F.lit(day)) & (F.col("event_time") < F.lit(day).cast("timestamp")))


def among(dates: Sequence[date]) -> str:
    """A predicate on the partition column that holds for exactly `dates`.

    >>> among([date(2024, 1, 2)])
    "as_of_date IN (DATE'2024-01-02')"
    """
    literals = ", ".join(f"DATE'{day}'" for day in sorted(dates))
    return f"as_of_date IN ({literals})"


def complete_dates(warehouse: Warehouse, view: FeatureView) -> set[date]:
    """Dates of `view` that are complete as it is defined now and have seen every batch with events before them."""
    listed = warehouse.records(SNAPSHOTS.name, ("view", "as_of_date", "fingerprint", "events_version"))
    own = [row for row in listed if (row["view"], row["fingerprint"]) == (view.name, view.fingerprint)]
    ingested = batches(warehouse, view.source)

    def is_stale(row: dict[str, Any]) -> bool:
        unseen = [batch for batch in ingested if batch.events_version > row["events_version"]]
        return any(batch.changes(row["as_of_date"]) for batch in unseen)

    return {row["as_of_date"] for row in own if not is_stale(row)}


def read_snapshots(warehouse: Warehouse, view: FeatureView, *, dates: Sequence[date]) -> DataFrame:
    """The rows of `features_<view>` at `dates`; refused unless all are complete by the view and the events of now."""
    missing = sorted(set(dates) - complete_dates(warehouse, view))
    if missing:
        shown = ",".join(map(str, missing[:5])) + (",..." if len(missing) > 5 else "")
        raise DataContractError(
            f"view '{view.name}' has no complete snapshot at {shown} in warehouse {warehouse.root}.\n"
            f"  Build it: ./spark-submit.sh build_features --dates {shown} --warehouse {warehouse.root}"
        )
    return warehouse.read(view.table).where(among(dates))


def read_features(warehouse: Warehouse, features: FeatureSet, *, dates: Sequence[date]) -> DataFrame:
    """The features of a set at `dates`, one row per customer that any of its views has seen; see `frames.joined`."""
    return joined([read_snapshots(warehouse, view, dates=dates) for view in features.views], features)
