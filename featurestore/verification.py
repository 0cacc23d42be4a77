"""Stored feature values against the plain folds of `states`, recomputed from raw events for a random sample.

Nothing is shared with the sweep but the definitions: a customer's events are filtered and folded one by one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.alias_table import alias_paths
from featurestore.definitions import AS_OF_DATE, Condition, Derived, Feature
from featurestore.errors import DataContractError
from featurestore.fold import ARROW_TYPES, CUSTOMER, TIME, empty_fold, measures_of, micros, run_starts, whole_customers
from featurestore.frames import ORDER_OF_EVENTS, instant
from featurestore.persons import told_as_known, told_of_persons
from featurestore.schemas import source
from featurestore.snapshot_records import complete_dates
from featurestore.snapshots import read_snapshots
from featurestore.spine_fold import KNOWN
from featurestore.states import DAY_US, Event, fold_of
from featurestore.tables import Warehouse
from featurestore.views import FeatureView

VALUES_PER_ROW = 20
SHOWN = 20
JUDGED = "customer_id string, as_of_date date, feature string, stored string, recomputed string, compared bigint"
JUDGED_ARROW = pa.schema(
    [(CUSTOMER, pa.string()), ("as_of_date", pa.date32()), ("feature", pa.string()), ("stored", pa.string()),
     ("recomputed", pa.string()), ("compared", pa.int64())]
)  # fmt: skip
Values = Mapping[str, Any]
Asked = dict[str, dict[date, Values]]


@dataclass(frozen=True)
class Difference:
    """A stored value that is not what the events give."""

    customer_id: str
    as_of_date: date
    feature: str
    stored: str
    recomputed: str


@dataclass(frozen=True)
class Verification:
    """How many values were compared, how many differ, and the first `SHOWN` of those."""

    compared: int
    different: int
    shown: tuple[Difference, ...]


def verify_view(warehouse: Warehouse, view: FeatureView, *, sample: int, seed: int) -> Verification:
    """Recompute about `sample` values of random customers, dates and features of `view`.

    The driver holds the sampled rows (`sample` / 20 of them), a task the events of one customer. Scores among
    the population are no folds and are not sampled. Raises DataContractError where no snapshot is complete.
    """
    dates = sorted(complete_dates(warehouse, view))
    if not dates:
        raise DataContractError(f"view '{view.name}' has no complete snapshot in warehouse {warehouse.root} to verify.")
    rows = read_snapshots(warehouse, view, dates=dates)
    per_row = min(VALUES_PER_ROW, len(view.model_inputs))
    drawn = rows.orderBy(F.xxhash64(F.lit(seed), CUSTOMER, "as_of_date")).limit(-(-sample // per_row))
    stored = drawn.select(CUSTOMER, "as_of_date", *view.model_inputs).toArrow().to_pylist()  # sample / 20 rows
    asked = _asked(stored, view.model_inputs, per_row=per_row, seed=seed)
    found = judged(warehouse, view, asked).persist()
    try:
        total = found.agg(F.sum("compared"), F.count("feature")).first() or (0, 0)
        shown = found.where(F.col("feature").isNotNull()).drop("compared").limit(SHOWN).collect()
    finally:
        found.unpersist()
    compared = int(total[0] or 0)
    without_events = sum(map(len, (values for rows in asked.values() for values in rows.values()))) - compared
    return Verification(compared, int(total[1]) + without_events, tuple(Difference(*row) for row in shown))


def judged(
    warehouse: Warehouse,
    view: FeatureView,
    asked: Asked,
    *,
    version: int | None = None,
    aliases_version: int | None = None,
    delay_us: int | None = None,
) -> DataFrame:
    """Rows of `JUDGED`: one a customer with events that counts what was compared, one for each value that differs.

    `asked` holds the stored values by customer, date and feature; each is recomputed from the customer's events
    before its date and no others, of the newest tables or those of the versions. With `delay_us` (microseconds)
    only from those known before its date and that delay. The driver holds `asked`.
    """
    keys = warehouse.spark.createDataFrame([(customer,) for customer in asked], f"{CUSTOMER} string")
    tell = told_of_persons if delay_us is None else told_as_known
    own = warehouse.read(source(view.source).events_table, version=version)
    events = tell(own, alias_paths(warehouse, version=aliases_version)).join(F.broadcast(keys), CUSTOMER)
    measures = [name for name in measures_of(view.folds) if name not in {*ORDER_OF_EVENTS, KNOWN}]
    ordered = (
        events.select(*ORDER_OF_EVENTS, KNOWN, *measures).repartition(CUSTOMER).sortWithinPartitions(*ORDER_OF_EVENTS)
    )

    def recompute(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for customers in whole_customers(batches):
            starts = [*run_starts(customers.column(CUSTOMER)).tolist(), customers.num_rows]
            for start, end in pairwise(starts):
                own = customers.slice(start, end - start)
                yield _judged(own, asked[own.column(CUSTOMER)[0].as_py()], view, delay_us=delay_us)

    return ordered.mapInArrow(recompute, JUDGED)


def _asked(stored: Sequence[Mapping[str, Any]], names: Sequence[str], *, per_row: int, seed: int) -> Asked:
    """By customer and date, the stored values of `per_row` features that chance names."""
    chance = random.Random(seed)
    asked: Asked = {}
    for row in sorted(stored, key=lambda row: (row[CUSTOMER], row["as_of_date"])):
        chosen = chance.sample(names, per_row)
        asked.setdefault(row[CUSTOMER], {})[row["as_of_date"]] = {name: row[name] for name in chosen}
    return asked


def _judged(
    events: pa.Table, asked: Mapping[date, Values], view: FeatureView, *, delay_us: int | None
) -> pa.RecordBatch:
    """A row that says how many values of one customer were compared, and one for each that differs."""
    times = micros(events.column(TIME)).tolist()
    known = [0] * len(times) if delay_us is None else [at - delay_us for at in micros(events.column(KNOWN)).tolist()]
    visible = map(max, times, known)
    rows = [
        {**row, TIME: time, KNOWN: after} for row, time, after in zip(events.to_pylist(), times, visible, strict=True)
    ]
    computed: list[Feature | Derived] = [*view.folds, *view.derived]
    definitions, empty = {one.name: one for one in computed}, empty_fold(view.folds, view.derived)
    found: list[Mapping[str, Any]] = [{CUSTOMER: rows[0][CUSTOMER], "compared": sum(map(len, asked.values()))}]
    for day, values in asked.items():
        before = [row for row in rows if row[KNOWN] < instant(day)]
        for name, stored in values.items():
            recomputed = _value(definitions[name], definitions, before, instant(day)) if before else empty[name]
            if recomputed != stored:
                found.append({CUSTOMER: rows[0][CUSTOMER], "as_of_date": day, "feature": name, "stored": repr(stored),
                              "recomputed": repr(recomputed), "compared": 0})  # fmt: skip
    return pa.RecordBatch.from_pylist(found, schema=JUDGED_ARROW)


def _value(
    wanted: Feature | Derived, definitions: Mapping[str, Feature | Derived], rows: Sequence[Values], as_of: int
) -> Any:
    """One feature of one customer, `rows` in any order; the type is that of the stored value."""
    if isinstance(wanted, Derived):
        inputs = [
            pa.array([as_of // DAY_US], pa.int32()).cast(pa.date32())
            if name == AS_OF_DATE
            else pa.array([_value(definitions[name], definitions, rows, as_of)], ARROW_TYPES[definitions[name].type])
            for name in wanted.inputs
        ]
        return wanted.on_arrays(*inputs).cast(ARROW_TYPES[wanted.type])[0].as_py()
    until = as_of - wanted.window.offset_days * DAY_US
    since = None if wanted.window.days is None else until - wanted.window.days * DAY_US
    inside = [row for row in rows if row[TIME] < until and (since is None or row[TIME] >= since)]
    chosen = [row for row in inside if all(_holds(condition, row) for condition in wanted.where)]
    if wanted.measure is not None:
        chosen = [row for row in chosen if row[wanted.measure] is not None]
    if wanted.per is not None:
        chosen = [row for row in chosen if row[wanted.per] is not None]
    scale = max((_scale(row[wanted.measure]) for row in chosen), default=0) if wanted.measure else 0
    fold = fold_of(wanted, scale=scale)
    events = (
        Event(row[TIME], row["event_id"], _scaled(row, wanted.measure), row[wanted.per] if wanted.per else None)
        for row in chosen
    )
    value = fold.finish(fold.fold(events), as_of)
    if value is None or not wanted.type.startswith("decimal"):
        return value
    return Decimal(value).scaleb(-scale)


def _holds(condition: Condition, row: Values) -> bool:
    value = row[condition.column]
    return value is not None and bool(condition.holds(value))


def _scale(value: Any) -> int:
    return -int(value.as_tuple().exponent) if isinstance(value, Decimal) else 0


def _scaled(row: Values, measure: str | None) -> Any:
    value = 0 if measure is None else row[measure]
    return int(value.scaleb(_scale(value))) if isinstance(value, Decimal) else value
