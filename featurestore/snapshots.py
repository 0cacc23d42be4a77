"""Snapshots of feature views: building those that are not complete, reading those that are.

What must be done is decided by `snapshot_plan`; here it is done. Views over one source are folded in one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial, reduce

from pyspark.sql import DataFrame

from featurestore.carrying import extended, of_others
from featurestore.catalog import publish_catalog
from featurestore.definitions import AS_OF_DATE
from featurestore.errors import DataContractError
from featurestore.fold import CUSTOMER, Limits
from featurestore.frames import joined
from featurestore.kept_cut_points import with_kept
from featurestore.population import among_population, cut_points, population_table
from featurestore.snapshot_inputs import Inputs
from featurestore.snapshot_plan import Pass, Plan, Planned, group_of, make_plan
from featurestore.snapshot_records import (
    among,
    complete_dates,
    features_table,
    list_snapshots,
    stored,
)
from featurestore.staleness import Late
from featurestore.tables import Table, Transaction, Warehouse, fence, until_committed
from featurestore.views import FeatureSet, FeatureView


@dataclass(frozen=True)
class Built:
    """What a build did to a view: dates by how they were made complete, dates that were so already, rows written."""

    folded: tuple[date, ...] = ()
    repaired: tuple[date, ...] = ()
    extended: tuple[date, ...] = ()
    already: tuple[date, ...] = ()
    rows: int = 0

    @property
    def built(self) -> tuple[date, ...]:
        """All dates that were written, ascending."""
        return tuple(sorted([*self.folded, *self.repaired, *self.extended]))


@dataclass(frozen=True)
class Request:
    """What is asked of a build, and who asks."""

    dates: Sequence[date]
    limits: Limits
    run_id: str
    built_at: datetime


@dataclass(frozen=True)
class ViewPlan:
    """A plan, settled by the late events before its dates, with the events that carrying it out reads."""

    plan: Plan
    late: Mapping[date, Late]
    events: int

    @property
    def dates(self) -> list[Planned]:
        """What happens to each date, ascending."""
        return list(self.plan.explained(self.late))


def build_snapshots(
    warehouse: Warehouse, view: FeatureView, *, dates: Sequence[date], limits: Limits, run_id: str, built_at: datetime
) -> Built:
    """`build_views` of one view."""
    return build_views(warehouse, [view], dates=dates, limits=limits, run_id=run_id, built_at=built_at)[view.name]


def build_views(
    warehouse: Warehouse, views: Sequence[FeatureView], *, dates: Sequence[date], limits: Limits, run_id: str,
    built_at: datetime,
) -> dict[str, Built]:  # fmt: skip
    """Make `features_<view>` complete for `dates`; dates that are complete are left alone.

    Views over one source are folded in one pass over it. Raises MissingInput before any event was ingested.
    """
    request = Request(dates, limits, run_id, built_at)
    built: dict[str, Built] = {}
    for name in dict.fromkeys(view.source for view in views):
        own = [view for view in views if view.source == name]
        what = f"build_features {', '.join(view.name for view in own)}"
        built |= until_committed(partial(_build, warehouse, own, request), what=what)
    return built


def explain_builds(warehouse: Warehouse, views: Sequence[FeatureView], *, dates: Sequence[date]) -> list[ViewPlan]:
    """What `build_views` would do, and why; counts events, writes nothing."""
    explained = []
    for view in views:
        with ExitStack() as held:
            inputs = Inputs.pinned(warehouse, view.source, held)
            plan, late = _settled(inputs, view, dates)
            explained.append(ViewPlan(plan, late, inputs.count(plan.passes)))
    return explained


def _settled(inputs: Inputs, view: FeatureView, dates: Sequence[date]) -> tuple[Plan, dict[date, Late]]:
    """The plan of `view` with its repairs settled, and the late events that settled them."""
    plan = make_plan(view, dates, stored=stored(inputs.warehouse, view), ingested=inputs.ingested)
    late: dict[date, Late] = {}
    for repair in plan.repairs:
        late |= inputs.count_late(repair)
    return plan.settled(late), late


@dataclass(frozen=True)
class _Work:
    """A plan to carry out: under which transaction, and the stored rows that it may carry over."""

    plan: Plan
    transaction: Transaction
    table_version: int | None

    @property
    def view(self) -> FeatureView:
        return self.plan.view


def _build(warehouse: Warehouse, views: Sequence[FeatureView], request: Request) -> dict[str, Built]:
    built = {}
    with ExitStack() as held:
        inputs = Inputs.pinned(warehouse, views[0].source, held)
        works = [_prepared(inputs, view, request.dates) for view in views]
        for view in views:
            publish_catalog(warehouse, view)
        sweeps = _sweeps(inputs, [one for work in works for one in work.plan.passes], request.limits)
        for work in works:
            rows = _carry_out(inputs, work, sweeps, request) if work.plan.dates else 0
            repaired = tuple(sorted(day for repair in work.plan.repairs for day in repair.dates))
            built[work.view.name] = Built(
                tuple(sorted(work.plan.fold)), repaired, work.plan.extend, work.plan.complete, rows
            )
    return built


def _prepared(inputs: Inputs, view: FeatureView, dates: Sequence[date]) -> _Work:
    warehouse = inputs.warehouse
    # The order matters: who writes after the fence is read makes this write conflict or drop.
    transaction = fence(warehouse, view.table, app_id=f"features:{view.name}", input_version=inputs.moment)
    plan, _ = _settled(inputs, view, dates)
    return _Work(plan, transaction, warehouse.version(view.table) if warehouse.exists(view.table) else None)


def _sweeps(inputs: Inputs, passes: Sequence[Pass], limits: Limits) -> dict[Pass, DataFrame]:
    """The rows of each pass; passes that go together share one sweep, kept while the views are written."""
    groups: list[list[Pass]] = []
    for one in passes:
        group = next((group for group in groups if group_of([*group, one]) is not None), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    found: dict[Pass, DataFrame] = {}
    for group in groups:
        rows = inputs.swept(group_of(group), limits)  # type: ignore[arg-type]
        if len(group) > 1:
            inputs.held.callback(rows.persist().unpersist)
        found |= dict.fromkeys(group, rows)
    return found


def _carry_out(inputs: Inputs, work: _Work, sweeps: Mapping[Pass, DataFrame], request: Request) -> int:
    """Write what the plan says, in one commit a table, and list it; how many rows that were."""
    warehouse, plan, view = inputs.warehouse, work.plan, work.view
    _write(warehouse, work, _rows(inputs, work, sweeps))
    rows = warehouse.rows_by_date(view.table)
    done = [
        (view.name, day, view.fingerprint, rows.get(day, 0), inputs.batch_seq, inputs.version,
         inputs.aliases_version, request.run_id, request.built_at)
        for day in plan.dates
    ]  # fmt: skip
    list_snapshots(warehouse, view, done, alone=plan.is_another_generation)
    return sum(rows.get(day, 0) for day in plan.dates)


def _rows(inputs: Inputs, work: _Work, sweeps: Mapping[Pass, DataFrame]) -> DataFrame:
    """customer_id, as_of_date, folds and derived at all dates of the plan: folded, carried over, extended."""
    plan, table = work.plan, work.view.table
    names = [CUSTOMER, AS_OF_DATE, *[one.name for one in work.view.computed]]
    parts = [] if plan.folding is None else [sweeps[plan.folding]]
    for repair in plan.repairs:
        old = inputs.warehouse.read(table, version=work.table_version).where(among(repair.dates))
        parts += [sweeps[plan.repairing(repair)], of_others(old, inputs.late(repair.dates, repair.unseen))]
    if plan.extend:
        old = inputs.warehouse.read(table, version=work.table_version).where(among(plan.extend))
        old = old.select(*[name for name in names if name in {CUSTOMER, AS_OF_DATE, *plan.kept}])
        new = [name for name in names if name not in old.columns]
        parts.append(old if plan.extending is None else extended(old, sweeps[plan.extending], names=new))
    return reduce(DataFrame.union, [part.select(*names) for part in parts])


def _write(warehouse: Warehouse, work: _Work, rows: DataFrame) -> None:
    """Rank, and put the dates of the plan in their place: features and cut points, each in one commit."""
    view, table = work.view, features_table(work.view)
    if not view.ranked:
        _put(warehouse, work, table, rows)
        return
    held = rows.persist()
    try:
        cuts = _kept(warehouse, work, cut_points(held, view.ranked)).persist()
        _put(warehouse, work, table, among_population(held, cuts, view))
        _put(warehouse, work, population_table(view.name), cuts)
    finally:
        held.unpersist()


def _kept(warehouse: Warehouse, work: _Work, cuts: DataFrame) -> DataFrame:
    """`cuts`, those in their place that an erasure keeps; of another generation's, where the feature is the same."""
    if work.plan.is_another_generation:
        return with_kept(warehouse, work.view, cuts, features=work.plan.kept, all_dates=True)
    return with_kept(warehouse, work.view, cuts)


def _put(warehouse: Warehouse, work: _Work, table: Table, rows: DataFrame) -> None:
    if work.plan.is_another_generation:
        warehouse.overwrite(table, rows, transaction=work.transaction)
    else:
        warehouse.replace(table, rows, where=among(work.plan.dates), transaction=work.transaction)


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
