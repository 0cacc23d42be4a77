"""A training set is built again bit for bit from its record, whatever arrived since; or it says why it cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.ingest_runs import reserve
from featurestore.labels import PURCHASE_30D
from featurestore.replay import replay
from featurestore.retraction import retract
from featurestore.snapshots import build_snapshots
from featurestore.training_set import Request, build_training_set
from featurestore.training_set_records import recorded
from featurestore.views import FeatureSet
from models.splits import plan_splits, recorded_plan
from models.training_rows import split_column
from tests.events import INGESTED, add_batch
from tests.small_orders import LIMITS, SMALL_VIEW, random_lines

PLAN = plan_splits(date(2024, 6, 1), horizon_days=30, source_start=date(2023, 1, 1), step_days=84)


def request(plan=PLAN, view=SMALL_VIEW, seed=42):
    return Request(PURCHASE_30D, FeatureSet("few", (view,)), plan.dates, split_column(plan), seed)


@pytest.fixture(scope="module")
def built(spark, tmp_path_factory):
    """Two versions: the second has seen what came late, between and after, the first has not."""
    from featurestore.tables import Warehouse

    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("replay") / "lakehouse"))
    lines = list(random_lines(60, seed=5))
    add_batch(warehouse, lines[::3])
    reserve(warehouse, source="orders", batch_id="interrupted", input_name="test", ingested_at=INGESTED)
    add_batch(warehouse, lines[1::3], batch_seq=3)
    for n in (1, 2):
        if n == 2:
            add_batch(warehouse, lines[2::3], batch_seq=4)
        build_snapshots(warehouse, SMALL_VIEW, dates=PLAN.as_ofs, limits=LIMITS, run_id="r", built_at=INGESTED)
        build_training_set(warehouse, request(), limits=LIMITS, run_id="r", built_at=INGESTED)
    return warehouse, recorded(warehouse, PURCHASE_30D.name)


def test_the_first_version_comes_out_again_although_more_is_known(built):
    warehouse, versions = built
    assert versions[1].unfinished_batches == {"orders": [2]}
    assert versions[1].content_hash != versions[2].content_hash
    plan = recorded_plan(versions[1].as_ofs, horizon_days=30)
    again = replay(warehouse, versions[1], request(plan), limits=LIMITS)
    assert again.table == "training_set_purchase_30d_v1"
    assert again.content_hash == versions[1].content_hash
    assert_df_equality(warehouse.read(again.table), versions[1].load_df(warehouse), ignore_row_order=True)


def test_another_definition_or_seed_is_named(built):
    warehouse, versions = built
    other = replace(SMALL_VIEW, folds=SMALL_VIEW.folds[::-1])
    with pytest.raises(DataContractError, match="view orders is defined otherwise"):
        replay(warehouse, versions[1], request(view=other), limits=LIMITS)
    with pytest.raises(DataContractError, match="seed is defined otherwise"):
        replay(warehouse, versions[1], request(seed=43), limits=LIMITS)


def test_rows_that_are_others_all_the_same_are_found(built):
    warehouse, versions = built
    changed = replace(versions[2], content_hash="0")
    with pytest.raises(DataContractError, match="does not come out again"):
        replay(warehouse, changed, request(), limits=LIMITS)


def test_a_share_of_the_customers_has_the_rows_that_they_have_among_all(built):
    warehouse, versions = built
    asked = replace(request(), customer_share=0.3)
    part = build_training_set(warehouse, asked, limits=LIMITS, run_id="r", built_at=INGESTED)
    rows, whole = part.load_df(warehouse), versions[2].load_df(warehouse)
    drawn = rows.select("customer_id").distinct()
    assert 0 < drawn.count() < 0.6 * whole.select("customer_id").distinct().count()
    assert_df_equality(rows, whole.join(drawn, "customer_id", "left_semi").select(rows.columns), ignore_row_order=True)
    assert recorded(warehouse, PURCHASE_30D.name)[part.version].customer_share == 0.3
    assert replay(warehouse, part, asked, limits=LIMITS).content_hash == part.content_hash
    with pytest.raises(DataContractError, match="share of the customers or seed is defined otherwise"):
        replay(warehouse, part, request(), limits=LIMITS)


def test_a_batch_that_is_gone_is_named(built):
    warehouse, versions = built
    batch_id = warehouse.read("ingest_runs").where(F.col("batch_seq") == 3).first()["batch_id"]
    retract(warehouse, batch_id, retracted_at=INGESTED + timedelta(days=1))
    with pytest.raises(DataContractError, match="batch 3 of orders was taken back"):
        replay(warehouse, versions[1], request(), limits=LIMITS)
