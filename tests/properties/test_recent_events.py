"""What windows reach is enough: recent events, and one before all windows for whoever was seen, give the same rows."""

from __future__ import annotations

import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.snapshot_plan import reach_days
from tests import oracle
from tests.properties.histories import DAY, MICROSECOND, START, events, features
from tests.properties.test_sweep import swept

FOLDS = [f for f in features() if f.window.offset_days >= 0 and (reach_days([f]) or 1_000) <= 60]
SEEN_AT = START + 30 * DAY
DATES = (START + 31 * DAY, START + 45 * DAY)
SINCE = min(SEEN_AT, DATES[0] - timedelta(days=reach_days(FOLDS)))
NOTHING = dict.fromkeys(["order_id", "amount", "quantity", "is_product"])


@settings(deadline=None, max_examples=100)
@given(events(), st.integers(0, 2**32))
def test_recent_events_and_who_was_seen_before_give_the_rows_of_all_events(rows, seed):
    folds = random.Random(seed).sample(FOLDS, 200)
    customers = sorted({row["customer_id"] for row in rows})
    seen = [c for c in customers if oracle.visible([row for row in rows if row["customer_id"] == c], SEEN_AT)]
    recent = [row for row in rows if row["event_time"] >= SINCE]
    marks = [{**NOTHING, "customer_id": c, "event_time": SINCE - MICROSECOND, "event_id": ""} for c in seen]
    assert swept(recent + marks, folds, as_ofs=DATES) == swept(rows, folds, as_ofs=DATES)


def test_a_lifetime_has_no_reach():
    assert reach_days(features()) is None
    assert reach_days(FOLDS) == 60
