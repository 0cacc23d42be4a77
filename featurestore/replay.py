"""A recorded training set built once more, from the events that it saw: equal to the last bit, or why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths
from featurestore.errors import DataContractError
from featurestore.fold import FoldPlan, Limits
from featurestore.frames import folded, instant, joined
from featurestore.ingest_runs import reports
from featurestore.persons import told_of_persons
from featurestore.population import among_population, cut_points
from featurestore.schemas import ALIASES, origin, source
from featurestore.snapshot_inputs import before
from featurestore.tables import Warehouse
from featurestore.training_set import Request, identity_of, last_needed, training_table, with_label
from featurestore.training_set_records import TrainingSet, contents
from featurestore.views import FeatureView


@dataclass(frozen=True)
class Replay:
    """The table that holds the rows once more, how many they are, and the hash of them."""

    table: str
    rows: int
    content_hash: str


def replay(warehouse: Warehouse, recorded: TrainingSet, request: Request, *, limits: Limits) -> Replay:
    """Build `recorded` again into `training_set_<name>_v<version>`, from raw events, whatever arrived since.

    `request` says what the definitions and settings of now make of it. Raises DataContractError, and writes nothing,
    where a definition is another one or a batch that it saw is gone or was fed again; and after writing, where the
    rows are others all the same.
    """
    mature = {date.fromisoformat(day): split for day, split in recorded.as_ofs.items()}
    _refuse_other_definitions(recorded, request, mature)
    _refuse_other_events(warehouse, recorded)
    last = last_needed(request, mature)
    features = [_seen_then(warehouse, recorded, view, sorted(mature), limits) for view in request.features.views]
    outcomes = before(_events(warehouse, recorded, request.label.source), last)
    rows = with_label(joined(features, request.features), outcomes, request, mature, limits=limits)
    table = replace(training_table(request), name=f"{recorded.table}_v{recorded.version}")
    warehouse.overwrite(table, rows)
    per_split, found = contents(warehouse.read(table.name))
    if found != recorded.content_hash:
        raise DataContractError(
            f"training set {recorded.name} version {recorded.version} does not come out again: its rows hashed to "
            f"{recorded.content_hash}, the replay in {table.name} to {found}.\n"
            "  Definitions, settings and batches are the same: the engine gives other values. Compare the tables."
        )
    return Replay(table.name, sum(per_split.values()), found)


def _events(warehouse: Warehouse, recorded: TrainingSet, name: str) -> DataFrame:
    """The events of a source that the training set saw, by the ranks of their batches, told as the aliases of then."""
    rank, unfinished = F.col("batch_seq"), recorded.unfinished_batches.get(name, [])
    seen = (rank <= recorded.batch_seqs[name]) & ~rank.isin(unfinished)
    events = warehouse.read(source(name).events_table).where(seen)
    if ALIASES.name not in recorded.batch_seqs:
        return events
    return told_of_persons(events, alias_paths(warehouse, batch_seqs=recorded.batch_ranks(ALIASES.name)))


def _seen_then(
    warehouse: Warehouse, recorded: TrainingSet, view: FeatureView, days: list[date], limits: Limits
) -> DataFrame:
    """The snapshots of `view` at `days`, folded from the events of then."""
    plan = FoldPlan(view.folds, view.derived, tuple(map(instant, days)), limits)
    rows = folded(before(_events(warehouse, recorded, view.source), days[-1]), plan)
    return among_population(rows, cut_points(rows, view.ranked), view) if view.ranked else rows


def _refuse_other_definitions(recorded: TrainingSet, request: Request, mature: dict[date, str]) -> None:
    now = {view.name: view.fingerprint for view in request.features.views}
    other = [f"view {name}" for name, then in recorded.view_fingerprints.items() if now.get(name) != then]
    if request.label.fingerprint != recorded.label_fingerprint:
        other.append(f"label {recorded.name}")
    ranks = {name: recorded.batch_ranks(name) for name in recorded.batch_seqs}
    as_ofs = len(mature) + recorded.immature_as_ofs
    if not other and identity_of(request, mature, ranks, as_ofs=as_ofs) != recorded.fingerprint:
        other.append("features across views, rule of the split or seed")
    if other:
        raise DataContractError(
            f"training set {recorded.name} version {recorded.version} cannot be replayed: {', '.join(other)} "
            "is defined otherwise now.\n  Replay it with the settings and the code that it was built with."
        )


def _refuse_other_events(warehouse: Warehouse, recorded: TrainingSet) -> None:
    gone = []
    for name in recorded.batch_seqs:
        newest = recorded.input_versions[origin(name).events_table]
        done = {one.batch_seq: one for one in reports(warehouse, name) if one.is_done}
        for rank in recorded.batch_ranks(name):
            if rank not in done:
                gone.append(f"batch {rank} of {name} was taken back")
            elif done[rank].events_version > newest:
                gone.append(f"batch {rank} of {name} was completed later")
    if gone:
        raise DataContractError(
            f"training set {recorded.name} version {recorded.version} cannot be replayed bit for bit: "
            f"{'; '.join(gone)}.\n  Build a training set from what there is now: build_training_set."
        )
