"""What is recorded of snapshots: their tables, which of them are complete, and from which events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from featurestore.record_tables import Rows, put_records, replace_records
from featurestore.schemas import Column
from featurestore.staleness import Listed, Stored
from featurestore.tables import Table, Warehouse
from featurestore.views import FeatureView
from featurestore.watermarks import changes

SNAPSHOTS = Table(
    "snapshots",
    (
        Column("view", "string", "Feature view"),
        Column("as_of_date", "date", "Midnight UTC that the snapshot stands for"),
        Column("fingerprint", "string", "Definition of the view that it was built by"),
        Column("rows", "bigint", "Customers in it"),
        Column("batch_seq", "bigint", "Highest batch of the source that it has seen", lineage=True),
        Column("events_version", "bigint", "Version of the events table that it read", lineage=True),
        Column("aliases_version", "bigint", "Version of customer_aliases that it read; -1 for none", lineage=True),
        Column("run_id", "string", "Run that built it", lineage=True),
        Column("built_at", "timestamp", "When", lineage=True),
    ),
    comment="Complete snapshots; a date that is not listed is computed or refused, never read as no events",
)

ONLY_CUSTOMERS_INDEXED = {"delta.dataSkippingNumIndexedCols": "1"}
"""Files keep the range of their customers, not of each feature: nobody looks for rows by those, and finding the ranges
took a quarter of the CPU of a backfill.
"""


def features_table(view: FeatureView) -> Table:
    """Declaration of `features_<view>`: partitioned by date, so that one date is replaced alone."""
    meanings = view.feature_fingerprints
    columns = [
        Column("customer_id", "string", "Customer"),
        Column("as_of_date", "date", "Midnight UTC: only events strictly before it count"),
        *[
            Column(f.name, f.type, f"{f.description}, {f.unit}; NULL: {f.null_means}", fingerprint=meanings[f.name])
            for f in view.features
        ],
    ]
    return Table(view.table, tuple(columns), view.description, ("as_of_date",), properties=ONLY_CUSTOMERS_INDEXED)


def stored(warehouse: Warehouse, view: FeatureView) -> Stored:
    """What there is of `view`, by the listing and the logs; no Spark job."""
    columns = ("view", "as_of_date", "fingerprint", "rows", "events_version", "aliases_version")
    listed = [row for row in warehouse.records(SNAPSHOTS.name, columns) if row.pop("view") == view.name]
    # The order matters: what the listing claims of a date holds of any later content of the table.
    return Stored(
        warehouse.fingerprints(view.table),
        frozenset(warehouse.rows_by_date(view.table)),
        tuple(Listed(**{name: value for name, value in row.items() if value is not None}) for row in listed),
    )


def complete_dates(warehouse: Warehouse, view: FeatureView) -> set[date]:
    """Dates of `view` that are complete as it is defined now and have seen every batch with events before them."""
    return stored(warehouse, view).complete(view, changes(warehouse, view.source))


def listed_dates(warehouse: Warehouse, view: FeatureView) -> set[date]:
    """Dates that `view`, as it is defined now, was built for, whether later batches have changed them or not."""
    return {one.as_of_date for one in stored(warehouse, view).listed if one.fingerprint == view.fingerprint}


def list_snapshots(warehouse: Warehouse, view: FeatureView, rows: Rows, *, alone: bool) -> None:
    """Record complete snapshots of `view`; `alone`: they are all there is of it."""
    if alone:
        replace_records(warehouse, SNAPSHOTS, rows, where=f"view = '{view.name}'")
    else:
        put_records(warehouse, SNAPSHOTS, rows, keys=("view", "as_of_date"))


def among(dates: Sequence[date]) -> str:
    """A predicate on the partition column that holds for exactly `dates`.

    >>> among([date(2024, 1, 2)])
    "as_of_date IN (DATE'2024-01-02')"
    """
    literals = ", ".join(f"DATE'{day}'" for day in sorted(dates))
    return f"as_of_date IN ({literals})"
