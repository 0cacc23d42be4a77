"""The feature store as people know it: tables, lookups, training sets and batch scoring behind one small class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from featurestore import user_tables
from featurestore.errors import ConfigurationError
from featurestore.feature_settings import base_settings, configured_views
from featurestore.fold import Limits
from featurestore.knowledge import Knowledge
from featurestore.labels import Label
from featurestore.lookup_sets import (
    Spec,
    TrainingSet,
    describe,
    known_like,
    looked_up,
    lookups_of,
    refuse_other_meanings,
    without,
)
from featurestore.lookups import FeatureLookup
from featurestore.point_in_time import AtInstant
from featurestore.resolved_lookups import TableLookup, ViewLookup, refuse_unknowable, resolve
from featurestore.shipping import ship_code
from featurestore.snapshots import Built, build_snapshots, read_snapshots
from featurestore.spine_labels import PinnedLabel, pinned, pinned_as
from featurestore.tables import Warehouse
from featurestore.views import FeatureView

LIMITS = Limits(customers_per_fold=4096, events_per_fold=500_000)


class FeatureStore:
    """A warehouse with its feature tables and views.

    `warehouse_path` is a folder or an object-store prefix. `views` are those that lookups may name (default: the
    built-in ones, as jobs have them by `conf/base.yml`; `configured_views` makes them of other settings); `register`
    adds to them, for this object. `limits` bound the memory of a task.
    """

    def __init__(
        self,
        spark: SparkSession,
        warehouse_path: str,
        *,
        views: Mapping[str, FeatureView] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.warehouse = Warehouse(spark, warehouse_path)
        self.views = configured_views(base_settings()) if views is None else dict(views)
        self.limits = limits

    def create_table(
        self,
        name: str,
        *,
        primary_keys: Sequence[str],
        timestamp_key: str,
        schema: T.StructType | str | None = None,
        df: DataFrame | None = None,
        description: str = "",
        at_instant: AtInstant | str = AtInstant.BEFORE,
    ) -> None:
        """Make a feature table, from a schema (DDL text or StructType) or from a frame, whose rows are then merged in.

        `at_instant` says whether a row counts at its own instant: "before" (no) or "at_or_before" (yes). Made again
        with the same declaration it is left as it is. Raises ConfigurationError for a declaration that cannot be.
        """
        if (schema is None) == (df is None):
            raise ConfigurationError("create_table takes a schema or a frame (df), one of them.")
        if isinstance(primary_keys, str):
            primary_keys = (primary_keys,)
        shape = df.schema if df is not None else _struct(schema)
        self._refuse_view_name(name)
        table = user_tables.declare(name, primary_keys=primary_keys, timestamp_key=timestamp_key, schema=shape,
                                    description=description, at_instant=at_instant)  # fmt: skip
        user_tables.create(self.warehouse, table)
        if df is not None:
            self.write_table(name, df)

    def write_table(self, name: str, df: DataFrame, *, mode: str = "merge") -> int:
        """Merge rows in by keys and instant, or `overwrite` all, in one commit; the version that holds them."""
        return user_tables.write(self.warehouse, user_tables.find(self.warehouse, name), df, mode=mode)

    def read_table(self, name: str, *, version: int | None = None) -> DataFrame:
        """All rows of a feature table, at a version if given."""
        return self.warehouse.read(user_tables.find(self.warehouse, name).name, version=version)

    def register(self, view: FeatureView) -> None:
        """Make a view known to this store; its code travels with the tasks, so that workers need no copy of it.

        Raises ConfigurationError where another view or a table has its name.
        """
        known = self.views.get(view.name)
        if (known is not None and known != view) or (known is None and self.warehouse.exists(view.name)):
            raise ConfigurationError(f"'{view.name}' is the name of another view or table: give the view another name.")
        ship_code(view)
        self.views[view.name] = view

    def build_features(self, view: str, *, dates: Sequence[date], run_id: str, built_at: datetime) -> Built:
        """Make the snapshots of a view complete for `dates`, by the engine that the job `build_features` runs."""
        return build_snapshots(self.warehouse, self._view(view), dates=dates, limits=self.limits, run_id=run_id,
                               built_at=built_at)  # fmt: skip

    def read_features(self, view: str, *, dates: Sequence[date]) -> DataFrame:
        """The snapshots of a view at `dates`, one row a customer and date; refused unless complete."""
        return read_snapshots(self.warehouse, self._view(view), dates=dates)

    def create_training_set(
        self,
        spine: DataFrame,
        lookups: Sequence[FeatureLookup],
        *,
        label: str | Label | None = None,
        exclude_columns: Sequence[str] = (),
        knowledge: str = "latest",
        decision_delay: timedelta = timedelta(0),
    ) -> TrainingSet:
        """The rows of `spine`, every one, with the features of each lookup as of its own instant, and the label.

        `label` is a column of the spine, or a Label, folded from the events at `customer_id` and `as_of` (NULL
        outside its population and where its horizon is not over). Nothing runs before the rows are used, but for the
        newest instant of the spine under "as_known"; tables are pinned to the versions of now. On views and labels an
        id that is an alias is answered for its person (`customer_aliases`); the row keeps its id. Raises
        ConfigurationError for names that are unknown or equal, DataContractError for an instant of which later
        batches may still tell ("as_known").
        """
        known = Knowledge(knowledge, decision_delay)
        outcome = pinned(self.warehouse, label) if isinstance(label, Label) else label
        return self._made(spine, self._resolved(lookups), outcome, known, exclude_columns)

    def rebuild_training_set(self, spine: DataFrame, spec: Spec, *, label: Label | None = None) -> TrainingSet:
        """The training set that `spec` records, from the same spine: the same rows, at the versions recorded.

        `label` is the Label that it was made with, if it was a folded one. Raises DataContractError where a table, a
        view or the label has another definition by now.
        """
        recorded = spec["label"]
        if (label is not None) != ("version" in (recorded or {})):
            raise ConfigurationError(f"the training set was made with the label {recorded}: give the same, or none.")
        resolved = self._resolved(lookups_of(spec), versions=[one["versions"] for one in spec["lookups"]])
        refuse_other_meanings(spec, resolved)
        outcome = pinned_as(recorded, label) if label is not None else recorded and recorded["name"]
        return self._made(spine, resolved, outcome, known_like(spec), spec["exclude_columns"])

    def score_batch(self, scorer: Callable[[DataFrame], DataFrame], spine: DataFrame, *, spec: Spec) -> DataFrame:
        """The lookups of a training set's `spec` made again for `spine`, on the tables of now, through `scorer`.

        `scorer` adds its columns to a frame of features: `models.batch_scorer` makes one of a model. Raises
        DataContractError where a table or view has another definition by now.
        """
        resolved = self._resolved(lookups_of(spec))
        refuse_other_meanings(spec, resolved)
        known = known_like(spec)
        refuse_unknowable(spine, resolved, knowledge=known)
        rows = looked_up(spine, resolved, knowledge=known)
        return scorer(without(rows, [name for name in spec["exclude_columns"] if name in rows.columns]))

    def _made(
        self,
        spine: DataFrame,
        resolved: Sequence[TableLookup | ViewLookup],
        label: str | PinnedLabel | None,
        knowledge: Knowledge,
        excluded: Sequence[str],
    ) -> TrainingSet:
        refuse_unknowable(spine, resolved, knowledge=knowledge)
        rows = looked_up(spine, resolved, knowledge=knowledge)
        recorded = {"name": label} if isinstance(label, str) else None
        if isinstance(label, PinnedLabel):
            rows, recorded = label.answer(self.warehouse, rows, limits=self.limits), label.describe()
        elif label is not None and label not in spine.columns:
            raise ConfigurationError.unknown_name("column", label, known=spine.columns, where="label")
        return TrainingSet(describe(resolved, knowledge=knowledge, label=recorded, excluded=excluded),
                           without(rows, excluded))  # fmt: skip

    def _resolved(
        self, lookups: Sequence[FeatureLookup], *, versions: Sequence[Mapping[str, int] | None] | None = None
    ) -> list[TableLookup | ViewLookup]:
        """Each lookup on tables at its versions, by default the newest."""
        return [
            resolve(self.warehouse, one, views=self.views, limits=self.limits, versions=pins)
            for one, pins in zip(lookups, versions or [None] * len(lookups), strict=True)
        ]

    def _view(self, name: str) -> FeatureView:
        if name not in self.views:
            raise ConfigurationError.unknown_name("feature view", name, known=self.views)
        return self.views[name]

    def _refuse_view_name(self, name: str) -> None:
        if name in self.views:
            raise ConfigurationError(f"'{name}' is the name of a view: give the table another name.")


def _struct(schema: T.StructType | str | None) -> T.StructType:
    if isinstance(schema, T.StructType):
        return schema
    parsed = T.DataType.fromDDL(schema or "")
    if not isinstance(parsed, T.StructType):
        raise ConfigurationError(f"a schema names columns and types, such as 'customer_id string', not '{schema}'.")
    return parsed
