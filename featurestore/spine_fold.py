"""The sweep at the instants that a spine names: events and askings of whole customers in, one row out per asking.

Events and askings of a customer lie together, by time. What was known at an instant (`as_known`) is nearly always
what lies before it, so that the sweep answers; only an asking with an event before it that became known after it is
folded alone, over the events known then.
Memory of a task: one block of rows (see `Limits`) with its answers (askings x features x 8 bytes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from featurestore.aggregates import answer
from featurestore.arithmetic import SparseMaximum
from featurestore.definitions import AS_OF_DATE, LIFETIME
from featurestore.fold import (
    CUSTOMER,
    TIME,
    FoldPlan,
    blocks,
    micros,
    run_starts,
    to_arrow,
    to_measure,
    with_derived,
)
from featurestore.sweep import DAY_US, Answer, Histories, Ints, Queries, Sweep, customers_that_fit

KNOWN = "known_at"
CARRIED = "carried"
"""The asking's own columns, as a struct; NULL on an event. Its rows come back with the features behind."""


def fold_askings(
    tables: Iterable[pa.Table], plan: FoldPlan, *, delay_us: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Answer every asking in tables of whole customers, each one's rows by time: its carried columns, folds, derived.

    `plan.as_ofs` is not read. With `delay_us` (microseconds) only events count that were known before as_of +
    delay_us; without it all do. An asking without customer ('') or without time reads the empty fold.
    """
    for rows in tables:
        if rows.num_rows == rows.column(CARRIED).null_count:
            continue
        for block in blocks(_timed(rows), plan):
            if block.num_rows > block.column(CARRIED).null_count:
                yield _answered(block, plan, delay_us)


def _timed(rows: pa.Table) -> pa.Table:
    """`rows` where an asking without time has the earliest one; `timeless` says which."""
    time = rows.column(TIME)
    earliest = pc.min(time) if time.null_count < len(time) else pa.scalar(0, time.type)
    at = rows.schema.get_field_index(TIME)
    return rows.set_column(at, TIME, pc.fill_null(time, earliest)).append_column("timeless", pc.is_null(time))


def _answered(block: pa.Table, plan: FoldPlan, delay_us: int | None) -> pa.RecordBatch:
    starts = run_starts(block.column(CUSTOMER))
    rank = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, block.num_rows)))
    time = micros(block.column(TIME))
    is_asking = np.asarray(pc.is_valid(block.column(CARRIED)))
    is_timeless = np.asarray(block.column("timeless"))[is_asking]
    # Askings without time belong to a customer of their own, who comes last and has no events.
    order = np.argsort(is_timeless, kind="stable")
    asking_rank = np.where(is_timeless, len(starts), rank[is_asking])
    queries = Queries(asking_rank[order], time[is_asking][order])
    events = block.filter(pa.array(~is_asking))
    ordered = plan.ordered_measures
    measures = {name: to_measure(events.column(name), ordered=name in ordered) for name in plan.measures}
    histories = Histories(rank[~is_asking], time[~is_asking], measures)
    answers = answered(histories, queries, plan)
    if delay_us is not None:
        _refold_unknown(answers, histories, queries, plan, micros(events.column(KNOWN)), delay_us)
    carried = block.filter(pa.array(is_asking)).column(CARRIED).combine_chunks().take(pa.array(order))
    columns: dict[str, pa.Array] = {AS_OF_DATE: _dates(queries.time, is_timeless[order])}
    columns |= {fold.name: to_arrow(answers[fold.name], fold.type) for fold in plan.folds}
    features = with_derived(columns, plan.derived)
    del features[AS_OF_DATE]
    own = dict(zip([field.name for field in carried.type], carried.flatten(), strict=True))
    return pa.RecordBatch.from_pydict(own | features)


def _dates(time: Ints, is_timeless: Any) -> pa.Array:
    days = np.floor_divide(time, DAY_US).astype(np.int32)
    return pa.array(days, mask=is_timeless).cast(pa.date32())


def answered(histories: Histories, queries: Queries, plan: FoldPlan) -> Mapping[str, Answer]:
    """All folds of the plan at `queries`, by name."""
    sweep = Sweep(histories, queries, reach_days=plan.reach_days)
    return {fold.name: answer(sweep, fold) for fold in plan.folds}


def _refold_unknown(
    answers: Mapping[str, Answer], histories: Histories, queries: Queries, plan: FoldPlan, known_at: Ints,
    delay_us: int,
) -> None:  # fmt: skip
    """Put right, in place, the answers of the queries that saw an event before it was known."""
    start, end = Sweep(histories, queries, reach_days=plan.reach_days).bounds(LIFETIME)
    until = queries.time + delay_us
    latest = SparseMaximum(known_at, histories.rank).maximum(start, end)
    wrong = np.flatnonzero((end > start) & (latest >= until))
    for part in _parts(wrong, end - start, most_events=plan.limits.events_per_fold, most=_fitting(histories, plan)):
        sizes = (end - start)[part]
        owner = np.repeat(np.arange(len(part)), sizes)
        index = start[part][owner] + np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        keep = known_at[index] < until[part][owner]
        index, owner = index[keep], owner[keep]
        measures = {
            name: replace(one, values=one.values[index], valid=one.valid[index])
            for name, one in histories.measures.items()
        }
        own = Histories(owner, histories.time[index], measures)
        again = answered(own, Queries(np.arange(len(part)), queries.time[part]), plan)
        for name, one in again.items():
            answers[name].values[part] = one.values
            answers[name].valid[part] = one.valid


def _fitting(histories: Histories, plan: FoldPlan) -> int:
    """How many customers the packed keys of a sweep may hold over the whole time of `histories`."""
    span = int(histories.time.max() - histories.time.min()) if len(histories.time) else 0
    return customers_that_fit(span + 2 * (plan.reach_days + 1) * DAY_US)


def _parts(chosen: Ints, sizes: Ints, *, most_events: int, most: int) -> Iterator[Ints]:
    """Cut `chosen` so that the `sizes` of a part sum to `most_events` at most (unless it is one), `most` in number.

    >>> [part.tolist() for part in _parts(np.arange(3), np.array([2, 2, 5]), most_events=4, most=9)]
    [[0, 1], [2]]
    """
    upto = np.concatenate([[0], np.cumsum(sizes[chosen])])
    first = 0
    while first < len(chosen):
        last = int(np.searchsorted(upto, upto[first] + most_events, side="right")) - 1
        last = min(max(last, first + 1), first + most, len(chosen))
        yield chosen[first:last]
        first = last
