"""Snapshots kept current: late batches in any order, added features and views that share a pass equal a rebuild."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from chispa import assert_df_equality

from featurestore.definitions import LIFETIME, Derived, Window
from featurestore.derived import difference
from featurestore.errors import DataContractError
from featurestore.snapshot_records import complete_dates
from featurestore.snapshots import build_views, explain_builds, read_snapshots
from featurestore.tables import Warehouse
from featurestore.views import FeatureView
from tests import oracle
from tests.events import INGESTED, add_batch
from tests.small_orders import DATES, LIMITS, ORDERS_VIEW, SMALL_VIEW, build, random_lines

TABLES = ("features_orders", "population_orders")


def assert_equal_tables(one: Warehouse, other: Warehouse, names=TABLES) -> None:
    for name in names:
        assert_df_equality(one.read(name), other.read(name), ignore_row_order=True, ignore_nullable=True)


@pytest.fixture
def clean(spark, tmp_path) -> Warehouse:
    return Warehouse(spark, str(tmp_path / "clean"))


def test_batches_in_any_order_with_builds_between_leave_what_one_build_leaves(warehouse, clean, drawn):
    """Random lines in random batches, mostly small; a build after each, of random dates: repairs and rebuilds."""
    seed = 11
    chance = random.Random(seed)
    lines = [{**line, "event_id": f"{n:05}"} for n, line in enumerate(random_lines(customers=60, seed=seed))]
    customers = sorted({line["customer_id"] for line in lines})
    few = set(chance.sample(customers, 10))
    late = [line for line in lines if line["customer_id"] in few and chance.random() < 0.6]
    many = [line for line in lines if chance.random() < 0.5]
    on_time = [line for line in lines if line not in late and line not in many]
    how = set()
    batches = [on_time, late[::2], [line for line in many if line not in late], late[1::2]]
    for rank, batch in enumerate(batches, start=1):
        add_batch(warehouse, batch, batch_seq=rank)
        built = build(warehouse, chance.sample(DATES, 2) if rank < len(batches) else DATES)
        how |= {name for name in ("folded", "repaired") if getattr(built, name)}
    assert how == {"folded", "repaired"}
    add_batch(clean, lines)
    assert build(clean).repaired == ()
    assert_equal_tables(warehouse, clean)
    drawn(seed, len(lines))


def test_a_repair_folds_the_late_customers_and_copies_the_others(warehouse, clean):
    lines = [{**line, "event_id": f"{n:05}"} for n, line in enumerate(random_lines(customers=30, seed=21))]
    busiest = [name for name, _ in Counter(line["customer_id"] for line in lines).most_common(2)]
    is_late = [line["customer_id"] in busiest and n % 2 == 0 for n, line in enumerate(lines)]
    add_batch(warehouse, [line for line, late in zip(lines, is_late, strict=True) if not late])
    build(warehouse)
    path = warehouse.path("features_orders")
    warehouse.spark.sql(f"update delta.`{path}` set amount_max_365d = -1 where customer_id <> '{busiest[0]}'")
    add_batch(warehouse, [line for line, late in zip(lines, is_late, strict=True) if late], batch_seq=2)

    (planned,) = explain_builds(warehouse, [SMALL_VIEW], dates=DATES)
    assert {one.how for one in planned.dates} <= {"repair", "complete"}
    in_time = [line["event_time"] < oracle.midnight(DATES[-1]) for line in lines]
    late = sum(late and seen for late, seen in zip(is_late, in_time, strict=True))
    assert planned.dates[-1].reason == f"{late} late events of 2 customers before it"
    assert planned.events == sum(in_time)

    built = build(warehouse)
    assert built.repaired[-1] == DATES[-1] and built.folded == ()
    rows = read_snapshots(warehouse, SMALL_VIEW, dates=DATES[-1:]).collect()
    carried = {row["customer_id"] for row in rows if row["amount_max_365d"] == -1}
    assert carried == {row["customer_id"] for row in rows} - set(busiest)
    add_batch(clean, lines)
    build(clean)
    assert_equal_tables_but(warehouse, clean, "amount_max_365d")


def assert_equal_tables_but(one: Warehouse, other: Warehouse, column: str) -> None:
    found, expected = (w.read("features_orders").drop(column) for w in (one, other))
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True)


def test_a_changed_view_keeps_the_values_of_what_has_not_changed(warehouse, clean):
    """Two added, one removed, one changed: the others are copied, at all stored dates, also those not asked for."""
    add_batch(warehouse, list(random_lines(25, seed=31)))
    build(warehouse)
    path = warehouse.path("features_orders")
    warehouse.spark.sql(f"update delta.`{path}` set products_distinct_90d = -1")

    count = next(fold for fold in ORDERS_VIEW.folds if fold.name == "orders_count_30d")
    folds = [fold for fold in SMALL_VIEW.folds if fold.name != "amount_max_365d"]
    added = replace(count, name="orders_count_90d", window=Window(90))
    older = Derived("orders_before_30d", difference, ("orders_count_90d", "orders_count_30d"), "bigint", "orders",
                    "Orders from 90 to 30 days before", "never NULL")  # fmt: skip
    changed = replace(
        SMALL_VIEW,
        folds=(added, *(replace(f, where=()) if f.name == "recency_days" else f for f in folds)),
        derived=(*SMALL_VIEW.derived, older),
    )
    with pytest.raises(DataContractError, match="no complete snapshot"):
        read_snapshots(warehouse, changed, dates=DATES[:1])
    (planned,) = explain_builds(warehouse, [changed], dates=DATES[:1])
    assert [(one.as_of_date, one.how) for one in planned.dates] == [(day, "extend") for day in DATES]
    assert "added orders_count_90d, orders_before_30d; removed amount_max_365d" in planned.dates[0].reason

    built = build(warehouse, DATES[:1], view=changed)
    assert built.extended == tuple(DATES) and built.folded == ()
    assert complete_dates(warehouse, changed) == set(DATES) and complete_dates(warehouse, SMALL_VIEW) == set()
    assert warehouse.read("features_orders").where("products_distinct_90d <> -1").count() == 0, "copied, not folded"

    add_batch(clean, list(random_lines(25, seed=31)))
    build(clean, view=changed)
    assert warehouse.read("features_orders").columns == clean.read("features_orders").columns
    assert_equal_tables_but(warehouse, clean, "products_distinct_90d")
    assert_equal_tables(warehouse, clean, ["population_orders"])
    assert build(warehouse, view=changed).already == tuple(DATES)


def test_views_of_one_source_share_a_pass_and_hold_what_each_alone_holds(warehouse, clean):
    lines = list(random_lines(25, seed=41))
    add_batch(warehouse, lines)
    add_batch(clean, lines)
    fold = next(fold for fold in ORDERS_VIEW.folds if fold.name == "quantity_sum_30d")
    pieces = FeatureView("pieces", "orders", "Pieces", folds=(replace(fold, name="pieces_lifetime", window=LIFETIME),))
    views = [SMALL_VIEW, pieces]
    built = build_views(warehouse, views, dates=DATES, limits=LIMITS, run_id="r", built_at=INGESTED)
    assert {name: one.folded for name, one in built.items()} == {"orders": tuple(DATES), "pieces": tuple(DATES)}
    for view in views:
        build(clean, view=view)
    assert_equal_tables(warehouse, clean, [*TABLES, "features_pieces"])


def test_a_view_of_windows_alone_reads_what_they_reach(warehouse, clean):
    """A customer whose events are older keeps his row, of empty folds: the snapshot before names him."""
    lines = list(random_lines(40, seed=51))
    windows = [
        fold for fold in SMALL_VIEW.folds if fold.window.days and fold.window.days + fold.window.offset_days < 99
    ]
    view = replace(SMALL_VIEW, folds=tuple(windows), derived=(), ranked=(), cell=None, judged=())
    add_batch(warehouse, lines)
    add_batch(clean, lines)
    build(warehouse, DATES[1:2], view=view)
    (planned,) = explain_builds(warehouse, [view], dates=DATES[2:])
    assert planned.events < sum(line["event_time"] < oracle.midnight(DATES[2]) for line in lines) / 2
    build(warehouse, DATES[2:], view=view)
    build(clean, DATES[1:], view=view)
    assert_equal_tables(warehouse, clean, ["features_orders"])
    quiet = read_snapshots(warehouse, view, dates=DATES[2:]).where("products_distinct_90d = 0")
    assert quiet.count() > 0


def test_a_dry_run_names_dates_that_nobody_has_built(warehouse):
    lines = list(random_lines(5, seed=1))
    add_batch(warehouse, lines)
    (planned,) = explain_builds(warehouse, [SMALL_VIEW], dates=[DATES[0], date(2023, 2, 1)])
    assert [(one.how, one.reason) for one in planned.dates] == [("fold", "never built")] * 2
    assert planned.events == sum(line["event_time"].date() < DATES[0] for line in lines)
    assert not warehouse.exists("features_orders")
