"""The sweep agrees with the dumb twin on random histories, instants, windows and conditions."""

from __future__ import annotations

import random
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from featurestore import tally
from featurestore.definitions import LIFETIME, Aggregate, Feature
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.fold import FoldPlan, Limits, fold_customers, whole_customers
from featurestore.sketches import KEPT_HASHES
from featurestore.states import Event, fold_of
from tests import oracle
from tests.properties.histories import (
    AS_OFS,
    DAY,
    EVENTS,
    GROUPS,
    MICROSECOND,
    MONEY,
    START,
    assert_close,
    events,
    features,
)

EQUAL_AMOUNTS = [
    {"customer_id": "1", "event_time": START + k * MICROSECOND, "order_id": "a", "amount": Decimal(0),
     "quantity": 0, "is_product": True, "event_id": f"0{k}"}
    for k in (1, 0)
]  # fmt: skip
"""Two events that differ in time alone: the least amount is that of both."""


LIMITS = Limits(4096, 10**6)


def swept(rows, folds, *, batch_rows=1000, limits=LIMITS, as_ofs=tuple(AS_OFS)):
    """Fold `rows` by the engine: {(customer, date): {feature: value}}."""
    ordered = sorted(rows, key=lambda e: (e["customer_id"], e["event_time"], e.get("event_id", "")))
    table = pa.Table.from_pylist(ordered, schema=EVENTS)
    plan = FoldPlan(
        tuple(folds),
        (),
        tuple(int(t.timestamp() * 1_000_000) for t in as_ofs),
        limits,
    )
    customers = whole_customers(table.to_batches(max_chunksize=batch_rows))
    answered = [b.to_pylist() for b in fold_customers(customers, plan)]
    return {(row.pop("customer_id"), row.pop("as_of_date")): row for rows in answered for row in rows}


@settings(deadline=None, max_examples=60)
@given(events())
def test_every_fold_equals_the_oracle(rows):
    folds = features()
    found = swept(rows, folds)
    for customer in {e["customer_id"] for e in rows}:
        own = [e for e in rows if e["customer_id"] == customer]
        for as_of in AS_OFS:
            row = found.pop((customer, as_of.date()), None)
            assert (row is not None) == oracle.visible(own, as_of)
            if row is not None:
                for fold in folds:
                    assert_close(row[fold.name], oracle.fold(own, fold, as_of), fold)
    assert not found


@settings(deadline=None, max_examples=100)
@given(events(), st.integers(0, 2**32))
@example(EQUAL_AMOUNTS, 0)
def test_start_add_merge_finish_agree_with_the_sweep_for_any_split(rows, seed):
    chance = random.Random(seed)
    folds = chance.sample(features(), 300)
    found = swept(rows, folds)
    for customer in {e["customer_id"] for e in rows}:
        own = [e for e in rows if e["customer_id"] == customer]
        for as_of in AS_OFS:
            row = found.get((customer, as_of.date()))
            for fold in folds if row is not None else ():
                assert stated(own, fold, as_of, chance) == row[fold.name], fold


def stated(own, fold, as_of, chance):
    """The value by the fold's own states: events in any order, in any number of parts, merged in any order."""
    chosen = [e for e in own if oracle.in_window(e, fold, as_of)
              and all(oracle.satisfies(e, c) for c in fold.where)
              and (fold.measure is None or e[fold.measure] is not None)
              and (fold.per is None or e[fold.per] is not None)]  # fmt: skip
    scale = 2 if fold.measure == "amount" else 0
    monoid = fold_of(fold, scale=scale)
    parts = [monoid.start() for _ in range(3)]
    for event in chance.sample(chosen, len(chosen)):
        value = 0 if fold.measure is None else event[fold.measure]
        kept = int(value * 100) if scale else value
        at = chance.randrange(3)
        parts[at] = monoid.add(
            parts[at], Event(micros(event["event_time"]), event["event_id"], kept, event.get(fold.per))
        )
    chance.shuffle(parts)
    together = monoid.merge(monoid.merge(parts[0], parts[1]), parts[2])
    assert together == monoid.merge(parts[2], monoid.merge(parts[1], parts[0]))
    value = monoid.finish(together, micros(as_of))
    return Decimal(value) / 100 if fold.type == MONEY and value is not None else value


def micros(instant):
    return (instant - oracle.EPOCH) // MICROSECOND


@settings(deadline=None, max_examples=30)
@given(events(), st.integers(1, 7), st.builds(Limits, st.integers(1, 3), st.integers(1, 9), st.integers(1, 30)))
def test_batches_and_blocks_change_no_digit(rows, batch_rows, limits):
    folds = features()
    assert swept(rows, folds, batch_rows=batch_rows, limits=limits) == swept(rows, folds)


def test_a_block_gives_no_more_answers_than_its_limit():
    rows = [line(customer_id=str(n), event_time=START) for n in range(9)]
    plan = FoldPlan((Feature("n", Aggregate.COUNT, LIFETIME, "bigint", "", ""),), (),
                    tuple(int(t.timestamp() * 1_000_000) for t in AS_OFS[1:4]), Limits(99, 99, 7))  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=EVENTS)
    assert [batch.num_rows for batch in fold_customers(whole_customers(table.to_batches()), plan)] == [6, 6, 6, 6, 3]


@settings(deadline=None, max_examples=30)
@given(events(), events())
def test_the_future_changes_nothing(rows, more):
    past = [f for f in features() if f.window.offset_days >= 0]
    as_of = AS_OFS[4]
    future = [{**e, "event_time": as_of + abs(e["event_time"] - as_of)} for e in more]
    before = [e for e in rows if e["event_time"] < as_of]
    assert swept(before + future, past, as_ofs=(as_of,)) == swept(before, past, as_ofs=(as_of,))


def test_sums_that_leave_the_decimal_raise():
    huge = [
        {"customer_id": "1", "event_time": START, "order_id": "a", "amount": Decimal("9999999999999999.99"),
         "quantity": 1, "is_product": True}
    ] * 2  # fmt: skip
    total = [f for f in features() if f.aggregate is Aggregate.SUM]
    with pytest.raises(DataContractError, match=r"decimal\(18,2\)"):
        swept(huge, total)


def test_means_beyond_exact_doubles_are_rounded_once():
    amounts = [Decimal("90071992547409.93"), Decimal("90071992547409.95"), Decimal("0.01")]
    rows = [{"customer_id": "1", "event_time": START, "order_id": "a", "amount": a, "quantity": 1,
             "is_product": True} for a in amounts]  # fmt: skip
    mean = [f for f in features() if f.aggregate is Aggregate.MEAN and f.window == LIFETIME and not f.where]
    as_of = AS_OFS[1]
    assert swept(rows, mean, as_ofs=(as_of,))[("1", as_of.date())] == {
        f.name: oracle.fold(rows, f, as_of) for f in mean
    }


def feature(aggregate, measure, type_, **more):
    return Feature(str(aggregate), aggregate, LIFETIME, type_, "", "", measure=measure, **more)


def line(customer="1", **more):
    return {"customer_id": customer, "event_time": START, "order_id": "a", "amount": Decimal("1.00"), "quantity": 1,
            "is_product": True, "event_id": "", **more}  # fmt: skip


def test_spreads_of_large_values_need_more_than_64_bits():
    rows = [line(amount=Decimal(a)) for a in ("99999999999.99", "-99999999999.99", "12345678901.23")]
    std = feature(Aggregate.STD, "amount", "double")
    assert swept(rows, [std], as_ofs=(AS_OFS[1],))[("1", AS_OFS[1].date())] == {
        "std": oracle.fold(rows, std, AS_OFS[1])
    }


@pytest.mark.parametrize("apart", [0 * DAY, DAY])
def test_sums_of_large_orders_spread_beyond_64_bits(apart):
    rows = [line(order_id=order, amount=Decimal(a), event_time=START + k * apart, event_id=str(k))
            for k, (order, a) in enumerate([("a", "99999999999.99"), ("b", "-99999999999.99"), ("a", "12345678901.23"),
                                            ("c", "0.01")])]  # fmt: skip
    as_of = AS_OFS[3]
    folds = [Feature(str(aggregate), aggregate, LIFETIME, type_, "", "", measure="amount", per="order_id")
             for aggregate, type_ in GROUPS.items()]  # fmt: skip
    assert swept(rows, folds, as_ofs=(as_of,))[("1", as_of.date())] == {
        fold.name: oracle.fold(rows, fold, as_of) for fold in folds
    }


def test_many_distinct_values_are_estimated_within_the_stated_error():
    many = [line("many", order_id=f"o{n}", event_id=str(n)) for n in range(20_000)]
    rows = [*many, *[line("few", order_id=f"o{n}") for n in range(KEPT_HASHES)]]
    approx = feature(Aggregate.DISTINCT_APPROX, "order_id", "bigint")
    found = swept(rows, [approx], as_ofs=(AS_OFS[1],))
    assert found["few", AS_OFS[1].date()] == {"distinct_approx": KEPT_HASHES}
    estimated = found["many", AS_OFS[1].date()]["distinct_approx"]
    assert abs(estimated / 20_000 - 1) < 4 / (KEPT_HASHES - 2) ** 0.5
    monoid = fold_of(approx)
    halves = [monoid.fold(Event(0, e["event_id"], e["order_id"]) for e in part) for part in (many[::2], many[1::2])]
    assert monoid.finish(monoid.merge(*halves), 1) == estimated


@pytest.mark.parametrize("most", [1, 3])
def test_tallies_in_small_pieces_are_the_same(monkeypatch, most):
    chance = random.Random(5)
    rows = [line(chance.choice("abc"), order_id=chance.choice("xyz"), quantity=chance.randrange(4), event_id=str(n),
                 event_time=START + chance.randrange(400) * DAY) for n in range(90)]  # fmt: skip
    folds = [one for one in features() if one.aggregate in (Aggregate.MODE, Aggregate.QUANTILE_APPROX)]
    whole = swept(rows, folds)
    monkeypatch.setattr(tally, "MOST_PAIRS", most)
    assert swept(rows, folds) == whole


@pytest.mark.parametrize(
    ("aggregate", "more", "said"),
    [
        (Aggregate.SUM, {"quantile": 0.5}, "quantile"),
        (Aggregate.QUANTILE_APPROX, {}, "quantile"),
        (Aggregate.QUANTILE_APPROX, {"quantile": 1.5}, "quantile"),
    ],
)
def test_a_quantile_goes_with_quantiles_only(aggregate, more, said):
    with pytest.raises(ConfigurationError, match=said):
        feature(aggregate, "amount", "double", **more)


def test_what_is_approximate_says_so_in_its_name():
    with pytest.raises(ConfigurationError, match="_approx"):
        Feature("products", Aggregate.DISTINCT_APPROX, LIFETIME, "bigint", "", "", measure="order_id")
