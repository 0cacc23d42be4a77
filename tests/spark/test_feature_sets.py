"""Feature sets: every view against the oracle, joined so that a view that saw nothing reads its empty fold."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from featurestore.features import VIEWS, feature_set
from featurestore.fold import Limits
from featurestore.schemas import SOURCES
from featurestore.snapshots import build_snapshots, read_features
from jobs.settings import load_settings
from tests import oracle
from tests.events import INGESTED, add_batch, interaction, order_line, profile_change, ticket_event

FEATURES = feature_set(list(VIEWS), rfm_segments=load_settings().features.rfm_segments)
START = datetime(2023, 1, 1, tzinfo=UTC)
DATES = [date(2023, 1, 20), date(2023, 9, 1)]
CUSTOMERS = [f"c{n}" for n in range(60)]


def random_events(seed: int):
    """Lists by source; about half of the customers are unknown to each source."""
    chance = random.Random(seed)

    def instant():
        edge = oracle.midnight(chance.choice(DATES)) - timedelta(days=chance.choice([0, 7, 30, 90]))
        near = edge + chance.choice([-1, 0, 1]) * timedelta(microseconds=1)
        return near if chance.random() < 0.2 else START + timedelta(seconds=chance.randrange(270 * 86_400))

    def some():
        return [c for c in CUSTOMERS if chance.random() < 0.5 for _ in range(chance.choice([1, 3, 9]))]

    told = [("region", "North"), ("region", "South"), ("income", "31000"), ("income", "ask me"), ("birth_year", "1980")]
    kinds, devices = ["page_view", "product_view", "add_to_cart"], ["app", None]
    return {
        "orders": [order_line(c, instant()) for c in some()],
        "interactions": [
            interaction(c, instant(), chance.choice(kinds), session_id=chance.choice(["s1", "s2", None]),
                        device=chance.choice(devices))
            for c in some()
        ],
        "support": [
            ticket_event(c, instant(), chance.choice(["opened", "resolved"]), satisfaction=chance.choice([1, 5, None]),
                         is_escalated=chance.choice([True, False, None]), ticket_id=chance.choice("tuv"),
                         event_id=f"{n:03}")
            for n, c in enumerate(some())
        ],
        "profiles": [
            profile_change(c, instant(), *chance.choice(told), event_id=f"{n:03}") for n, c in enumerate(some())
        ],
    }  # fmt: skip


def test_a_set_equals_the_oracle_of_each_view_and_the_empty_fold_elsewhere(warehouse, drawn):
    events = random_events(seed=3)
    for name, rows in events.items():
        add_batch(warehouse, rows, source=SOURCES[name])
    for view in FEATURES.views:
        build_snapshots(warehouse, view, dates=DATES, limits=Limits(8, 50), run_id="r", built_at=INGESTED)
    rows = read_features(warehouse, FEATURES, dates=DATES).collect()
    assert rows, "an empty result would pass everything below"
    found = {(row["customer_id"], row["as_of_date"]): row.asDict() for row in rows}
    assert len(found) == len(rows)
    drawn(3, len(rows))
    for customer in CUSTOMERS:
        own = {name: [e for e in rows if e["customer_id"] == customer] for name, rows in events.items()}
        for day in DATES:
            as_of = oracle.midnight(day)
            row = found.pop((customer, day), None)
            assert (row is not None) == any(oracle.visible(seen, as_of) for seen in own.values())
            if row is not None:
                expected = {f.name: oracle.fold(own[v.source], f, as_of) for v in FEATURES.views for f in v.folds}
                assert {name: row[name] for name in expected} == expected
                assert_across(row, own, as_of)
    assert not found


def assert_across(row, own, as_of):
    ages = [oracle.in_days(as_of - e["event_time"]) for seen in own.values() for e in seen if e["event_time"] < as_of]
    assert row["days_since_last_activity"] == min(ages)
    order, seen = row["recency_days"], row["days_since_last_interaction"]
    both = order is not None and seen is not None
    assert row["days_from_order_to_interaction"] == (order - seen if both else None)
    assert row["tickets_open"] == row["tickets_count_lifetime"] - row["tickets_resolved_count_lifetime"]
    assert row["income"] == (31000.0 if row["income_told"] == "31000" else None)
    assert row["age_group"] == ("35 to 44" if row["birth_year_told"] else None)
    if order is None:
        assert (row["frequency"], row["amount_sum_30d"], row["r_score"], row["rfm_segment"]) == (0, 0, None, None)
