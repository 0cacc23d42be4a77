"""Training sets: features at each as-of, the label, the split, and the record of what they were built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import events_of_persons
from featurestore.definitions import fingerprint
from featurestore.errors import DataContractError
from featurestore.fold import Limits
from featurestore.label_definitions import Label
from featurestore.labels import labelled
from featurestore.schemas import ALIASES, Column, origin, source
from featurestore.snapshot_inputs import before
from featurestore.snapshots import read_features
from featurestore.tables import Table, Warehouse
from featurestore.training_set_records import TRAINING_SETS, TrainingSet, contents, newest, table_of
from featurestore.views import FeatureSet
from featurestore.watermarks import batch_ranks, batches, complete_through


@dataclass(frozen=True)
class Request:
    """What to build: the `splits` of its as-ofs, and `split`, the column that gives a row's split.

    `split` reads customer_id and as_of_date only; it may divide the rows of one as-of by customer.
    """

    label: Label
    features: FeatureSet
    splits: Mapping[date, str]
    split: SparkColumn
    seed: int

    @property
    def table(self) -> str:
        return table_of(self.label.name)


def training_table(request: Request) -> Table:
    """Declaration of `training_set_<label>`."""
    features = [
        Column(f.name, f.type, f"{f.description}, {f.unit}; NULL: {f.null_means}") for f in request.features.features
    ]
    return Table(
        request.table,
        (
            Column("customer_id", "string", "Customer"),
            Column("as_of_date", "date", "Midnight UTC: features before it, label from it on"),
            *features,
            Column(request.label.name, "double", f"Label: {_kind(request.label)}"),
            Column("split", "string", "fit, stop, calibrate or test; by time"),
        ),
        comment=f"Training set of {request.label.name}",
    )


def _kind(label: Label) -> str:
    return f"{'a number' if label.is_number else '1 or 0'} over the next {label.horizon_days} days"


def build_training_set(
    warehouse: Warehouse, request: Request, *, limits: Limits, run_id: str, built_at: datetime
) -> TrainingSet:
    """Build `training_set_<label>` from complete snapshots, or find it built from the same already.

    Raises DataContractError when a snapshot is missing or no as-of is mature.
    """
    inputs = sorted({*request.features.sources, request.label.source})
    if batches(warehouse, ALIASES.name):
        inputs.append(ALIASES.name)
    versions = {origin(name).events_table: warehouse.version(origin(name).events_table) for name in inputs}
    known = complete_through(warehouse, request.label.source)
    mature = {
        day: split for day, split in request.splits.items() if request.label.is_mature(day, complete_through=known)
    }
    if not mature:
        raise DataContractError(
            f"label '{request.label.name}' needs {request.label.horizon_days} days after an as-of; "
            f"source '{request.label.source}' is complete through {known:%Y-%m-%d %H:%M} only."
        )
    ranks = {name: batch_ranks(warehouse, name) for name in inputs}
    identity = identity_of(request, mature, ranks, as_ofs=len(request.splits))
    found = newest(warehouse, request.label.name)
    if found is not None and found.fingerprint == identity and found.is_current(warehouse):
        return replace(found, reused=True)
    features = read_features(warehouse, request.features, dates=list(mature))
    told = events_of_persons(warehouse, request.label.source,
                             version=versions[source(request.label.source).events_table],
                             aliases_version=versions.get(ALIASES.events_table, -1))  # fmt: skip
    events = before(told, last_needed(request, mature))
    warehouse.overwrite(training_table(request), with_label(features, events, request, mature, limits=limits))
    return _record(warehouse, request, mature, identity=identity, in_snapshots=features.count(),
                   ranks=ranks, versions=versions, run_id=run_id, built_at=built_at)  # fmt: skip


def with_label(
    features: DataFrame, events: DataFrame, request: Request, mature: Mapping[date, str], *, limits: Limits
) -> DataFrame:
    """The rows of `features` that the label asks about, with the label, from the `events` of its source, and split."""
    labels = labelled(events, [request.label], as_ofs=sorted(mature), limits=limits)
    asked = labels.where(F.col(request.label.name).isNotNull())
    return features.join(asked, ["customer_id", "as_of_date"]).withColumn("split", request.split)


def identity_of(request: Request, mature: Mapping[date, str], ranks: Mapping[str, list[int]], *, as_ofs: int) -> str:
    """Hash of what decides the rows; `as_ofs` counts those asked for, immature ones too.

    All ranks, not the highest: one below it may end later, after an interruption.
    """
    splits = sorted((str(day), split) for day, split in mature.items())
    parts = [request.label.fingerprint, request.features.fingerprint, splits, str(request.split), request.seed]
    return fingerprint([*parts, ranks, as_ofs])


def last_needed(request: Request, mature: Mapping[date, str]) -> date:
    """The day on which the last horizon ends."""
    return max(mature) + timedelta(days=request.label.horizon_days)


def _record(
    warehouse: Warehouse, request: Request, mature: Mapping[date, str], *, identity: str, in_snapshots: int,
    ranks: Mapping[str, list[int]], versions: Mapping[str, int], run_id: str, built_at: datetime,
) -> TrainingSet:  # fmt: skip
    """Append the record, unless a run that was interrupted after it did so already."""
    per_split, content_hash = contents(warehouse.read(request.table))
    before_it = newest(warehouse, request.label.name)
    built = TrainingSet(
        name=request.label.name,
        version=1 if before_it is None else before_it.version + 1,
        fingerprint=identity,
        label_fingerprint=request.label.fingerprint,
        view_fingerprints={view.name: view.fingerprint for view in request.features.views},
        as_ofs={str(day): split for day, split in mature.items()},
        seed=request.seed,
        batch_seqs={name: max(own) for name, own in ranks.items()},
        unfinished_batches={name: sorted(set(range(1, max(own))) - set(own)) for name, own in ranks.items()},
        rows_per_split=per_split,
        content_hash=content_hash,
        immature_as_ofs=len(request.splits) - len(mature),
        outside_population=in_snapshots - sum(per_split.values()),
        input_versions=dict(versions),
        table_version=warehouse.version(request.table),
    )
    values = {**asdict(built), "knowledge": "latest", "run_id": run_id, "built_at": built_at}
    row = tuple(values[column.name] for column in TRAINING_SETS.columns)
    schema = ", ".join(f"{column.name} {column.type}" for column in TRAINING_SETS.columns)
    warehouse.upsert(TRAINING_SETS, warehouse.spark.createDataFrame([row], schema), keys=("name", "version"))
    return built
