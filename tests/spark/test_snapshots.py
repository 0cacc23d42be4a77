"""Snapshots: many random customers in one Spark job against the oracle, idempotence, late data, refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from chispa import assert_df_equality

from featurestore.errors import DataContractError, MissingInput
from featurestore.fold import Limits
from featurestore.ingest_runs import reserve
from featurestore.placing import placed
from featurestore.snapshot_records import complete_dates
from featurestore.snapshots import build_snapshots, read_snapshots
from featurestore.tables import Warehouse
from featurestore.verification import verify_view
from tests import oracle
from tests.events import INGESTED, add_batch, order_line
from tests.small_orders import DATES, LIMITS, ORDERS_VIEW, SMALL_VIEW, START, build, random_lines


def test_random_customers_equal_the_oracle(warehouse, drawn):
    lines = list(random_lines(customers=300, seed=7))
    add_batch(warehouse, lines)
    build(warehouse, view=ORDERS_VIEW)
    found = {
        (r["customer_id"], r["as_of_date"]): r for r in read_snapshots(warehouse, ORDERS_VIEW, dates=DATES).collect()
    }
    for customer in {line["customer_id"] for line in lines}:
        own = [line for line in lines if line["customer_id"] == customer]
        for day in DATES:
            as_of = oracle.midnight(day)
            assert ((customer, day) in found) == oracle.visible(own, as_of)
            if (customer, day) in found:
                row = found[customer, day].asDict()
                expected = {f.name: oracle.fold(own, f, as_of) for f in ORDERS_VIEW.folds}
                assert {name: row[name] for name in expected} == expected
    drawn(7, len(found))


def test_scores_count_the_cut_points_below_and_ties_score_equally(warehouse):
    day = date(2024, 1, 1)
    lines = [
        order_line(f"c{n:02}", START + timedelta(days=d))
        for n, d in enumerate([0, 0, 0, 50, 100, 100, 200, 300, 301, 302])
    ]
    add_batch(warehouse, lines)
    build(warehouse, [day])
    rows = read_snapshots(warehouse, SMALL_VIEW, dates=[day]).orderBy("customer_id").collect()
    recency = sorted(row["recency_days"] for row in rows)
    cuts = [recency[k * len(rows) // 5 - 1] for k in (1, 2, 3, 4)]
    assert [row["r_score"] for row in rows] == [1 + sum(c > row["recency_days"] for c in cuts) for row in rows]
    assert {row["f_score"] for row in rows} == {1}, "everyone has one order: everyone shares the lowest score"
    stored = warehouse.read("population_orders").where("feature = 'recency_days'").first()
    assert stored["cutpoints"] == cuts and stored["n"] == 10
    assert stored["percentiles"] == [recency[-(-k * len(rows) // 100) - 1] for k in range(1, 100)]
    for row in rows:
        assert row["r_score"] == placed(row["recency_days"], stored["cutpoints"], low_is_good=True)
        assert row["recency_percentile"] == placed(row["recency_days"], stored["percentiles"], low_is_good=True)
        risk = (200 - row["recency_percentile"] - row["frequency_percentile"]) / 198
        assert (row["churn_risk_score"], row["high_risk_churn"], row["is_champion"]) == (risk, risk >= 0.8, False)


def test_fewer_customers_than_cut_points(warehouse):
    add_batch(warehouse, [order_line("a", START), order_line("b", START + timedelta(days=9))])
    build(warehouse, [date(2023, 2, 1)])
    cuts = warehouse.read("population_orders").where("feature = 'recency_days'").first()["cutpoints"]
    assert cuts == [22.0, 22.0, 31.0, 31.0]


def test_built_twice_adds_nothing(warehouse):
    add_batch(warehouse, list(random_lines(20, seed=1)))
    build(warehouse)
    version = warehouse.version("features_orders")
    again = build(warehouse)
    assert again.built == () and again.already == tuple(DATES)
    assert warehouse.version("features_orders") == version


def test_late_events_leave_what_on_time_arrival_leaves(warehouse, spark, tmp_path):
    lines = list(random_lines(40, seed=2))
    add_batch(warehouse, lines[::2])
    build(warehouse)
    add_batch(warehouse, lines[1::2], batch_seq=2)
    build(warehouse, DATES[::-1])
    on_time = Warehouse(spark, str(tmp_path / "on_time"))
    add_batch(on_time, lines)
    build(on_time, limits=Limits(1, 1))
    for table in ("features_orders", "population_orders"):
        assert_df_equality(warehouse.read(table), on_time.read(table), ignore_row_order=True, ignore_nullable=True)


def test_an_interrupted_batch_that_ends_after_a_later_one_is_late(warehouse, spark, tmp_path):
    """It keeps its lower rank: the rank does not tell that nobody has seen it."""
    lines = list(random_lines(20, seed=5))
    reserve(warehouse, source="orders", batch_id="orders-1", input_name="test", ingested_at=INGESTED)
    add_batch(warehouse, lines[1::2], batch_seq=2)
    build(warehouse)
    add_batch(warehouse, lines[::2], batch_seq=1)
    assert build(warehouse).built == tuple(DATES)
    on_time = Warehouse(spark, str(tmp_path / "on_time"))
    add_batch(on_time, lines)
    build(on_time)
    for table in ("features_orders", "population_orders"):
        assert_df_equality(warehouse.read(table), on_time.read(table), ignore_row_order=True, ignore_nullable=True)


def test_only_dates_after_its_earliest_event_are_stale_for_a_late_batch(warehouse):
    lines = list(random_lines(10, seed=4))
    add_batch(warehouse, lines)
    build(warehouse)
    edge = oracle.midnight(DATES[1])
    add_batch(warehouse, [order_line("new", edge), order_line("new", edge + timedelta(days=3))], batch_seq=2)
    assert complete_dates(warehouse, SMALL_VIEW) == set(DATES[:2])
    with pytest.raises(DataContractError, match="no complete snapshot at 2024-06-01"):
        read_snapshots(warehouse, SMALL_VIEW, dates=DATES)
    assert build(warehouse).built == (DATES[2],)
    assert build(warehouse).built == ()


def test_one_date_is_replaced_alone(warehouse):
    add_batch(warehouse, list(random_lines(10, seed=3)))
    build(warehouse, DATES[:1])
    build(warehouse, DATES[1:2])
    assert complete_dates(warehouse, SMALL_VIEW) == set(DATES[:2])


def test_a_date_without_snapshot_is_refused_by_name(warehouse):
    add_batch(warehouse, list(random_lines(10, seed=3)))
    build(warehouse, DATES[:1])
    with pytest.raises(DataContractError, match="no complete snapshot at 2024-06-01"):
        read_snapshots(warehouse, SMALL_VIEW, dates=[DATES[0], DATES[2]])


def test_a_relative_warehouse_is_a_folder_of_the_driver(spark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = Warehouse(spark, "./lake")
    add_batch(relative, [order_line("a", START)])
    build(relative, DATES[:1])
    assert (tmp_path / "lake" / "features_orders" / "_delta_log").is_dir()


def test_before_any_ingest_the_message_names_the_job(warehouse):
    with pytest.raises(MissingInput, match="spark-submit.sh ingest"):
        build(warehouse)


def test_a_value_that_is_not_what_the_events_give_is_found(warehouse):
    add_batch(warehouse, list(random_lines(30, seed=5)))
    build(warehouse)
    sound = verify_view(warehouse, SMALL_VIEW, sample=500, seed=1)
    assert sound.compared >= 500 and sound.different == 0
    table = warehouse.path("features_orders")
    warehouse.spark.sql(f"update delta.`{table}` set amount_max_365d = amount_max_365d + 0.01")
    tampered = verify_view(warehouse, SMALL_VIEW, sample=500, seed=1)
    assert tampered.different > 0
    assert {one.feature for one in tampered.shown} == {"amount_max_365d"}


def test_the_catalogue_documents_every_feature(warehouse):
    add_batch(warehouse, [order_line("a", START)])
    build(warehouse, DATES[:1], view=ORDERS_VIEW)
    catalogued = {row["feature"]: row for row in warehouse.read("feature_catalog").collect()}
    stored = set(warehouse.read("features_orders").columns) - {"customer_id", "as_of_date"}
    assert set(catalogued) == stored
    assert all(row["description"] and row["unit"] and row["null_means"] for row in catalogued.values())


def test_another_definition_is_another_generation(warehouse):
    add_batch(warehouse, [order_line("a", START)])
    build(warehouse, DATES[:1])
    smaller = replace(SMALL_VIEW, derived=(), ranked=(), cell=None, judged=())
    assert complete_dates(warehouse, smaller) == set()
    build_snapshots(warehouse, smaller, dates=DATES[:1], limits=LIMITS, run_id="r", built_at=INGESTED)
    assert "overdue_ratio" not in warehouse.read("features_orders").columns
    assert complete_dates(warehouse, SMALL_VIEW) == set()
