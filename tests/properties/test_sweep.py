"""The sweep agrees with the dumb twin on random histories, instants, windows and conditions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.definitions import LIFETIME, Aggregate, Condition, Feature, Window
from featurestore.fold import FoldPlan, Limits, fold_batches
from tests import oracle

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OFS = [START + timedelta(days=d) for d in (0, 1, 7, 30, 31, 45, 400)]
MICROSECOND = timedelta(microseconds=1)
EVENTS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("event_time", pa.timestamp("us", "UTC")),
        ("order_id", pa.string()),
        ("amount", pa.decimal128(18, 2)),
        ("quantity", pa.int64()),
        ("is_product", pa.bool_()),
    ]
)
MEASURE = {Aggregate.DISTINCT: "order_id", Aggregate.SUM: "amount", Aggregate.MEAN: "amount",
           Aggregate.MIN: "amount", Aggregate.MAX: "amount"}  # fmt: skip
TYPE = {Aggregate.SUM: "decimal(18,2)", Aggregate.MIN: "decimal(18,2)", Aggregate.MAX: "decimal(18,2)",
        Aggregate.MEAN: "double", Aggregate.DAYS_SINCE_FIRST: "double", Aggregate.DAYS_SINCE_LAST: "double",
        Aggregate.GAP_MEAN: "double", Aggregate.GAP_STD: "double"}  # fmt: skip
WINDOWS = [Window(1), Window(30), LIFETIME, Window(30, offset_days=30), Window(30, offset_days=364),
           Window(30, offset_days=-30)]  # fmt: skip
CONDITIONS = [
    (),
    (Condition("amount", ">", 0),),
    (Condition("amount", "<", 0), Condition("is_product", "=", True)),
    (Condition("order_id", "=", "b"),),
    (Condition("order_id", "<>", "a"), Condition("quantity", "<>", 0)),
    (Condition("order_id", "<>", "in no event"),),
]


def features() -> list[Feature]:
    return [
        Feature(f"{aggregate}_{window.name}_{i}", aggregate, window, TYPE.get(aggregate, "bigint"), "", "",
                measure=MEASURE.get(aggregate), where=where, negated=aggregate is Aggregate.SUM and i == 2)
        for aggregate in Aggregate
        for window in WINDOWS
        for i, where in enumerate(CONDITIONS)
    ]  # fmt: skip


def instants() -> st.SearchStrategy[datetime]:
    """Times around window edges (exactly on, one microsecond off) and anywhere."""
    edges = [t - timedelta(days=d) for t in AS_OFS for d in (0, 1, 30, 60)]
    near = st.builds(lambda t, k: t + k * MICROSECOND, st.sampled_from(edges), st.integers(-1, 1))
    anywhere = st.builds(lambda s: START + timedelta(seconds=s), st.integers(-400 * 86400, 420 * 86400))
    return st.one_of(near, anywhere)


def events() -> st.SearchStrategy[list[dict[str, object]]]:
    event = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(["1", "12", "2", "ü'\""]),
            "event_time": instants(),
            "order_id": st.sampled_from(["a", "b", "c", None]),
            "amount": st.one_of(st.none(), st.integers(-300, 300).map(lambda c: Decimal(c) / 100)),
            "quantity": st.integers(-3, 3),
            "is_product": st.sampled_from([True, False, None]),
        }
    )
    return st.lists(event, max_size=40)


def swept(rows, folds, *, batch_rows=1000, customers_per_fold=4096, events_per_fold=10**6, as_ofs=tuple(AS_OFS)):
    """Fold `rows` by the engine: {(customer, date): {feature: value}}."""
    ordered = sorted(rows, key=lambda e: (e["customer_id"], e["event_time"]))
    table = pa.Table.from_pylist(ordered, schema=EVENTS)
    plan = FoldPlan(
        tuple(folds),
        (),
        tuple(int(t.timestamp() * 1_000_000) for t in as_ofs),
        Limits(customers_per_fold, events_per_fold),
    )
    answered = [b.to_pylist() for b in fold_batches(table.to_batches(max_chunksize=batch_rows), plan)]
    return {(row.pop("customer_id"), row.pop("as_of_date")): row for rows in answered for row in rows}


@settings(deadline=None, max_examples=150)
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
                assert row == {f.name: oracle.fold(own, f, as_of) for f in folds}
    assert not found


@settings(deadline=None, max_examples=60)
@given(events(), st.integers(1, 7), st.integers(1, 3), st.integers(1, 9))
def test_batches_and_blocks_change_no_digit(rows, batch_rows, customers_per_fold, events_per_fold):
    folds = features()
    whole = swept(rows, folds)
    cut = swept(rows, folds, batch_rows=batch_rows, customers_per_fold=customers_per_fold,
                events_per_fold=events_per_fold)  # fmt: skip
    assert cut == whole


@settings(deadline=None, max_examples=60)
@given(events(), events())
def test_the_future_changes_nothing(rows, more):
    past = [f for f in features() if f.window.offset_days >= 0]
    as_of = AS_OFS[4]
    future = [{**e, "event_time": as_of + abs(e["event_time"] - as_of)} for e in more]
    before = [e for e in rows if e["event_time"] < as_of]
    assert swept(before + future, past, as_ofs=(as_of,)) == swept(before, past, as_ofs=(as_of,))


def test_sums_that_leave_the_decimal_raise():
    from featurestore.errors import DataContractError

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
