"""Training sets: features at each as-of, the label, the split, and the record of what they were built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import fingerprint
from featurestore.errors import DataContractError
from featurestore.fold import Limits
from featurestore.label_definitions import Label
from featurestore.labels import labelled
from featurestore.schemas import Column, source
from featurestore.snapshots import before, read_features
from featurestore.tables import Table, Warehouse
from featurestore.views import FeatureSet
from featurestore.watermarks import batches, complete_through, highest_batch

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
        Column("table_version", "bigint", "Version of training_set_<name> that holds the rows", lineage=True),
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
    features: FeatureSet
    splits: Mapping[date, str]
    split: SparkColumn
    seed: int

    @property
    def table(self) -> str:
        return table_of(self.label.name)


@dataclass(frozen=True)
class TrainingSet:
    """A built training set: where its rows are and what the record says of them."""

    table: str
    table_version: int
    version: int
    fingerprint: str
    as_ofs: Mapping[str, str]
    rows_per_split: Mapping[str, int]
    immature_as_ofs: int
    outside_population: int
    reused: bool

    def is_current(self, warehouse: Warehouse) -> bool:
        """Whether the table still holds these rows, and not those of a build that was interrupted later."""
        return warehouse.exists(self.table) and warehouse.version(self.table) == self.table_version

    def load_df(self, warehouse: Warehouse) -> DataFrame:
        """customer_id, as_of_date, features, the label as double, split."""
        return warehouse.read(self.table, version=self.table_version)


def table_of(name: str) -> str:
    """The table that holds the training set called `name`."""
    return f"training_set_{name}"


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
    versions = {source(name).events_table: warehouse.version(source(name).events_table) for name in inputs}
    batch_seqs = {name: highest_batch(warehouse, name) for name in inputs}
    known = complete_through(warehouse, request.label.source)
    mature = {
        day: split for day, split in request.splits.items() if request.label.is_mature(day, complete_through=known)
    }
    if not mature:
        raise DataContractError(
            f"label '{request.label.name}' needs {request.label.horizon_days} days after an as-of; "
            f"source '{request.label.source}' is complete through {known:%Y-%m-%d %H:%M} only."
        )
    ranks = {name: sorted(batch.batch_seq for batch in batches(warehouse, name)) for name in inputs}
    identity = _identity(request, mature, ranks)
    found = newest(warehouse, request.label.name)
    if found is not None and found.fingerprint == identity and found.is_current(warehouse):
        return found
    features = read_features(warehouse, request.features, dates=list(mature))
    outcomes = source(request.label.source).events_table
    events = before(warehouse.read(outcomes, version=versions[outcomes]), _last_needed(request, mature))
    labels = labelled(events, [request.label], as_ofs=sorted(mature), limits=limits)
    asked = labels.where(F.col(request.label.name).isNotNull())
    rows = features.join(asked, ["customer_id", "as_of_date"]).withColumn("split", request.split)
    warehouse.overwrite(training_table(request), rows)
    return _record(warehouse, request, mature, identity=identity, in_snapshots=features.count(),
                   batch_seqs=batch_seqs, versions=versions, run_id=run_id, built_at=built_at)  # fmt: skip


def _identity(request: Request, mature: Mapping[date, str], ranks: Mapping[str, list[int]]) -> str:
    """All ranks, not the highest: one below it may end later, after an interruption."""
    splits = sorted((str(day), split) for day, split in mature.items())
    parts = [request.label.fingerprint, request.features.fingerprint, splits, str(request.split), request.seed]
    return fingerprint([*parts, ranks, len(request.splits)])


def _last_needed(request: Request, mature: Mapping[date, str]) -> date:
    return max(mature) + timedelta(days=request.label.horizon_days)


def newest(warehouse: Warehouse, name: str) -> TrainingSet | None:
    """The newest training set recorded under the name of a label, None before any."""
    kept = [column.name for column in TRAINING_SETS.columns if column.name in TrainingSet.__dataclass_fields__]
    found = [row for row in warehouse.records(TRAINING_SETS.name, ["name", *kept]) if row["name"] == name]
    if not found:
        return None
    last = max(found, key=lambda row: row["version"])
    maps = {key: dict(last[key]) for key in ("as_ofs", "rows_per_split")}
    return TrainingSet(table_of(name), reused=True, **{**{key: last[key] for key in kept}, **maps})


def _record(
    warehouse: Warehouse, request: Request, mature: Mapping[date, str], *, identity: str, in_snapshots: int,
    batch_seqs: Mapping[str, int], versions: Mapping[str, int], run_id: str, built_at: datetime,
) -> TrainingSet:  # fmt: skip
    """Append the record, unless a run that was interrupted after it did so already."""
    counted = warehouse.read(request.table).groupBy("split").count()
    per_split = {row["split"]: row["count"] for row in counted.collect()}  # four splits
    immature, outside = len(request.splits) - len(mature), in_snapshots - sum(per_split.values())
    name = request.label.name
    before_it = newest(warehouse, name)
    version = 1 if before_it is None else before_it.version + 1
    as_ofs = {str(day): split for day, split in mature.items()}
    table_version = warehouse.version(request.table)
    row = (name, version, identity, request.label.fingerprint,
           {view.name: view.fingerprint for view in request.features.views}, as_ofs, "latest", request.seed,
           dict(batch_seqs), per_split, immature, outside, dict(versions), table_version, run_id,
           built_at)  # fmt: skip
    schema = ", ".join(f"{column.name} {column.type}" for column in TRAINING_SETS.columns)
    warehouse.upsert(TRAINING_SETS, warehouse.spark.createDataFrame([row], schema), keys=("name", "version"))
    return TrainingSet(request.table, table_version, version, identity, as_ofs, per_split, immature, outside,
                       reused=False)  # fmt: skip
