"""Rows of a training set rebuilt from events that end at their as-of: what leakage rule G1 compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import AS_OF_DATE, Derived
from featurestore.fold import ARROW_TYPES, CUSTOMER, empty_fold
from featurestore.schemas import ALIASES, source
from featurestore.tables import Warehouse
from featurestore.verification import Asked, judged
from featurestore.views import FeatureSet, FeatureView

DATE = "as_of_date"


@dataclass
class Rebuild:
    """By feature: how many values were compared, how many differ, and one that does."""

    compared: Counter[str] = field(default_factory=Counter)
    different: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def differs(self, feature: str, *, customer: str, day: object, stored: str, rebuilt: str) -> None:
        """Count a value that is not what events give."""
        self.different[feature] += 1
        self.examples.setdefault(feature, f"{customer} {day}: stored {stored}, rebuilt {rebuilt}")


def rebuild_rows(
    warehouse: Warehouse, features: FeatureSet, rows: DataFrame, *, sample: int, seed: int,
    versions: Mapping[str, int], delays_us: Mapping[str, int],
) -> Rebuild:  # fmt: skip
    """Rebuild all folds, and all that derives from them, of `sample` random rows of a training set.

    `rows` has `customer_id`, `as_of_date` and the features; a column that no view of `features` computes, or that
    is not among `rows`, is left out of the result. `versions` are those of the event tables that the training set
    was built from, `delays_us` by source its decision delays, none where it folded all that was known. The driver
    holds the sampled rows, a task the events of one customer.
    """
    computed = [one.name for view in features.views for one in view.computed] + [one.name for one in features.derived]
    kept = [name for name in computed if name in rows.columns]
    drawn = rows.orderBy(F.xxhash64(F.lit(seed), CUSTOMER, DATE), CUSTOMER, DATE).limit(sample)
    stored = drawn.select(CUSTOMER, DATE, *kept).toArrow().to_pylist()
    found = Rebuild()
    for view in features.views:
        names = [one.name for one in view.computed if one.name in kept]
        _rebuild_view(warehouse, view, stored, names, found, versions=versions, delays_us=delays_us)
    for one in features.derived:
        if one.name in kept and {*one.inputs} <= {*kept, AS_OF_DATE}:
            _rebuild_across(one, stored, features, found)
    return found


def _rebuild_view(
    warehouse: Warehouse, view: FeatureView, stored: Sequence[Mapping[str, Any]], names: Sequence[str],
    found: Rebuild, *, versions: Mapping[str, int], delays_us: Mapping[str, int],
) -> None:  # fmt: skip
    asked: Asked = {}
    for row in stored:
        asked.setdefault(row[CUSTOMER], {})[row[DATE]] = {name: row[name] for name in names}
    # At most as many rows as values were sampled.
    answers = judged(
        warehouse,
        view,
        asked,
        version=versions.get(source(view.source).events_table),
        aliases_version=versions.get(ALIASES.events_table, -1),
        delay_us=delays_us.get(view.source),
    ).collect()
    for name in names:
        found.compared[name] += len(stored)
    for one in answers:
        if one.feature is not None:
            found.differs(one.feature, customer=one.customer_id, day=one.as_of_date, stored=one.stored,
                          rebuilt=one.recomputed)  # fmt: skip
    folded = {one.customer_id for one in answers if one.compared}
    empty = empty_fold(view.folds, view.derived)
    for customer in asked.keys() - folded:
        for day, values in asked[customer].items():
            for name, value in values.items():
                if empty[name] != value:
                    found.differs(name, customer=customer, day=day, stored=repr(value), rebuilt=repr(empty[name]))


def _rebuild_across(one: Derived, stored: Sequence[Mapping[str, Any]], features: FeatureSet, found: Rebuild) -> None:
    """From the stored inputs, which were rebuilt themselves."""
    types = {feature.name: ARROW_TYPES[feature.type] for feature in features.features}
    inputs = [
        pa.array([row[DATE] for row in stored], pa.date32()) if name == AS_OF_DATE
        else pa.array([row[name] for row in stored], types[name])
        for name in one.inputs
    ]  # fmt: skip
    again = one.on_arrays(*inputs).cast(types[one.name]).to_pylist()
    found.compared[one.name] += len(stored)
    for row, value in zip(stored, again, strict=True):
        if value != row[one.name]:
            found.differs(one.name, customer=row[CUSTOMER], day=row[DATE], stored=repr(row[one.name]),
                          rebuilt=repr(value))  # fmt: skip
