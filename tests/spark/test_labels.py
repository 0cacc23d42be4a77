"""Labels: the horizon starts at as_of, the population is asked before it, immature as-ofs are left out."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.features import VIEWS
from featurestore.fold import Limits
from featurestore.ingest_runs import reserve
from featurestore.labels import CHURN_60D, LABELS, PURCHASE_30D, label, labelled
from featurestore.snapshots import build_snapshots
from featurestore.training_set import Request, build_training_set
from featurestore.views import FeatureSet
from tests import oracle
from tests.events import INGESTED, add_batch, order_line

LIMITS = Limits(1000, 100_000)
AS_OF = date(2024, 6, 1)
T = datetime(2024, 6, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
SMALL_VIEW = replace(
    VIEWS["orders"],
    folds=tuple(fold for fold in VIEWS["orders"].folds if fold.name in ("recency_days", "orders_count_lifetime")),
    derived=(), ranked=(), judged=(), aliases=(),
)  # fmt: skip
FEATURES = FeatureSet("few", (SMALL_VIEW,))
"""Labels read events, whatever features stand beside them: few columns are compiled fast."""


def split_of(dates):
    split = F.lit(None).cast("string")
    for day, name in dates.items():
        split = F.when(F.col("as_of_date") == F.lit(day), name).otherwise(split)
    return split


def values(warehouse, label):
    rows = labelled(warehouse.read("events_orders"), [label], as_ofs=[AS_OF], limits=LIMITS).collect()
    return {row["customer_id"]: row[label.name] for row in rows}


@pytest.mark.parametrize(
    ("after", "outcome"),
    [(timedelta(0), 1.0), (timedelta(days=30) - US, 1.0), (timedelta(days=30), 0.0), (-US, 0.0)],
)
def test_the_horizon_is_closed_at_as_of_and_open_at_its_end(warehouse, after, outcome):
    add_batch(warehouse, [order_line("a", T - timedelta(days=9)), order_line("a", T + after)])
    assert values(warehouse, PURCHASE_30D) == {"a": outcome}


def test_churn_asks_only_customers_who_ordered_within_180_days(warehouse):
    old, recent = T - timedelta(days=180) - US, T - timedelta(days=180)
    add_batch(warehouse, [order_line("old", old), order_line("lapsed", recent), order_line("back", recent),
                          order_line("back", T + timedelta(days=59))])  # fmt: skip
    assert values(warehouse, CHURN_60D) == {"old": None, "lapsed": 1.0, "back": 0.0}


def test_a_return_is_no_order(warehouse):
    back = {"amount": Decimal("-10.00"), "quantity": -1}
    add_batch(warehouse, [order_line("a", T - timedelta(days=9)), order_line("a", T + US, **back),
                          order_line("returns only", T - US, **back)])  # fmt: skip
    assert values(warehouse, PURCHASE_30D) == {"a": 0.0, "returns only": None}


def test_an_interrupted_batch_that_ends_after_a_later_one_makes_another_training_set(warehouse):
    reserve(warehouse, source="orders", batch_id="orders-1", input_name="test", ingested_at=INGESTED)
    add_batch(warehouse, [order_line("a", T - timedelta(days=40))], batch_seq=2)
    request = Request(PURCHASE_30D, FEATURES, {AS_OF: "fit"}, split_of({AS_OF: "fit"}), 1)

    def build():
        build_snapshots(warehouse, FEATURES.views[0], dates=[AS_OF], limits=LIMITS, run_id="r", built_at=INGESTED)
        return build_training_set(warehouse, request, limits=LIMITS, run_id="r", built_at=INGESTED)

    assert dict(build().rows_per_split) == {"fit": 1}
    add_batch(warehouse, [order_line("b", T - timedelta(days=9))], batch_seq=1)
    assert dict(build().rows_per_split) == {"fit": 2}
    assert build().reused


def test_immature_as_ofs_are_left_out_and_counted(warehouse):
    add_batch(warehouse, [order_line("a", T - timedelta(days=40)), order_line("b", T - timedelta(days=1))],
              complete_through=T + timedelta(days=29))  # fmt: skip
    dates = {AS_OF - timedelta(days=1): "fit", AS_OF: "test"}
    build_snapshots(warehouse, FEATURES.views[0], dates=list(dates), limits=LIMITS, run_id="r", built_at=INGESTED)
    request = Request(PURCHASE_30D, FEATURES, dates, split_of(dates), 1)
    built = build_training_set(warehouse, request, limits=LIMITS, run_id="r", built_at=INGESTED)
    assert (built.immature_as_ofs, dict(built.rows_per_split), built.outside_population) == (1, {"fit": 1}, 0)
    again = build_training_set(warehouse, request, limits=LIMITS, run_id="r", built_at=INGESTED)
    assert again.reused and again.version == 1
    only_immature = Request(PURCHASE_30D, FEATURES, {AS_OF: "test"}, split_of(dates), 1)
    with pytest.raises(DataContractError, match="complete through"):
        build_training_set(warehouse, only_immature, limits=LIMITS, run_id="r", built_at=INGESTED)


def random_lines(seed):
    """Lines of 80 customers over a year around T, some exactly on the edges that the labels look at."""
    chance = random.Random(seed)
    for _ in range(80 * 8):
        edge = T + timedelta(days=chance.choice([-180, -90, 0, 30, 60, 90])) + chance.choice([-1, 0, 1]) * US
        anywhere = T + timedelta(minutes=chance.randrange(-200 * 1440, 160 * 1440))
        amount = Decimal(chance.randrange(-4000, 9000)) / 100
        yield order_line(f"c{chance.randrange(80)}", edge if chance.random() < 0.3 else anywhere,
                         order_id=f"o{chance.randrange(5)}", amount=amount)  # fmt: skip


def plainly(name, own, as_of):
    """The label by the words of the design, of one customer who has an event before `as_of`."""

    def orders(since, days):
        end = since + timedelta(days=days)
        return len({e["order_id"] for e in own if since <= e["event_time"] < end and e["amount"] > 0})

    def net(since, days):
        return sum(e["amount"] for e in own if since <= e["event_time"] < since + timedelta(days=days))

    def before(days):
        return as_of - timedelta(days=days)

    ever = orders(before(9999), 9999) > 0
    match name:
        case "purchase_30d":
            return float(orders(as_of, 30) > 0) if ever else None
        case "churn_60d":
            return float(orders(as_of, 60) == 0) if orders(before(180), 180) else None
        case "active_90d":
            return float(orders(as_of, 90) > 0) if ever else None
        case "orders_90d":
            return float(orders(as_of, 90)) if ever else None
        case "spend_90d" | "spend_365d":
            return float(max(0, net(as_of, label(name).horizon_days))) if ever else None
        case "decline_90d":
            asked = orders(before(90), 90) >= 2 and net(before(90), 90) > 0
            return float(max(0, net(as_of, 90)) < net(before(90), 90) / 2) if asked else None


def test_every_label_of_every_horizon_in_one_pass_and_as_a_training_set_equals_its_words(warehouse, drawn):
    lines = list(random_lines(seed=11))
    dates = {AS_OF - timedelta(days=17): "fit", AS_OF: "test"}
    own = {line["customer_id"]: [e for e in lines if e["customer_id"] == line["customer_id"]] for line in lines}
    expected = {
        (customer, day): {name: plainly(name, seen, oracle.midnight(day)) for name in LABELS}
        for customer, seen in own.items()
        for day in dates
        if oracle.visible(seen, oracle.midnight(day))
    }
    add_batch(warehouse, lines)
    rows = labelled(warehouse.read("events_orders"), list(LABELS.values()), as_ofs=list(dates), limits=LIMITS).collect()
    assert {(row["customer_id"], row["as_of_date"]): {name: row[name] for name in LABELS} for row in rows} == expected
    drawn(11, len(rows))
    build_snapshots(warehouse, SMALL_VIEW, dates=list(dates), limits=LIMITS, run_id="r", built_at=INGESTED)
    for name in ("decline_90d", "spend_90d", "active_90d"):
        request = Request(LABELS[name], FEATURES, dates, split_of(dates), 1)
        built = build_training_set(warehouse, request, limits=LIMITS, run_id="r", built_at=INGESTED)
        asked = {key: labels[name] for key, labels in expected.items() if labels[name] is not None}
        found = {(row["customer_id"], row["as_of_date"]): row[name] for row in built.load_df(warehouse).collect()}
        assert found == asked and len(set(asked.values())) > 1
        assert built.outside_population == len(expected) - len(asked)
