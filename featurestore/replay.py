"""A recorded training set built once more, from the events that it saw: equal to the last bit, or why not."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import DataFrame

from featurestore.alias_table import alias_paths
from featurestore.errors import DataContractError
from featurestore.fold import FoldPlan, Limits
from featurestore.frames import folded, instant, joined
from featurestore.ingest_runs import reports
from featurestore.kept_cut_points import with_kept
from featurestore.knowledge import AS_KNOWN
from featurestore.persons import told_of_persons
from featurestore.population import among_population, cut_points
from featurestore.schemas import ALIASES, origin, source
from featurestore.snapshot_inputs import before
from featurestore.tables import Warehouse
from featurestore.training_set import (
    Request,
    identity_of,
    known_features,
    of_batches,
    training_table,
    with_label,
)
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
    where customers were erased since, a definition is another one or a batch that it saw is gone or was fed again; and
    after writing, where the rows are others all the same.
    """
    mature = {date.fromisoformat(day): split for day, split in recorded.as_ofs.items()}
    _refuse_erased(recorded)
    _refuse_other_definitions(recorded, request, mature)
    _refuse_other_events(warehouse, recorded)
    outcomes = _events(warehouse, recorded, request.label.source)
    table = replace(training_table(request), name=f"{recorded.table}_v{recorded.version}")
    aliases = _aliases(warehouse, recorded)
    with ExitStack() as held:
        everyone = _features(warehouse, recorded, request, sorted(mature), limits=limits, held=held)
        features = request.sampled(everyone)
        warehouse.overwrite(table, with_label(features, outcomes, request, mature, aliases=aliases, limits=limits))
    per_split, found = contents(warehouse.read(table.name))
    if found != recorded.content_hash:
        raise DataContractError(
            f"training set {recorded.name} version {recorded.version} does not come out again: its rows hashed to "
            f"{recorded.content_hash}, the replay in {table.name} to {found}.\n"
            "  Definitions, settings and batches are the same: the engine gives other values. Compare the tables."
        )
    return Replay(table.name, sum(per_split.values()), found)


def _events(warehouse: Warehouse, recorded: TrainingSet, name: str) -> DataFrame:
    """The events of a source that the training set saw, by the ranks of their batches, under their own customers."""
    return of_batches(warehouse.read(source(name).events_table), recorded.batch_ranks(name))


def _aliases(warehouse: Warehouse, recorded: TrainingSet) -> DataFrame | None:
    """The aliases that the training set saw; None where it saw none."""
    if ALIASES.name not in recorded.batch_seqs:
        return None
    return alias_paths(warehouse, batch_seqs=recorded.batch_ranks(ALIASES.name))


def _of_persons(warehouse: Warehouse, recorded: TrainingSet, name: str) -> DataFrame:
    """`_events`, told as the aliases of then."""
    return told_of_persons(_events(warehouse, recorded, name), _aliases(warehouse, recorded))


def _features(
    warehouse: Warehouse, recorded: TrainingSet, request: Request, days: list[date], *, limits: Limits, held: ExitStack
) -> DataFrame:
    """The features at `days`, by the knowledge of the record, from the events of then."""
    if recorded.knowledge == AS_KNOWN:
        events = {name: _events(warehouse, recorded, name) for name in request.features.sources}
        return known_features(events, request, days, aliases=_aliases(warehouse, recorded), limits=limits, held=held)
    snapshots = [_seen_then(warehouse, recorded, view, days, limits) for view in request.features.views]
    return joined(snapshots, request.features)


def _seen_then(
    warehouse: Warehouse, recorded: TrainingSet, view: FeatureView, days: list[date], limits: Limits
) -> DataFrame:
    """The snapshots of `view` at `days`, folded from the events of then."""
    plan = FoldPlan(view.folds, view.derived, tuple(map(instant, days)), limits)
    rows = folded(before(_of_persons(warehouse, recorded, view.source), days[-1]), plan)
    if not view.ranked:
        return rows
    return among_population(rows, with_kept(warehouse, view, cut_points(rows, view.ranked)), view)


def _refuse_erased(recorded: TrainingSet) -> None:
    if recorded.erased_since:
        raise DataContractError(
            f"training set {recorded.name} version {recorded.version} can no longer be replayed bit for bit: customers "
            f"were erased since from what it was built from (erasure {', '.join(recorded.erased_since)}).\n"
            "  Build a training set from what there is now: build_training_set."
        )


def _refuse_other_definitions(recorded: TrainingSet, request: Request, mature: dict[date, str]) -> None:
    now = {view.name: view.fingerprint for view in request.features.views}
    other = [f"view {name}" for name, then in recorded.view_fingerprints.items() if now.get(name) != then]
    if request.label.fingerprint != recorded.label_fingerprint:
        other.append(f"label {recorded.name}")
    ranks = {name: recorded.batch_ranks(name) for name in recorded.batch_seqs}
    as_ofs = len(mature) + recorded.immature_as_ofs
    if (
        not other
        and identity_of(request, mature, ranks, as_ofs=as_ofs, erasures=recorded.erasures) != recorded.fingerprint
    ):
        other.append("features across views, rule of the split, share of the customers or seed")
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
