"""Random histories, and one feature of every aggregate, shape, window and condition, for the laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st

from featurestore.definitions import LIFETIME, Aggregate, Condition, Feature, Window

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
MONEY = "decimal(18,2)"
SHAPES = {
    Aggregate.COUNT: [(None, "bigint")],
    Aggregate.SUM: [("amount", MONEY), ("quantity", "bigint")],
    Aggregate.MEAN: [("amount", "double")],
    Aggregate.STD: [("amount", "double"), ("quantity", "double")],
    Aggregate.MIN: [("amount", MONEY)],
    Aggregate.MAX: [("amount", MONEY)],
    Aggregate.FIRST: [("amount", MONEY), ("order_id", "string"), ("is_product", "boolean")],
    Aggregate.LAST: [("amount", MONEY), ("order_id", "string"), ("is_product", "boolean")],
    Aggregate.MODE: [("quantity", "bigint"), ("order_id", "string")],
    Aggregate.MODE_SHARE: [("order_id", "double")],
    Aggregate.QUANTILE_APPROX: [("amount", "double"), ("quantity", "double")],
    Aggregate.DISTINCT: [("order_id", "bigint"), ("amount", "bigint")],
    Aggregate.DISTINCT_APPROX: [("order_id", "bigint"), ("amount", "bigint")],
    Aggregate.DAYS_SINCE_FIRST: [(None, "double")],
    Aggregate.DAYS_SINCE_LAST: [(None, "double")],
    Aggregate.GAP_MEAN: [(None, "double")],
    Aggregate.GAP_STD: [(None, "double")],
    Aggregate.SPAN_SUM: [("order_id", "double"), ("quantity", "double")],
    Aggregate.SPAN_MEAN: [("order_id", "double"), ("quantity", "double")],
}
"""Measures and types that each aggregate is tried with; the others count days."""
GROUPS = {Aggregate.MIN: MONEY, Aggregate.MAX: MONEY, Aggregate.MEAN: "double", Aggregate.STD: "double"}
"""Aggregates that are tried over the sums of groups, too, and their types."""
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
    per_order = [
        Feature(f"order_{aggregate}_{window.name}_{i}", aggregate, window, type_, "", "", measure="amount",
                where=where, per="order_id", negated=i == 2)
        for aggregate, type_ in GROUPS.items()
        for window in WINDOWS
        for i, where in enumerate(CONDITIONS)
    ]  # fmt: skip
    return per_order + [
        Feature(f"{aggregate}_{measure}_{window.name}_{i}", aggregate, window, type_, "", "",
                measure=measure, where=where, negated=aggregate is Aggregate.SUM and i == 2,
                quantile=(0.5, 0.9, 1.0)[i % 3] if aggregate is Aggregate.QUANTILE_APPROX else None)
        for aggregate in Aggregate
        for measure, type_ in SHAPES.get(aggregate, [(None, "bigint")])
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
    return st.lists(event, max_size=40).map(
        lambda rows: [{**row, "event_id": f"{(7 * n) % 41:02}"} for n, row in enumerate(rows)]
    )


def assert_close(found, expected, fold):
    """Equal to the digit, but for quantiles: within 1 % of the exact one."""
    if fold.aggregate is Aggregate.QUANTILE_APPROX and expected is not None:
        assert abs(found - expected) <= 0.01 * abs(expected) + 1e-12, fold
    else:
        assert found == expected, fold
