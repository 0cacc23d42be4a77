"""At the instants that a spine names the fold is the oracle's, whatever was known when."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.fold import FoldPlan, Limits, whole_customers
from featurestore.spine_fold import CARRIED, KNOWN, fold_askings
from tests import oracle
from tests.properties.histories import DAY, EVENTS, MICROSECOND, assert_close, events, features, instants

ASKING = pa.struct([("customer_id", pa.string()), ("as_of", pa.timestamp("us", "UTC")), ("asking", pa.int64())])
ROWS = EVENTS.append(pa.field(KNOWN, pa.timestamp("us", "UTC"))).append(pa.field(CARRIED, ASKING))
LAGS = st.sampled_from([timedelta(0), timedelta(hours=5), DAY, 40 * DAY, 40 * DAY + MICROSECOND])


def askings():
    """Customers with and without events, nobody, and no time; twice the same is fine."""
    who = st.sampled_from(["1", "12", "ü'\"", "no events", None])
    return st.lists(st.tuples(who, st.one_of(st.none(), instants())), max_size=8)


def answered(rows, spine, folds, *, delay_us=None, batch_rows=1000, limits=None):
    """{asking: {feature: value}} by the engine."""
    asked = [
        {"customer_id": who or "", "event_time": at, "event_id": "",
         CARRIED: {"customer_id": who, "as_of": at, "asking": n}} for n, (who, at) in enumerate(spine)
    ]  # fmt: skip
    never = oracle.EPOCH - 4000 * DAY
    ordered = sorted([*rows, *asked], key=lambda e: (e["customer_id"], e["event_time"] or never, e["event_id"]))
    table = pa.Table.from_pylist(ordered, schema=ROWS)
    plan = FoldPlan(tuple(folds), (), (), limits or Limits(4096, 10**6))
    customers = whole_customers(table.to_batches(max_chunksize=batch_rows))
    found = [b.to_pylist() for b in fold_askings(customers, plan, delay_us=delay_us)]
    answers = {row.pop("asking"): row for rows in found for row in rows}
    for n, row in answers.items():
        assert (row.pop("customer_id"), row.pop("as_of")) == spine[n]
    return answers


def lagging(rows, lags):
    return [{**row, KNOWN: row["event_time"] + lags[n % len(lags)]} for n, row in enumerate(rows)]


@settings(deadline=None, max_examples=60)
@given(events(), askings(), st.lists(LAGS, min_size=1, max_size=5), st.sampled_from([None, 0, 1, 5 * 3600]),
       st.randoms(use_true_random=False))  # fmt: skip
def test_every_asking_is_answered_as_the_oracle_does(rows, spine, lags, delay, chance):
    folds = [f for f in chance.sample(features(), 250) if f.window.offset_days >= 0]
    rows = lagging(rows, lags)
    delay_us = None if delay is None else delay * 1_000_000
    found = answered(rows, spine, folds, delay_us=delay_us)
    assert set(found) == set(range(len(spine)))
    for n, (who, as_of) in enumerate(spine):
        own = [] if as_of is None else [e for e in rows if e["customer_id"] == who]
        if delay is not None and own:
            own = [e for e in own if e[KNOWN] < as_of + timedelta(seconds=delay)]
        for fold in folds:
            assert_close(found[n][fold.name], oracle.fold(own, fold, as_of or oracle.EPOCH), fold)


@settings(deadline=None, max_examples=30)
@given(events(), askings(), st.lists(LAGS, min_size=1, max_size=5), st.integers(1, 7), st.integers(1, 3),
       st.integers(1, 9), st.randoms(use_true_random=False))  # fmt: skip
def test_batches_and_blocks_change_no_digit(rows, spine, lags, batch_rows, customers, most_events, chance):
    folds, rows = chance.sample(features(), 250), lagging(rows, lags)
    whole = answered(rows, spine, folds, delay_us=0)
    cut = answered(rows, spine, folds, delay_us=0, batch_rows=batch_rows, limits=Limits(customers, most_events))
    assert cut == whole


@settings(deadline=None, max_examples=30)
@given(events(), events(), askings(), st.randoms(use_true_random=False))
def test_what_becomes_known_later_changes_no_answer(rows, more, spine, chance):
    folds = chance.sample([f for f in features() if f.window.offset_days >= 0], 250)
    told = max((at for _, at in spine if at is not None), default=oracle.EPOCH)
    before = [{**row, KNOWN: row["event_time"]} for row in rows]
    later = [{**row, KNOWN: max(row["event_time"], told), "event_id": f"late {n}"} for n, row in enumerate(more)]
    assert answered(before + later, spine, folds, delay_us=0) == answered(before, spine, folds, delay_us=0)
