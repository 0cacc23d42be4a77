"""Training sets: features at each as-of, the label, the split, and the record of what they were built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import FeatureView, fingerprint
from featurestore.errors import DataContractError
from featurestore.fold import Limits
from featurestore.labels import Label, labelled
from featurestore.schemas import Column, source
from featurestore.snapshots import before, read_snapshots
from featurestore.tables import Table, Warehouse
from featurestore.watermarks import complete_through, highest_batch

TRAINING_SETS = Table(
    "training_sets",
    (
        Column("name", "string", "Training set; its rows are in training_set_<name>"),
        Column("version", "bigint", "1, 2, ...: counts the records of this name"),
        Column("fingerprint", "string", "Hash of everything below that decides its rows"),
        Column("label_fingerprint", "string", "Definition of the label"),
        Column("view_fingerprints", "map<string,string>", "Feature view to its definition"),
        Column("as_ofs", "map<string,string>", "As-of date to the split that its rows belong to"),
        Column("knowledge", "string", "latest: all events known when it was built"),
        Column("seed", "bigint", "Seed of the run"),
        Column("batch_seqs", "map<string,bigint>", "Source to the highest batch seen; replay filters on it"),
        Column("rows_per_split", "map<string,bigint>", "Split to rows"),
        Column("immature_as_ofs", "bigint", "As-ofs left out because their horizon is not over"),
        Column("outside_population", "bigint", "Customer-dates left out because the label does not ask about them"),
        Column("input_versions", "map<string,bigint>", "Table to the version read", lineage=True),
        Column("run_id", "string", "Run that built it", lineage=True),
        Column("built_at", "timestamp", "When", lineage=True),
    ),
    comment="What each training set was built from",
)


@dataclass(frozen=True)
class Request:
    """What to build: the `splits` of its as-ofs, and `split`, the column that gives a row's split.

    `split` reads customer_id and as_of_date only; it may divide the rows of one as-of by customer.
    """

    label: Label
    view: FeatureView
    splits: Mapping[date, str]
    split: SparkColumn
    seed: int

    @property
    def table(self) -> str:
        return f"training_set_{self.label.name}"


@dataclass(frozen=True)
class TrainingSet:
    """A built training set: where its rows are and what the record says of them."""

    table: str
    version: int
    fingerprint: str
    rows_per_split: Mapping[str, int]
    immature_as_ofs: int
    outside_population: int
    reused: bool

    def load_df(self, warehouse: Warehouse) -> DataFrame:
        """customer_id, as_of_date, features, the label as double, split."""
        return warehouse.read(self.table)


def training_table(request: Request) -> Table:
    """Declaration of `training_set_<label>`."""
    features = [
        Column(f.name, f.type, f"{f.description}, {f.unit}; NULL: {f.null_means}") for f in request.view.features
    ]
    return Table(
        request.table,
        (
            Column("customer_id", "string", "Customer"),
            Column("as_of_date", "date", "Midnight UTC: features before it, label from it on"),
            *features,
            Column(request.label.name, "double", f"Label: 1 or 0 over the next {request.label.horizon_days} days"),
            Column("split", "string", "fit, stop, calibrate or test; by time"),
        ),
        comment=f"Training set of {request.label.name}",
    )


def build_training_set(
    warehouse: Warehouse, request: Request, *, limits: Limits, run_id: str, built_at: datetime
) -> TrainingSet:
    """Build `training_set_<label>` from complete snapshots, or find it built from the same already.

    Raises DataContractError when a snapshot is missing or no as-of is mature.
    """
    events_table = source(request.view.source).events_table
    version, batch_seq = warehouse.version(events_table), highest_batch(warehouse, request.view.source)
    known = complete_through(warehouse, request.label.source)
    mature = {
        day: split for day, split in request.splits.items() if request.label.is_mature(day, complete_through=known)
    }
    if not mature:
        raise DataContractError(
            f"label '{request.label.name}' needs {request.label.horizon_days} days after an as-of; "
            f"source '{request.label.source}' is complete through {known:%Y-%m-%d %H:%M} only."
        )
    identity = _identity(request, mature, batch_seq)
    found = _find(warehouse, request, identity)
    if found is not None:
        return found
    features = read_snapshots(warehouse, request.view, dates=list(mature))
    events = before(warehouse.read(events_table, version=version), _last_needed(request, mature))
    labels = labelled(events, [request.label], as_ofs=sorted(mature), limits=limits)
    asked = labels.where(F.col(request.label.name).isNotNull())
    rows = features.join(asked, ["customer_id", "as_of_date"]).withColumn("split", request.split)
    warehouse.overwrite(training_table(request), rows)
    return _record(warehouse, request, mature, identity=identity, in_snapshots=features.count(),
                   batch_seq=batch_seq, versions={events_table: version}, run_id=run_id, built_at=built_at)  # fmt: skip


def _identity(request: Request, mature: Mapping[date, str], batch_seq: int) -> str:
    splits = sorted((str(day), split) for day, split in mature.items())
    parts = [request.label.fingerprint, request.view.fingerprint, splits, str(request.split), request.seed]
    return fingerprint([*parts, batch_seq, len(request.splits)])


def _last_needed(request: Request, mature: Mapping[date, str]) -> date:
    return max(mature) + timedelta(days=request.label.horizon_days)


def _find(warehouse: Warehouse, request: Request, identity: str) -> TrainingSet | None:
    """The newest record of this name, if it was built from exactly this."""
    if not warehouse.exists(TRAINING_SETS.name) or not warehouse.exists(request.table):
        return None
    records = warehouse.read(TRAINING_SETS.name).where(F.col("name") == request.label.name)
    newest = records.orderBy(F.desc("version")).first()
    if newest is None or newest["fingerprint"] != identity:
        return None
    return TrainingSet(request.table, newest["version"], identity, newest["rows_per_split"],
                       newest["immature_as_ofs"], newest["outside_population"], reused=True)  # fmt: skip


def _record(
    warehouse: Warehouse, request: Request, mature: Mapping[date, str], *, identity: str, in_snapshots: int,
    batch_seq: int, versions: Mapping[str, int], run_id: str, built_at: datetime,
) -> TrainingSet:  # fmt: skip
    """Append the record, unless a run that was interrupted after it did so already."""
    counted = warehouse.read(request.table).groupBy("split").count()
    per_split = {row["split"]: row["count"] for row in counted.collect()}  # four splits
    immature, outside = len(request.splits) - len(mature), in_snapshots - sum(per_split.values())
    name = request.label.name
    version = 1
    if warehouse.exists(TRAINING_SETS.name):
        earlier = warehouse.read(TRAINING_SETS.name).where(F.col("name") == name)
        version = (earlier.agg(F.max("version")).first()[0] or 0) + 1  # type: ignore[index]
    row = (name, version, identity, request.label.fingerprint, {request.view.name: request.view.fingerprint},
           {str(day): split for day, split in mature.items()}, "latest", request.seed,
           {request.view.source: batch_seq}, per_split, immature, outside, dict(versions), run_id,
           built_at)  # fmt: skip
    schema = ", ".join(f"{column.name} {column.type}" for column in TRAINING_SETS.columns)
    warehouse.upsert(TRAINING_SETS, warehouse.spark.createDataFrame([row], schema), keys=("name", "version"))
    return TrainingSet(request.table, version, identity, per_split, immature, outside, reused=False)
