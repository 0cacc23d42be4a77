"""Labels: the horizon starts at as_of, the population is asked before it, immature as-ofs are left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.features import feature_set
from featurestore.fold import Limits
from featurestore.ingest_runs import reserve
from featurestore.labels import CHURN_60D, PURCHASE_30D, labelled
from featurestore.snapshots import build_snapshots
from featurestore.training_set import Request, build_training_set
from jobs.settings import load_settings
from tests.events import INGESTED, add_batch, order_line

LIMITS = Limits(1000, 100_000)
AS_OF = date(2024, 6, 1)
T = datetime(2024, 6, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
FEATURES = feature_set(["orders"], rfm_segments=load_settings().features.rfm_segments)


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
