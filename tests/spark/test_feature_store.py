"""The public API on one warehouse: tables of users, lookups on them and on views, training sets, batch scoring."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from featurestore.definitions import Ranked
from featurestore.errors import ConfigurationError, DataContractError, MissingInput
from featurestore.features import VIEWS
from featurestore.labels import CHURN_60D, PURCHASE_30D
from featurestore.lookups import FeatureLookup
from featurestore.store import FeatureStore
from models.batch_scorer import batch_scorer
from models.errors import OtherFeatures
from models.heads import PURCHASE
from tests import oracle
from tests.events import INGESTED, add_batch, order_line
from tests.unit.models.bundles import small_bundle

T = datetime(2024, 6, 1, 12, tzinfo=UTC)
US, DAY = timedelta(microseconds=1), timedelta(days=1)
PLACED = [date(2024, 1, 15), date(2024, 6, 1)]
SHAPE = "shop string, customer string, at timestamp, points bigint COMMENT 'Points held', tier string"
LINES = [order_line(c, T + k * DAY, amount=Decimal(n * 10)) for n, c in enumerate("ab", 1) for k in (-40, -3, 0, 20)]


@pytest.fixture(scope="module")
def store(spark, tmp_path_factory):
    """A warehouse with orders and one table of points: nothing that a test does to them may stay."""
    made = FeatureStore(spark, str(tmp_path_factory.mktemp("store") / "lakehouse"))
    add_batch(made.warehouse, LINES, complete_through=T + 30 * DAY)
    made.create_table("points", primary_keys=["shop", "customer"], timestamp_key="at", schema=SHAPE,
                      description="Loyalty points")  # fmt: skip
    made.write_table("points", frame(spark, [("1", "a", T - DAY, 5, "gold"), ("1", "a", T, 6, None)]))
    return made


def frame(spark, rows):
    return spark.createDataFrame(rows, SHAPE)


def spine_of(spark, rows):
    return spark.createDataFrame(rows, "shop string, customer_id string, as_of timestamp, bought double")


def contents(store, name="points"):
    return sorted(tuple(row) for row in store.read_table(name).drop("at").collect())


def test_merge_replaces_known_keys_and_adds_others_and_overwrite_leaves_only_its_rows(store, spark):
    store.create_table("ledger", primary_keys="customer", timestamp_key="at", at_instant="at_or_before",
                       df=frame(spark, [("1", "a", T, 1, "x"), ("1", "b", T, 2, "x")]))  # fmt: skip
    version = store.write_table("ledger", frame(spark, [("2", "a", T, 9, None), ("2", "a", T + US, 3, "y")]))
    assert contents(store, "ledger") == [("1", "b", 2, "x"), ("2", "a", 3, "y"), ("2", "a", 9, None)]
    store.write_table("ledger", frame(spark, [("2", "a", T, 9, None)]))
    assert len(contents(store, "ledger")) == 3, "the same rows again change nothing"
    store.write_table("ledger", frame(spark, [("3", "c", T, 1, "z")]), mode="overwrite")
    assert contents(store, "ledger") == [("3", "c", 1, "z")]
    assert store.read_table("ledger", version=version).count() == 3


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("1", "a", T, 1, "x"), ("1", "a", T, 2, "y")], r"customer=a.*\(2 rows\)"),
        ([(None, "a", T, 1, "x")], "shop=None"),
        ([("1", "a", None, 1, "x")], "at=None"),
    ],
)
def test_keys_that_are_null_or_stand_twice_are_refused_and_nothing_is_written(store, spark, rows, said):
    version = store.warehouse.version("points")
    with pytest.raises(DataContractError, match=f"(?s){said}.*Nothing was written"):
        store.write_table("points", frame(spark, [("9", "fine", T, 1, "x"), *rows]))
    assert store.warehouse.version("points") == version


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lambda df: df.drop("tier"), "'tier' is missing"),
        (lambda df: df.withColumn("more", F.lit(1)), "has not: more"),
        (lambda df: df.withColumn("points", F.lit(1)), "'points' is int; the table has bigint"),
    ],
)
def test_frames_of_another_shape_are_refused(store, spark, rows, said):
    with pytest.raises(DataContractError, match=said):
        store.write_table("points", rows(frame(spark, [])))


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("orders", {}, "a view"),
        ("events_mine", {}, "Tessera's own"),
        ("points", {"at_instant": "at_or_before"}, "(?s)declared otherwise.*at_or_before"),
        ("new", {"primary_keys": ["costumer"]}, "Did you mean 'customer'"),
        ("new", {"primary_keys": []}, "one or more primary keys"),
        ("new", {"timestamp_key": "tier"}, "expected timestamp or date"),
        ("new", {"schema": "shop string, customer double, at timestamp"}, "equal or not"),
        ("new", {"schema": "shop string, customer string, at timestamp, `a b` int"}, "'a b'"),
        ("new", {"at_instant": "after"}, "Valid names|Did you mean"),
    ],
)
def test_declarations_that_cannot_be_are_refused(store, name, more, said):
    asked = {"primary_keys": ["shop", "customer"], "timestamp_key": "at", "schema": SHAPE, **more}
    with pytest.raises(ConfigurationError, match=said):
        store.create_table(name, **asked)


def test_another_session_reads_keys_rule_and_comments_from_the_table_itself(store, spark):
    again = FeatureStore(spark, store.warehouse.root)
    again.create_table("points", primary_keys=["shop", "customer"], timestamp_key="at", schema=SHAPE)
    table = store.warehouse.declared("points")
    assert table.comment == "Loyalty points"
    assert {column.name: column.comment for column in table.columns}["points"] == "Points held"
    with pytest.raises(MissingInput, match="create_table"):
        again.read_table("pints")
    with pytest.raises(DataContractError, match="not made by create_table"):
        again.read_table("ingest_runs")


SPINE = [("1", "a", T, 1.0), ("1", "a", T + US, 0.0), ("1", "a", T + US, 0.0), ("1", "nobody", T, 1.0),
         (None, "b", T, 0.0), ("1", None, T, 0.0), ("1", "b", None, 1.0)]  # fmt: skip
LOOKUPS = [
    FeatureLookup("points", ["points", "tier"], lookup_key=["shop", "customer_id"], rename={"tier": "level"}),
    FeatureLookup("orders", ["orders_count_30d", "amount_sum_lifetime", "frequency"]),
    FeatureLookup("orders", ["orders_count_30d"], rename={"orders_count_30d": "again"}),
]


def test_one_training_set_from_a_table_and_views_with_a_folded_label(store, spark):
    made = store.create_training_set(spine_of(spark, SPINE), LOOKUPS, label=PURCHASE_30D, exclude_columns=["bought"])
    rows = made.load_df().collect()
    assert made.load_df().columns == ["shop", "customer_id", "as_of", "points", "level", "orders_count_30d",
                                      "amount_sum_lifetime", "frequency", "again", "purchase_30d"]  # fmt: skip
    assert len(rows) == len(SPINE)
    folds = {one.name: one for one in VIEWS["orders"].folds}
    for row in rows:
        as_of = row["as_of"] and row["as_of"].astimezone(UTC)
        own = [line for line in LINES if line["customer_id"] == row["customer_id"]] if as_of else []
        at = as_of or oracle.EPOCH
        assert row["orders_count_30d"] == row["again"] == oracle.fold(own, folds["orders_count_30d"], at)
        assert row["amount_sum_lifetime"] == oracle.fold(own, folds["amount_sum_lifetime"], at)
        newest = (
            {T: (5, "gold"), T + US: (6, None)}.get(as_of) if (row["shop"], row["customer_id"]) == ("1", "a") else None
        )
        assert (row["points"], row["level"]) == (newest or (None, None)), "the newest row counts, its NULL too"
        later = [line for line in own if at <= line["event_time"] < at + 30 * DAY]
        is_asked = bool(own) and at <= T
        assert row["purchase_30d"] == (float(bool(later)) if is_asked else None), "NULL where the horizon is not over"


@pytest.mark.parametrize(
    ("spine", "said"),
    [
        ("customer_id string, asof timestamp", "Did you mean 'asof'"),
        ("customer string, as_of timestamp", "'customer_id' is missing"),
        ("customer_id bigint, as_of timestamp", "customers are strings"),
        ("customer_id string, as_of timestamp_ntz", "expected a timestamp"),
    ],
)
def test_spines_that_a_view_cannot_be_asked_for_are_refused(store, spark, spine, said):
    with pytest.raises(DataContractError, match=said):
        store.create_training_set(spark.createDataFrame([], spine), [FeatureLookup("orders", ["frequency"])])


def test_a_training_set_is_rebuilt_from_its_record_whatever_has_been_written_since(spark, tmp_path):
    store = FeatureStore(spark, str(tmp_path / "lakehouse"))
    add_batch(store.warehouse, LINES, complete_through=T + 30 * DAY)
    store.create_table("points", primary_keys=["shop", "customer"], timestamp_key="at",
                       df=frame(spark, [("1", "a", T - DAY, 5, "gold")]))  # fmt: skip
    # A column named like a feature that others are computed from, and the label too, takes part in nothing.
    spine = spine_of(spark, SPINE).withColumnRenamed("bought", "orders_count_lifetime")
    made = store.create_training_set(spine, LOOKUPS[:2], label=PURCHASE_30D)
    rows, spec = sorted(map(str, made.load_df().collect())), json.loads(made.to_json())
    store.write_table("points", frame(spark, [("1", "a", T - US, 7, "lead")]))
    add_batch(store.warehouse, [order_line("a", T - DAY), order_line("a", T + DAY)], batch_seq=2,
              complete_through=T + 90 * DAY)  # fmt: skip
    again = store.rebuild_training_set(spine, spec, label=PURCHASE_30D)
    assert sorted(map(str, again.load_df().collect())) == rows
    assert again.spec == spec
    assert (
        sorted(map(str, store.create_training_set(spine, LOOKUPS[:2], label=PURCHASE_30D).load_df().collect())) != rows
    )
    with pytest.raises(DataContractError, match="made with label 'purchase_30d'"):
        store.rebuild_training_set(spine, spec, label=CHURN_60D)
    with pytest.raises(ConfigurationError, match="give the same, or none"):
        store.rebuild_training_set(spine, spec)


def test_the_record_replays_the_lookups_for_scoring_and_refuses_other_meanings(store, spark):
    made = store.create_training_set(spine_of(spark, SPINE), LOOKUPS[:2], label="bought")
    spec = json.loads(made.to_json())
    assert [(list(one["versions"]), one["features"]) for one in spec["lookups"]] == [
        (["points"], ["points", "tier"]), (["events_orders"], list(LOOKUPS[1].features))
    ]  # fmt: skip
    bundle = small_bundle(PURCHASE, features=("points", "orders_count_30d"))
    scorer = batch_scorer(bundle, feature_fingerprint=bundle.feature_fingerprint)
    scored = store.score_batch(scorer, spine_of(spark, SPINE[:3]), spec=spec)
    rows = scored.collect()
    assert len(rows) == 3 and all(0 < row["prediction"] < 1 for row in rows)
    with pytest.raises(OtherFeatures):
        store.score_batch(
            batch_scorer(bundle, feature_fingerprint=made.feature_fingerprint), scored, spec=spec | {"lookups": []}
        )
    spec["lookups"][0]["fingerprint"] = "of other days"
    with pytest.raises(DataContractError, match="'points' is defined otherwise"):
        store.score_batch(scorer, scored, spec=spec)


@pytest.mark.parametrize(
    ("lookups", "more", "said"),
    [
        ([FeatureLookup("orders", ["frequency"])] * 2, {}, "lookup 1 on 'orders' and lookup 2 on 'orders'"),
        ([FeatureLookup("point")], {}, "unknown feature table or view 'point'"),
        ([FeatureLookup("orders", max_age=DAY)], {}, "nothing in it has an age"),
        ([FeatureLookup("orders", ["purchase_count", "orders_count_lifetime"])], {}, "one feature by two names"),
        (
            [FeatureLookup("points", lookup_key="customer_id")],
            {},
            "names 1 columns; the table has the keys shop, customer",
        ),
        (LOOKUPS[:1], {"knowledge": "as_known"}, "not when they were known"),
        (LOOKUPS[:1], {"knowledge": "as_knwon"}, "Did you mean 'as_known'"),
        (LOOKUPS[:1], {"label": "bougth"}, "Did you mean 'bought'"),
        (LOOKUPS[:1], {"exclude_columns": ["tiers"]}, "in exclude_columns"),
    ],
)
def test_training_sets_that_cannot_be_are_refused_before_anything_runs(store, spark, lookups, more, said):
    with pytest.raises(ConfigurationError, match=said):
        store.create_training_set(spine_of(spark, SPINE), lookups, **more)


def test_a_lookup_at_midnight_is_the_snapshot_places_among_the_population_included(spark, tmp_path):
    store = FeatureStore(spark, str(tmp_path / "lakehouse"))
    lines = [order_line(f"c{n}", T - k * DAY * (n + 1)) for n in range(9) for k in (1, 30)]
    add_batch(store.warehouse, lines)
    orders = VIEWS["orders"]
    store.register(replace(
        orders, name="buyers", derived=(), judged=(), aliases=(("days_quiet", "recency_days"),),
        folds=tuple(one for one in orders.folds if one.name in ("recency_days", "orders_count_30d")),
        ranked=(Ranked("often", "orders_count_30d", ""), *[one for one in orders.ranked if one.name == "r_score"]),
    ))  # fmt: skip
    lookup = FeatureLookup("buyers", ["days_quiet", "orders_count_30d", "often", "r_score"])
    spine = spark.createDataFrame(
        [(f"c{n}", day) for n in range(10) for day in PLACED], "customer_id string, as_of date"
    )
    with pytest.raises(MissingInput, match="build_features --view buyers"):
        store.create_training_set(spine, [lookup])
    store.build_features("buyers", dates=PLACED, run_id="r", built_at=INGESTED)
    found = {tuple(row)[:2]: tuple(row)[2:] for row in store.create_training_set(spine, [lookup]).load_df().collect()}
    stored = store.read_features("buyers", dates=PLACED).select("customer_id", "as_of_date", "recency_days",
                                                                "orders_count_30d", "often", "r_score")  # fmt: skip
    expected = {tuple(row)[:2]: tuple(row)[2:] for row in stored.collect()}
    assert {places for *_, places in expected.values()} == {1, 2, 3, 4, 5}
    assert found == {key: expected.get(key, (None, 0, None, None)) for key in found}, (
        "no event yet: the empty fold, no place"
    )
    between = spark.createDataFrame([("c0", T), ("c0", T - 400 * DAY)], "customer_id string, as_of timestamp")
    late, early = store.create_training_set(between, [lookup]).load_df().orderBy(F.desc("as_of")).collect()
    assert late["r_score"] == 5 and early["r_score"] is None, "placed by the newest date before the instant"
    with pytest.raises(ConfigurationError, match="cut points"):
        store.create_training_set(between, [lookup], knowledge="as_known").load_df()


def test_as_known_answers_from_what_had_been_ingested_and_refuses_what_may_still_come(store, spark):
    asked = spine_of(spark, [("1", "a", T, 1.0)])
    lookup = FeatureLookup("orders", ["orders_count_lifetime"])
    known = store.create_training_set(asked, [lookup], knowledge="as_known").load_df().first()
    assert known["orders_count_lifetime"] == 0, "the batch came half a year later"
    late = spine_of(spark, [("1", "a", datetime(2024, 12, 1, tzinfo=UTC) + US, 1.0)])
    with pytest.raises(DataContractError, match="last batch is of 2024-12-01"):
        store.create_training_set(late, [lookup], knowledge="as_known")
