"""A training set of features as they could have been known, from a history whose every event says when that was."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.fold import FoldPlan
from featurestore.frames import folded, instant
from featurestore.ingest_runs import reserve
from featurestore.labels import PURCHASE_30D
from featurestore.population import among_population, cut_points
from featurestore.replay import replay
from featurestore.snapshots import build_snapshots
from featurestore.tables import Warehouse
from featurestore.training_set import Request, build_training_set
from featurestore.training_set_records import recorded
from featurestore.views import FeatureSet
from featurestore.watermarks import refuse_unknowable
from models.splits import plan_splits
from models.training_rows import split_column
from tests.events import INGESTED, add_batch
from tests.small_orders import LIMITS, SMALL_VIEW, random_lines

PLAN = plan_splits(date(2024, 6, 1), horizon_days=30, source_start=date(2023, 1, 1), step_days=84)
DELAY = timedelta(days=3)
FEATURES = [one.name for one in SMALL_VIEW.features]


def build(warehouse, knowledge="as_known", delay=DELAY):
    request = Request(PURCHASE_30D, FeatureSet("few", (SMALL_VIEW,)), PLAN.dates, split_column(PLAN), 42, knowledge,
                      {"orders": delay})  # fmt: skip
    return request, build_training_set(warehouse, request, limits=LIMITS, run_id="r", built_at=INGESTED)


@pytest.fixture(scope="module")
def warehouse(spark, tmp_path_factory):
    """Half of the events became known up to 90 days after they happened."""
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("known") / "lakehouse"))
    chance = random.Random(1)
    lags = (timedelta(days=chance.choice([0, 0, 1, 3, 40, 90])) for _ in iter(int, 1))
    lines = [
        line | {"known_at": line["event_time"] + lag} for line, lag in zip(random_lines(60, 5), lags, strict=False)
    ]
    add_batch(warehouse, lines)
    return warehouse


def known_by(warehouse, day):
    """The features at `day`, by the sweep over nothing but the events that were known then."""
    until = F.lit(day).cast("timestamp")
    known = (F.col("event_time") < until) & (F.col("known_at") < until + F.lit(DELAY))
    plan = FoldPlan(SMALL_VIEW.folds, SMALL_VIEW.derived, (instant(day),), LIMITS)
    rows = folded(warehouse.read("events_orders").where(known), plan)
    return among_population(rows, cut_points(rows, SMALL_VIEW.ranked), SMALL_VIEW)


def test_features_are_those_of_the_events_known_then_and_labels_those_of_now(warehouse):
    _, built = build(warehouse)
    rows = built.load_df(warehouse).persist()
    key = ["customer_id", "as_of_date"]
    for day in (PLAN.as_ofs[0], PLAN.as_ofs[-1]):
        own = rows.where(F.col("as_of_date") == day).select(*key, *FEATURES)
        expected = known_by(warehouse, day).select(*key, *FEATURES).join(own.select(*key), key, "left_semi")
        assert own.count() > 10
        assert_df_equality(own, expected, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)
    build_snapshots(warehouse, SMALL_VIEW, dates=PLAN.as_ofs, limits=LIMITS, run_id="r", built_at=INGESTED)
    latest = build(warehouse, "latest")[1].load_df(warehouse).persist()
    both = rows.alias("known").join(latest.alias("latest"), key)
    assert both.count() == rows.count() <= latest.count()
    assert both.where(f"known.{PURCHASE_30D.name} != latest.{PURCHASE_30D.name}").isEmpty()
    assert not both.where("known.orders_count_lifetime != latest.orders_count_lifetime").isEmpty()


def test_it_is_recorded_replayed_and_never_changed_by_what_comes_later(warehouse):
    request, first = build(warehouse)
    assert (first.knowledge, first.decision_delays_us) == ("as_known", {"orders": 259_200_000_000})
    assert build(warehouse)[1].reused
    assert not build(warehouse, delay=timedelta(0))[1].reused
    add_batch(warehouse, list(random_lines(60, seed=6)), batch_seq=2)
    again = build(warehouse)[1]
    assert again.version > first.version
    assert again.rows_per_split.keys() == first.rows_per_split.keys()
    features = [built.load_df(warehouse).select("customer_id", "as_of_date", *FEATURES) for built in (first, again)]
    before, after = features
    assert before.join(after, ["customer_id", "as_of_date"], "left_semi").exceptAll(after).isEmpty()
    found = recorded(warehouse, PURCHASE_30D.name)[first.version]
    assert replay(warehouse, found, request, limits=LIMITS).content_hash == first.content_hash


def test_an_as_of_of_which_later_batches_may_still_tell_is_refused(warehouse):
    with pytest.raises(DataContractError, match=r"known of 'orders' is asked at 2024-0.* last batch is of 2024-12-01"):
        build(warehouse, delay=timedelta(days=300))


def test_what_an_interrupted_batch_may_still_tell_is_refused_until_it_is_taken_in(warehouse):
    day, nothing = timedelta(days=1), timedelta(0)
    reserve(warehouse, source="aliases", batch_id="b" * 64, input_name="merged.csv", ingested_at=INGESTED - day)
    refuse_unknowable(warehouse, "orders", newest=INGESTED - day, delay=nothing)
    assert build(warehouse)[1].reused, "all that is asked is of before it"
    with pytest.raises(DataContractError, match=r"(?s)batch b{12} of aliases is of 2024-11-30.*take it back"):
        refuse_unknowable(warehouse, "orders", newest=INGESTED - day, delay=timedelta(microseconds=1))
