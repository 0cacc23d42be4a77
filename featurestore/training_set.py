"""Training sets: features at each as-of, the label, the split, and the record of what they were built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths
from featurestore.customer_draw import SHARES, draw_column
from featurestore.definitions import fingerprint
from featurestore.erasure_records import erasures_of
from featurestore.errors import DataContractError
from featurestore.fold import Limits
from featurestore.frames import joined
from featurestore.knowledge import AS_KNOWN, LATEST, Knowledge
from featurestore.known_then import folded_as_known
from featurestore.label_definitions import Label
from featurestore.labels import labelled
from featurestore.persons import told_of_persons, under_former_ids
from featurestore.population import among_population, cut_points
from featurestore.record_tables import put_records
from featurestore.schemas import ALIASES, Column, origin
from featurestore.snapshot_inputs import before
from featurestore.snapshots import read_features
from featurestore.spine import MICROSECOND
from featurestore.tables import Table, Warehouse
from featurestore.training_set_records import TRAINING_SETS, TrainingSet, contents, newest, table_of
from featurestore.views import FeatureSet
from featurestore.watermarks import batch_ranks, batches, complete_through, refuse_unknowable


@dataclass(frozen=True)
class Request:
    """What to build: the `splits` of its as-ofs, and `split`, the column that gives a row's split.

    `split` reads customer_id and as_of_date only; it may divide the rows of one as-of by customer. `knowledge` says
    which events the features fold ("as_known": by source those known its delay, 0 by default, after the as-of);
    the label always folds all that are known now. `customer_share`, in (0, 1], is the share of all customers that the
    set is of: whole customers, drawn by a hash with the seed; features, places among others included, are those that
    they have among all.
    """

    label: Label
    features: FeatureSet
    splits: Mapping[date, str]
    split: SparkColumn
    seed: int
    knowledge: str = LATEST
    decision_delays: Mapping[str, timedelta] = field(default_factory=dict)
    customer_share: float = 1.0

    def sampled(self, rows: DataFrame) -> DataFrame:
        """The rows of the customers that the set is of."""
        if self.customer_share == 1:
            return rows
        drawn = draw_column(F.col("customer_id"), purpose=f"training set seed {self.seed}")
        return rows.where(drawn < round(self.customer_share * SHARES))

    def known_of(self, name: str) -> Knowledge:
        """Which events of a source the features fold."""
        return Knowledge(self.knowledge, self.decision_delays.get(name, timedelta(0)))

    @property
    def delays_us(self) -> dict[str, int]:
        """Of each source that features fold as known, its delay in microseconds; none under "latest"."""
        delays = {name: self.known_of(name).delay for name in self.features.sources}
        return {name: delay // MICROSECOND for name, delay in delays.items() if delay is not None}

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
    """Build `training_set_<label>`, or find it built from the same already.

    Under "latest" the features are those of complete snapshots, under "as_known" they are folded from the events.
    Raises DataContractError when a snapshot is missing, no as-of is mature, or what was known at an as-of may still
    change.
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
    for name, delay in request.delays_us.items():
        refuse_unknowable(warehouse, name, newest=max(mature), delay=delay * MICROSECOND)
    ranks = {name: batch_ranks(warehouse, name) for name in inputs}
    erasures = erasures_of(warehouse, versions)
    identity = identity_of(request, mature, ranks, as_ofs=len(request.splits), erasures=erasures)
    found = newest(warehouse, request.label.name)
    if found is not None and found.fingerprint == identity and found.is_current(warehouse):
        return replace(found, reused=True)
    pinned = {name: warehouse.read(origin(name).events_table, version=versions[origin(name).events_table])
              for name in {*request.features.sources, request.label.source}}  # fmt: skip
    aliases = alias_paths(warehouse, version=versions.get(ALIASES.events_table, -1))
    with ExitStack() as held:
        if request.knowledge == AS_KNOWN:
            seen = {name: of_batches(pinned[name], ranks[name]) for name in request.features.sources}
            everyone = known_features(seen, request, sorted(mature), aliases=aliases, limits=limits, held=held)
        else:
            everyone = read_features(warehouse, request.features, dates=list(mature))
        features = request.sampled(everyone)
        rows = with_label(features, pinned[request.label.source], request, mature, aliases=aliases, limits=limits)
        warehouse.overwrite(training_table(request), rows)
        return _record(warehouse, request, mature, identity=identity, in_snapshots=features.count(),
                       ranks=ranks, versions=versions, erasures=erasures, run_id=run_id,
                       built_at=built_at)  # fmt: skip


def of_batches(events: DataFrame, ranks: Sequence[int]) -> DataFrame:
    """The events of the batches with these ranks."""
    missing = sorted(set(range(1, max(ranks))) - set(ranks))
    rank = F.col("batch_seq")
    return events.where((rank <= max(ranks)) & ~rank.isin(missing))


def known_features(
    events: Mapping[str, DataFrame], request: Request, days: Sequence[date], *, aliases: DataFrame | None,
    limits: Limits, held: ExitStack,
) -> DataFrame:  # fmt: skip
    """The features at `days` as they could have been known then, places among those seen by then included.

    `events` by source, under their own customers. What is kept while it is read more than once is released with
    `held`; each step is kept, since Spark's optimizer multiplies the expressions of steps that it may merge.
    """

    def kept(rows: DataFrame) -> DataFrame:
        held.callback(rows.persist().unpersist)
        return rows

    found = []
    for view in request.features.views:
        delay = request.known_of(view.source).decision_delay
        own = before(events[view.source], days[-1])
        rows = kept(folded_as_known(own, view, days=days, delay=delay, limits=limits, aliases=aliases))
        if view.ranked:
            rows = kept(among_population(rows, kept(cut_points(rows, view.ranked)), view))
        found.append(rows)
    return joined(found, request.features)


def with_label(
    features: DataFrame, events: DataFrame, request: Request, mature: Mapping[date, str], *,
    aliases: DataFrame | None, limits: Limits,
) -> DataFrame:  # fmt: skip
    """The rows of `features` that the label asks about, with the label, from the `events` of its source, and split.

    `events` stand under their own customers. The label is that of the person whom `aliases` make of them, for rows
    of a former id (as known then) too.
    """
    outcomes = told_of_persons(before(events, last_needed(request, mature)), aliases)
    if request.knowledge == LATEST:  # else customers may stand under ids that they have no more
        outcomes = request.sampled(outcomes)
    labels = labelled(outcomes, [request.label], as_ofs=sorted(mature), limits=limits)
    asked = labels.where(F.col(request.label.name).isNotNull())
    if request.knowledge == AS_KNOWN:
        asked = under_former_ids(asked, aliases)
    return features.join(asked, ["customer_id", "as_of_date"]).withColumn("split", request.split)


def identity_of(
    request: Request, mature: Mapping[date, str], ranks: Mapping[str, list[int]], *, as_ofs: int,
    erasures: Sequence[str] = (),
) -> str:  # fmt: skip
    """Hash of what decides the rows; `as_ofs` counts those asked for, immature ones too.

    All ranks, not the highest: one below it may end later, after an interruption. `erasures` are those that took
    customers from its inputs before.
    """
    splits = sorted((str(day), split) for day, split in mature.items())
    parts = [request.label.fingerprint, request.features.fingerprint, splits, str(request.split), request.seed]
    knowledge = [request.knowledge, sorted(request.delays_us.items())] if request.delays_us else []
    share = [f"customer share {request.customer_share}"] if request.customer_share < 1 else []
    return fingerprint([*parts, ranks, as_ofs, *knowledge, *share, *([list(erasures)] if erasures else [])])


def last_needed(request: Request, mature: Mapping[date, str]) -> date:
    """The day on which the last horizon ends."""
    return max(mature) + timedelta(days=request.label.horizon_days)


def _record(
    warehouse: Warehouse, request: Request, mature: Mapping[date, str], *, identity: str, in_snapshots: int,
    ranks: Mapping[str, list[int]], versions: Mapping[str, int], erasures: Sequence[str], run_id: str,
    built_at: datetime,
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
        knowledge=request.knowledge,
        decision_delays_us=request.delays_us,
        input_versions=dict(versions),
        table_version=warehouse.version(request.table),
        erasures=tuple(erasures),
        customer_share=request.customer_share,
    )
    values = {**asdict(built), "run_id": run_id, "built_at": built_at}
    row = [values[column.name] for column in TRAINING_SETS.columns]
    put_records(warehouse, TRAINING_SETS, [row], keys=("name", "version"))
    return built
