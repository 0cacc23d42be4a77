"""Leakage rule G1 on real tables: rows of a training set against events that end at their as-of."""

from __future__ import annotations

from pyspark.sql import functions as F

from featurestore.rebuilding import rebuild_rows
from featurestore.snapshots import read_features
from featurestore.views import FeatureSet
from jobs.benchmarks.planted_leaks import planted, with_leaks
from tests.events import add_batch
from tests.small_orders import DATES, SMALL_VIEW, build, random_lines

FEATURES = FeatureSet("few", (SMALL_VIEW,))
COMPUTED = {one.name for one in SMALL_VIEW.computed}


def test_rows_are_rebuilt_and_a_column_that_knows_more_is_found(warehouse) -> None:
    add_batch(warehouse, list(random_lines(40, seed=3)))
    build(warehouse)
    rows = read_features(warehouse, FEATURES, dates=DATES).cache()
    versions = {"events_orders": warehouse.version("events_orders")}
    asked = {"sample": 30, "seed": 7, "versions": versions, "delays_us": {}}

    sound = rebuild_rows(warehouse, FEATURES, rows, **asked)
    assert set(sound.compared) == COMPUTED and set(sound.compared.values()) == {30}
    assert not sound.different

    # What came later must not matter; what looks ahead must show, in a fold and in what derives from it.
    add_batch(warehouse, list(random_lines(40, seed=4)), batch_seq=2)
    assert not rebuild_rows(warehouse, FEATURES, rows, **asked).different
    unfrozen = rebuild_rows(warehouse, FEATURES, rows, **{**asked, "versions": {}})
    assert unfrozen.different["orders_count_lifetime"] > 0

    ahead = warehouse.read("events_orders", version=versions["events_orders"])
    ahead = ahead.groupBy("customer_id").agg(F.sum("amount").cast("decimal(18,2)").alias("all_time"))
    leaking = rows.join(ahead, "customer_id").withColumn("amount_sum_lifetime", F.col("all_time"))
    found = rebuild_rows(warehouse, FEATURES, leaking, **asked)
    assert set(found.different) == {"amount_sum_lifetime"} and found.different["amount_sum_lifetime"] > 3
    assert "stored Decimal" in found.examples["amount_sum_lifetime"]
    without = rebuild_rows(warehouse, FEATURES, rows.drop("recency_days"), **asked)
    assert "recency_days" not in without.compared

    orders = warehouse.read("events_orders").where("amount > 0").groupBy("customer_id", "order_id")
    orders = orders.agg(F.min("event_time").alias("ordered_at"), F.sum("amount").alias("order_value"))
    leaks = {leak.name: leak for leak in planted()}
    known = rows.withColumn("churn", (F.col("recency_days") > 30).cast("double"))
    table = with_leaks(known, orders, label="churn", leaks=leaks).toPandas()
    assert len(leaks) == 10 and len(table) == rows.count() and set(leaks) <= set(table.columns)
    assert (table.orders_all_time.fillna(0) >= table["orders_all_time__truncated"].fillna(0)).all()
    assert table["future_spend_30d__truncated"].isna().all() and table.future_spend_30d.notna().any()
    assert 0.78 < (table.label_with_noise == table.churn)[table.churn.notna()].mean() < 0.99


def test_a_customer_whom_a_view_never_saw_reads_its_empty_fold(warehouse) -> None:
    add_batch(warehouse, list(random_lines(6, seed=3)))
    build(warehouse)
    one = read_features(warehouse, FEATURES, dates=DATES[-1:]).where("orders_count_lifetime > 0").limit(1)
    stranger = one.withColumn("customer_id", F.lit("stranger"))
    found = rebuild_rows(warehouse, FEATURES, stranger, sample=5, seed=1, versions={}, delays_us={})
    assert found.compared["orders_count_lifetime"] == 1 and found.different["orders_count_lifetime"] == 1
    assert found.examples["orders_count_lifetime"].endswith("rebuilt 0")
