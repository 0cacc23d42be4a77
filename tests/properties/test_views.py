"""Every fold of every view equals the dumb twin on random customers, without an engine around the sweep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.features import VIEWS
from featurestore.fold import ARROW_TYPES, FoldPlan, Limits, fold_customers, whole_customers
from featurestore.schemas import LOCAL_TIME, source
from tests import oracle
from tests.events import clock, interaction, order_line, profile_change, ticket_event

AS_OFS = [datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)]
DAYS_BACK = [0, 7, 14, 30, 60, 90, 180, 364, 365, 394]
US = timedelta(microseconds=1)
CUSTOMERS = st.sampled_from(["1", "12"])
CENTS = st.integers(-300, 900).map(lambda cents: Decimal(cents) / 100)


def instants():
    edges = [as_of - timedelta(days=days) for as_of in AS_OFS for days in DAYS_BACK]
    near = st.builds(lambda edge, off: edge + off * US, st.sampled_from(edges), st.integers(-1, 1))
    return st.one_of(near, st.integers(0, 800 * 1440).map(lambda m: AS_OFS[-1] - timedelta(minutes=m)))


LINES = st.builds(
    lambda who, when, amount, pieces, **more: order_line(who, when, amount=amount, quantity=pieces, **more),
    CUSTOMERS, instants(), CENTS, st.integers(-3, 6), order_id=st.sampled_from("abcd"),
    product_id=st.sampled_from(["p", "q", None]), is_product=st.booleans(),
)  # fmt: skip
LOOKS = st.builds(
    interaction, CUSTOMERS, instants(), st.sampled_from(["page_view", "product_view", "add_to_cart", "bot_command"]),
    session_id=st.sampled_from(["s", "t", None]), product_id=st.sampled_from(["p", "q", None]),
    device=st.sampled_from(["app", "web", None]),
)  # fmt: skip
TICKETS = st.builds(
    ticket_event, CUSTOMERS, instants(), st.sampled_from(["opened", "resolved"]), ticket_id=st.sampled_from("tuv"),
    satisfaction=st.sampled_from([1, 4, 5, None]), is_escalated=st.sampled_from([True, False, None]),
)  # fmt: skip
CHANGES = st.builds(
    profile_change, CUSTOMERS, instants(), st.sampled_from(["region", "income", "birth_year", "else"]),
    st.sampled_from(["North", "31000", "1980"]),
)  # fmt: skip
EVENTS = {"orders": LINES, "interactions": LOOKS, "support": TICKETS, "profiles": CHANGES}


def swept(rows, view):
    columns = {"customer_id": "string", **{c.name: c.type for c in (*source(view.source).measures, *LOCAL_TIME)}}
    types = {**ARROW_TYPES, "decimal(18,4)": pa.decimal128(18, 4)}
    schema = [pa.field(name, types[kind]) for name, kind in columns.items()]
    schema.append(pa.field("event_time", pa.timestamp("us", "UTC")))
    ordered = sorted(rows, key=lambda e: (e["customer_id"], e["event_time"], e["event_id"]))
    table = pa.Table.from_pylist(ordered, schema=pa.schema(schema))
    plan = FoldPlan(view.folds, view.derived, tuple(int(t.timestamp()) * 1_000_000 for t in AS_OFS), Limits(64, 10**6))
    found = [row for batch in fold_customers(whole_customers(table.to_batches()), plan) for row in batch.to_pylist()]
    return {(row["customer_id"], row["as_of_date"]): row for row in found}


@pytest.mark.parametrize("name", VIEWS)
def test_every_fold_of_the_view_equals_the_oracle(name):
    view = VIEWS[name]

    @settings(deadline=None, max_examples=40)
    @given(st.lists(EVENTS[name], max_size=25))
    def holds(rows):
        rows = [{**row, "event_id": f"{(7 * n) % 29:02}"} for n, row in enumerate(rows)]
        found = swept(rows, view)
        for customer in ("1", "12"):
            own = [e for e in rows if e["customer_id"] == customer]
            for as_of in AS_OFS:
                row = found.get((customer, as_of.date()))
                assert (row is not None) == oracle.visible(own, as_of)
                if row is not None:
                    expected = {fold.name: oracle.fold(own, fold, as_of) for fold in view.folds}
                    assert {fold: row[fold] for fold in expected} == expected

    holds()


def test_events_of_the_tests_carry_the_clock_of_their_source():
    assert clock(datetime(2024, 6, 1, 23, tzinfo=UTC)) == {"local_hour": 23, "local_weekday": 6}
