"""Events of whole customers in, Arrow batches of feature values out: the sweep, block by block.

Memory of a task: one block (see `Limits`) with its answers (customers x instants x features x 8 bytes), plus one batch.
A million customers with one event are many blocks, one at a time. A customer with a million events is a block alone and
must fit: about 300 bytes an event for ten features of one measure (the sparse table of an extreme takes 8 of them for
each power of two in his events), and one row of answers an instant. `tests/unit/test_fold_memory.py` holds both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from featurestore.aggregates import NEEDS_ORDER, answer
from featurestore.definitions import AS_OF_DATE, Derived, Feature
from featurestore.sweep import DAY_US, Answer, Histories, Measure, Queries, Sweep, customers_that_fit

CUSTOMER = "customer_id"
TIME = "event_time"
ARROW_TYPES = {
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "date": pa.date32(),
    "decimal(18,2)": pa.decimal128(18, 2),
}


@dataclass(frozen=True)
class Limits:
    """Most customers, events and rows of answers of one block; a customer with more is a block alone."""

    customers_per_fold: int
    events_per_fold: int
    answers_per_fold: int = 200_000


@dataclass(frozen=True)
class FoldPlan:
    """What one pass over sorted events computes: `folds` and `derived` at all `as_ofs` (microseconds UTC)."""

    folds: tuple[Feature, ...]
    derived: tuple[Derived, ...]
    as_ofs: tuple[int, ...]
    limits: Limits

    @property
    def reach_days(self) -> int:
        return max((abs(f.window.offset_days) + (f.window.days or 0) for f in self.folds), default=0)

    @property
    def measures(self) -> list[str]:
        return measures_of(self.folds)

    @property
    def ordered_measures(self) -> set[str]:
        """Measures whose values are compared with one another."""
        return {fold.measure for fold in self.folds if fold.measure and fold.aggregate in NEEDS_ORDER}


def measures_of(folds: Iterable[Feature]) -> list[str]:
    """Event columns that `folds` read: what they measure, group by, and ask in their conditions."""
    read = {(fold.measure, fold.per, *(condition.column for condition in fold.where)) for fold in folds}
    return sorted({name for names in read for name in names if name})


def fold_customers(tables: Iterable[pa.Table], plan: FoldPlan) -> Iterator[pa.RecordBatch]:
    """Fold tables of whole customers, each one's events by time: one row per customer and as-of that sees an event."""
    for events in tables:
        for block in blocks(events, plan):
            answered = fold_block(block, plan)
            if answered.num_rows:
                yield answered


def whole_customers(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Re-cut batches sorted by (customer_id, event_time) so that no customer's events are split between two tables."""
    return whole_runs(batches, CUSTOMER)


def whole_runs(batches: Iterable[pa.RecordBatch], column: str) -> Iterator[pa.Table]:
    """Re-cut batches so that no run of equal values in `column` is split between two tables."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        values = batch.column(column)
        starts = run_starts(values)
        if held and values[0].equals(held[-1].column(column)[-1]) and len(starts) == 1:
            held.append(batch)
            continue
        last = int(starts[-1])
        held.append(batch.slice(0, last))
        ready = pa.Table.from_batches(held)
        if ready.num_rows:
            yield ready
        held = [batch.slice(last)]
    if held:
        yield pa.Table.from_batches(held)


def run_starts(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Positions at which a sorted column changes its value, 0 included."""
    if len(column) < 2:
        return np.zeros(len(column), np.int64)
    changed = pc.not_equal(column.slice(1), column.slice(0, len(column) - 1))
    return np.concatenate([[0], np.flatnonzero(np.asarray(changed)) + 1]).astype(np.int64)


def blocks(events: pa.Table, plan: FoldPlan) -> Iterator[pa.Table]:
    """Cut a table at customers so that each piece respects the limits of the plan and of the packed keys."""
    starts = run_starts(events.column(CUSTOMER))
    time = micros(events.column(TIME))
    span = _span(time, plan)
    most = min(plan.limits.customers_per_fold, customers_that_fit(span), _answering(plan))
    edges = np.append(starts, events.num_rows)
    first = 0
    while first < len(starts):
        by_events = int(np.searchsorted(edges, edges[first] + plan.limits.events_per_fold, side="right")) - 1
        until = min(max(by_events, first + 1), first + most, len(starts))
        yield events.slice(int(edges[first]), int(edges[until] - edges[first]))
        first = until


def _answering(plan: FoldPlan) -> int:
    """How many customers give no more rows of answers than a block may."""
    return max(1, plan.limits.answers_per_fold // max(1, len(plan.as_ofs)))


def _span(time: npt.NDArray[np.int64], plan: FoldPlan) -> int:
    instants = np.concatenate([time, np.asarray(plan.as_ofs, np.int64)])
    return int(instants.max() - instants.min()) + plan.reach_days * DAY_US


def fold_block(events: pa.Table, plan: FoldPlan) -> pa.RecordBatch:
    """All folds and derived features of the customers in `events`, rows ordered by (customer, as-of)."""
    starts = run_starts(events.column(CUSTOMER))
    histories = to_histories(events, starts, plan)
    queries = visible_queries(histories, starts, plan)
    sweep = Sweep(histories, queries, reach_days=plan.reach_days)
    columns: dict[str, pa.Array] = {
        CUSTOMER: pc.take(events.column(CUSTOMER).combine_chunks(), pa.array(starts[queries.rank])),
        AS_OF_DATE: pa.array((queries.time // DAY_US).astype(np.int32)).cast(pa.date32()),
    }
    columns |= {fold.name: to_arrow(answer(sweep, fold), fold.type) for fold in plan.folds}
    return pa.RecordBatch.from_pydict(with_derived(columns, plan.derived))


def with_derived(columns: dict[str, pa.Array], derived: Iterable[Derived]) -> dict[str, pa.Array]:
    """`columns` and, behind them, what derives from them, each of its declared type."""
    for one in derived:
        columns[one.name] = one.on_arrays(*[columns[name] for name in one.inputs]).cast(ARROW_TYPES[one.type])
    return columns


def empty_fold(folds: Iterable[Feature], derived: Iterable[Derived]) -> dict[str, Any]:
    """Values by name of a customer without events: 0 for counts and sums, else NULL, and what derives from them."""
    columns = {AS_OF_DATE: pa.array([None], pa.date32())}
    columns |= {fold.name: pa.array([fold.aggregate.empty], ARROW_TYPES[fold.type]) for fold in folds}
    return {name: column[0].as_py() for name, column in with_derived(columns, derived).items()}


def to_histories(events: pa.Table, starts: npt.NDArray[np.int64], plan: FoldPlan) -> Histories:
    """Arrow columns as integers; strings become codes, exact within the block."""
    rank = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, events.num_rows)))
    ordered = plan.ordered_measures
    read = {name: to_measure(events.column(name), ordered=name in ordered) for name in plan.measures}
    return Histories(rank, micros(events.column(TIME)), read)


def visible_queries(histories: Histories, starts: npt.NDArray[np.int64], plan: FoldPlan) -> Queries:
    """Every customer at every as-of later than the customer's first event."""
    as_ofs = np.sort(np.asarray(plan.as_ofs, np.int64))
    seen = histories.time[starts][:, None] < as_ofs[None, :]
    rank, at = np.nonzero(seen)
    return Queries(rank.astype(np.int64), as_ofs[at])


def micros(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """A timestamp column as microseconds since 1970, UTC."""
    return np.asarray(column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()))


def to_measure(column: pa.ChunkedArray, *, ordered: bool = False) -> Measure:
    """A column of events as integers, exact: decimals by their digits, strings by codes, booleans as 0 and 1.

    `ordered` codes ascend with their texts, code point by code point.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
    valid = np.asarray(array.is_valid())
    if pa.types.is_decimal(array.type):
        return Measure(np.where(valid, decimal_digits(array), 0), valid, array.type.scale)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        encoded = array.dictionary_encode()
        levels, codes = encoded.dictionary, np.asarray(encoded.indices.cast(pa.int64()).fill_null(0))
        if ordered and len(levels):
            order = np.asarray(pc.sort_indices(levels))
            levels, codes = levels.take(order), np.argsort(order)[codes]
        return Measure(codes, valid, code_of=lambda text: pc.index(levels, text).as_py(), levels=levels)
    return Measure(np.asarray(array.cast(pa.int64()).fill_null(0)), valid)


def decimal_digits(array: pa.Array) -> npt.NDArray[np.int64]:
    """The unscaled integers of decimals of at most 18 digits: the low half of each 128-bit word."""
    words = np.frombuffer(array.buffers()[1], np.int64)
    return words[2 * array.offset : 2 * (array.offset + len(array)) : 2]


def to_arrow(found: Answer, type_name: str) -> pa.Array:
    """An answer as an Arrow array of the feature's type, NULL where not valid."""
    wanted = ARROW_TYPES[type_name]
    if found.levels is not None:
        return found.levels.take(pa.array(found.values, mask=~found.valid)).cast(wanted)
    if not pa.types.is_decimal(wanted):
        return pa.array(found.values, mask=~found.valid).cast(wanted)
    words = np.empty((len(found.values), 2), np.int64)
    words[:, 0] = found.values * 10 ** (wanted.scale - found.scale)
    words[:, 1] = words[:, 0] >> 63
    mask = pa.array(found.valid).buffers()[1]
    return pa.Array.from_buffers(wanted, len(words), [mask, pa.py_buffer(words.tobytes())])
