"""Ids that are one person: features over both ids' events, from the alias on, in snapshots, spines and replays."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from featurestore.alias_table import events_of_persons
from featurestore.errors import DataContractError
from featurestore.known_then import folded_as_known
from featurestore.labels import PURCHASE_30D
from featurestore.lookups import FeatureLookup
from featurestore.replay import replay
from featurestore.retraction import retract
from featurestore.snapshot_records import among, complete_dates
from featurestore.snapshots import build_snapshots, explain_builds, read_snapshots
from featurestore.spine import folded_at
from featurestore.store import FeatureStore
from featurestore.tables import Warehouse
from featurestore.training_set import Request, build_training_set
from featurestore.training_set_records import recorded
from featurestore.verification import verify_view
from featurestore.views import FeatureSet
from jobs.score import keep_latest
from jobs.score_tables import LATEST, SCORES
from models.splits import plan_splits, recorded_plan
from models.training_rows import split_column
from tests import oracle
from tests.aliases import DAY, declare, person_of
from tests.events import INGESTED, add_batch, order_line
from tests.small_orders import DATES, LIMITS, SMALL_VIEW, build, random_lines
from tests.spark.test_keeping_snapshots import assert_equal_tables
from tests.spark.test_spine import DERIVED, FOLDS, START, asked, history

PATHS = "alias_id string, customer_id string, known_at timestamp, links int, batch_seqs array<bigint>"


def numbered(lines):
    return [{**line, "event_id": f"{n:05}"} for n, line in enumerate(lines)]


def told(lines, links):
    return [{**line, "customer_id": person_of(line["customer_id"], links)} for line in lines]


def links_of(pairs):
    return {alias: (customer, INGESTED) for alias, customer in pairs}


def random_pairs(chance, customers):
    """Aliases without circles: each of some later customer, in random order, so that they lead on."""
    ids = chance.sample(customers, len(customers))
    few = chance.sample(range(len(ids) - 1), len(ids) // 3)
    pairs = [(ids[n], ids[chance.randrange(n + 1, min(n + 6, len(ids)))]) for n in few]
    return chance.sample(pairs, len(pairs))


def test_aliases_in_any_order_with_late_events_between_leave_what_a_build_over_persons_leaves(
    warehouse, spark, tmp_path
):
    """The rebuild shares nothing with aliases: its events were told under persons by plain Python."""
    chance = random.Random(61)
    lines = numbered(random_lines(customers=60, seed=61))
    customers = sorted({line["customer_id"] for line in lines})
    pairs = random_pairs(chance, customers)
    late = [line for line in lines if chance.random() < 0.02]
    add_batch(warehouse, [line for line in lines if line not in late])
    build(warehouse)
    few, many = pairs[:3], pairs[3:]
    declare(warehouse, few, name="few.csv")
    (planned,) = explain_builds(warehouse, [SMALL_VIEW], dates=DATES)
    assert planned.dates[-1].how == "repair" and "3 new aliases of" in planned.dates[-1].reason
    built = build(warehouse, DATES[1:])
    assert built.repaired == tuple(DATES[1:]) and not built.folded
    add_batch(warehouse, late, batch_seq=2)
    declare(warehouse, many, name="many.csv")
    assert DATES[-1] in build(warehouse).folded, "too many to repair"
    assert complete_dates(warehouse, SMALL_VIEW) == set(DATES)

    clean = Warehouse(spark, str(tmp_path / "clean"))
    add_batch(clean, told(lines, links_of(pairs)))
    build(clean)
    assert_equal_tables(warehouse, clean)
    rows = read_snapshots(warehouse, SMALL_VIEW, dates=DATES[-1:])
    assert rows.where(F.col("customer_id").isin([alias for alias, _ in pairs])).count() == 0
    assert verify_view(warehouse, SMALL_VIEW, sample=400, seed=1).different == 0


def test_only_dates_after_the_first_event_of_an_alias_are_stale_and_taking_it_back_undoes_it(warehouse):
    lines = [order_line("new", datetime(2023, 1, 5, tzinfo=UTC)), order_line("old", datetime(2023, 3, 1, tzinfo=UTC))]
    lines += [order_line(f"c{n}", datetime(2023, 2, 1, tzinfo=UTC)) for n in range(20)]
    days = [date(2023, 2, 15), date(2023, 3, 1), date(2023, 3, 2)]
    add_batch(warehouse, numbered(lines))
    build(warehouse, days)
    apart = warehouse.read("features_orders").localCheckpoint()
    report = declare(warehouse, [("old", "new"), ("stranger", "c1")])
    assert complete_dates(warehouse, SMALL_VIEW) == set(days[:2])
    with pytest.raises(DataContractError, match="no complete snapshot at 2023-03-02"):
        read_snapshots(warehouse, SMALL_VIEW, dates=days)
    (planned,) = explain_builds(warehouse, [SMALL_VIEW], dates=days)
    assert [(one.how, one.reason) for one in planned.dates] == [
        ("complete", "left alone"), ("complete", "left alone"), ("repair", "2 new aliases of 4 customers"),
    ]  # fmt: skip
    assert build(warehouse, days).repaired == (days[2],)
    row = read_snapshots(warehouse, SMALL_VIEW, dates=days[2:]).where("customer_id = 'new'").first()
    assert row["orders_count_lifetime"] == 2

    # An earlier event of the alias arrives late: another date has seen the alias, and must forget it.
    late = {**order_line("old", datetime(2023, 2, 10, tzinfo=UTC)), "event_id": "late"}
    add_batch(warehouse, [late], batch_seq=2)
    build(warehouse, days)
    retract(warehouse, report.batch_id, retracted_at=INGESTED + DAY)
    assert complete_dates(warehouse, SMALL_VIEW) == set()
    (planned,) = explain_builds(warehouse, [SMALL_VIEW], dates=days)
    assert {one.reason for one in planned.dates} == {"batch 1 of aliases taken back"}
    assert build(warehouse, days).folded == tuple(days)
    names, is_other = ["customer_id", "as_of_date", "orders_count_lifetime", "recency_days"], "customer_id <> 'old'"
    found = warehouse.read("features_orders").where(is_other).select(*names)
    expected = apart.where(is_other).select(*names)
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True)


@pytest.mark.parametrize("delay", [None, timedelta(0), timedelta(days=30)])
def test_a_spine_reads_the_person_by_what_was_known_and_comes_back_as_it_was(spark, delay):
    """Random histories, links known at random instants (some leading on), askings at them and a microsecond off."""
    chance = random.Random(7)
    lines = [line for line in history(chance) if int(line["customer_id"][1:]) < 60]
    pairs = random_pairs(chance, sorted({line["customer_id"] for line in lines}))
    known = [START + timedelta(days=chance.randrange(540)) for _ in pairs]
    links = {alias: (customer, at) for (alias, customer), at in zip(pairs, known, strict=True)}
    askings = [*asked(chance, lines)]
    us = timedelta(microseconds=1)
    askings += [(who, at - (delay or timedelta(0)) + off * us)
                for who, (_, at) in links.items() for off in (0, 1)]  # fmt: skip
    events = frame_of(spark, lines)
    spine = spark.createDataFrame([(n, *row) for n, row in enumerate(askings)],
                                  "n int, customer_id string, as_of timestamp")  # fmt: skip
    paths = spark.createDataFrame(paths_of(links), PATHS)
    found = folded_at(events, spine, FOLDS, DERIVED, limits=LIMITS, decision_delay=delay, aliases=paths).collect()
    assert sorted((row["n"], row["customer_id"]) for row in found) == [(n, who) for n, (who, _) in enumerate(askings)]
    for row in found:
        who, as_of = askings[row["n"]]
        until = None if delay is None or as_of is None else as_of + delay
        own = []
        if who is not None and as_of is not None:
            person = person_of(who, links, before=until)
            own = [line for line in lines if person_of(line["customer_id"], links, before=until) == person]
            own = own if until is None else [line for line in own if line["known_at"] < until]
        expected = {fold.name: oracle.fold(own, fold, as_of or oracle.EPOCH) for fold in FOLDS}
        assert {name: row[name] for name in expected} == expected, (who, as_of)


def test_all_customers_as_they_were_known_are_the_persons_of_then(spark, drawn):
    """What a training set as known is made of: a row for each person of that day, by what was known of both ids."""
    chance, delay = random.Random(19), timedelta(days=3)
    lines = [line for line in history(chance) if int(line["customer_id"][1:]) < 60]
    ids = sorted({line["customer_id"] for line in lines})
    links = {alias: (customer, START + timedelta(days=chance.randrange(540)))
             for alias, customer in random_pairs(chance, ids)}  # fmt: skip
    days = [date(2023, 5, 1), date(2023, 12, 1), date(2024, 6, 1)]
    view = replace(SMALL_VIEW, folds=tuple(FOLDS), derived=tuple(DERIVED), ranked=(), judged=())
    paths = spark.createDataFrame(paths_of(links), PATHS)
    found = folded_as_known(frame_of(spark, lines), view, days=days, delay=delay, limits=LIMITS, aliases=paths)
    rows = {(row["customer_id"], row["as_of_date"]): row for row in found.collect()}
    expected = {}
    for day in days:
        as_of = oracle.midnight(day)
        for line in lines:
            if line["event_time"] < as_of and line["known_at"] < as_of + delay:
                person = person_of(line["customer_id"], links, before=as_of + delay)
                expected.setdefault((person, day), []).append(line)
    assert rows.keys() == expected.keys()
    for (person, day), own in expected.items():
        wanted = {fold.name: oracle.fold(own, fold, oracle.midnight(day)) for fold in FOLDS}
        assert {name: rows[person, day][name] for name in wanted} == wanted, (person, day)
    drawn(19, len(rows))


def frame_of(spark, lines):
    schema = ("event_id string, customer_id string, event_time timestamp, known_at timestamp, order_id string, "
              "product_id string, amount decimal(18,2)")  # fmt: skip
    names = [field.split()[0] for field in schema.split(", ")]
    return spark.createDataFrame([tuple(line[name] for name in names) for line in lines], schema)


def paths_of(links):
    """Each way from an alias, by following the links one by one."""
    for alias in links:
        customer, since, count = alias, datetime.min.replace(tzinfo=UTC), 0
        while customer in links:
            customer, known = links[customer]
            since, count = max(since, known), count + 1
            yield alias, customer, since, count, [1]


T = datetime(2024, 6, 1, 12, tzinfo=UTC)


def test_lookups_read_the_person_rebuild_what_they_recorded_and_keep_what_was_known(warehouse, spark):
    lines = [order_line("a", T), order_line("b", T + DAY), order_line("c", T)]
    add_batch(warehouse, lines, complete_through=T + 90 * DAY)
    add_batch(warehouse, [], batch_seq=2)
    store = FeatureStore(spark, warehouse.root)
    spine = spark.createDataFrame([("a", T + 2 * DAY), ("b", T + 2 * DAY), ("b", T), (None, T), ("x", T)] * 2,
                                  "customer_id string, as_of timestamp")  # fmt: skip
    lookups = [FeatureLookup("orders", ["orders_count_lifetime", "recency_days"])]

    def rows(made):
        return sorted(map(tuple, made.load_df().collect()), key=repr)

    def knowing(micros):
        """What was known just before that many microseconds after the first batch, at the latest of the instants."""
        delay = INGESTED - T - 2 * DAY + timedelta(microseconds=micros)
        return rows(store.create_training_set(spine, lookups, knowledge="as_known", decision_delay=delay))

    before = store.create_training_set(spine, lookups, label=PURCHASE_30D)
    first, answered = rows(before), knowing(1)
    assert {row[2] for row in answered} == {0, 1}
    assert "customer_aliases" not in before.to_json()
    declare(warehouse, [("b", "a")])

    now = store.create_training_set(spine, lookups, label=PURCHASE_30D)
    counts = {(row[0], row[1]): row[2] for row in rows(now)}
    midday = T.replace(tzinfo=None)
    assert counts == {("a", midday + 2 * DAY): 2, ("b", midday + 2 * DAY): 2, ("b", midday): 0, (None, midday): 0,
                      ("x", midday): 0}  # fmt: skip
    labels = {(row[0], row[1]): row[4] for row in rows(now)}
    assert labels["b", midday + 2 * DAY] == labels["a", midday + 2 * DAY] == 0.0
    assert rows(store.rebuild_training_set(spine, before.spec, label=PURCHASE_30D)) == first
    assert rows(store.rebuild_training_set(spine, now.spec, label=PURCHASE_30D)) == rows(now)
    for seq in (3, 4):
        add_batch(warehouse, [], batch_seq=seq)
    assert knowing(1) == answered, "an answer given stays"
    assert {row[:3] for row in knowing(3)} >= {(who, midday + 2 * DAY, 2) for who in "ab"}, "the alias is known now"


def test_a_training_set_built_before_or_between_aliases_is_replayed_bit_for_bit(warehouse):
    plan = plan_splits(date(2024, 6, 1), horizon_days=30, source_start=date(2023, 1, 1), step_days=84)

    def request(of=plan):
        return Request(PURCHASE_30D, FeatureSet("few", (SMALL_VIEW,)), of.dates, split_column(of), 42)

    def made():
        build_snapshots(warehouse, SMALL_VIEW, dates=plan.as_ofs, limits=LIMITS, run_id="r", built_at=INGESTED)
        return build_training_set(warehouse, request(), limits=LIMITS, run_id="r", built_at=INGESTED)

    add_batch(warehouse, numbered(random_lines(40, seed=5)), complete_through=INGESTED)
    made()
    declare(warehouse, [("c1", "c2"), ("c3", "c4")], name="1.csv")
    second = made()
    assert made().reused
    report = declare(warehouse, [("c2", "c5")], name="2.csv")
    third = made()
    assert len({one.content_hash for one in recorded(warehouse, PURCHASE_30D.name).values()}) == 3
    assert (second.batch_seqs["aliases"], third.batch_seqs["aliases"]) == (1, 2)
    versions = recorded(warehouse, PURCHASE_30D.name)
    for version in (1, 2, 3):
        of = recorded_plan(versions[version].as_ofs, horizon_days=30)
        assert replay(warehouse, versions[version], request(of), limits=LIMITS).content_hash == (
            versions[version].content_hash
        )
    retract(warehouse, report.batch_id, retracted_at=INGESTED + DAY)
    assert made().content_hash == second.content_hash
    with pytest.raises(DataContractError, match="batch 2 of aliases was taken back"):
        replay(warehouse, versions[3], request(), limits=LIMITS)
    assert replay(warehouse, versions[2], request(), limits=LIMITS).content_hash == second.content_hash


def test_without_aliases_nothing_is_joined(warehouse):
    add_batch(warehouse, [order_line("a", T)])
    plain = warehouse.read("events_orders")
    assert events_of_persons(warehouse, "orders").sameSemantics(plain)
    report = declare(warehouse, [("b", "a")])
    retract(warehouse, report.batch_id, retracted_at=INGESTED + DAY)
    assert events_of_persons(warehouse, "orders").sameSemantics(plain)


def test_an_alias_leaves_the_latest_scores(warehouse):
    def score(day, *customers):
        schema = ", ".join(f"{column.name} {column.type}" for column in SCORES.columns)
        rows = [{"customer_id": customer, "as_of_date": day} for customer in customers]
        warehouse.replace(SCORES, warehouse.spark.createDataFrame(rows, schema), where=among([day]))
        keep_latest(warehouse, day)
        return sorted(row["customer_id"] for row in warehouse.read(LATEST.name).collect())

    assert score(DATES[0], "a", "b", "c") == ["a", "b", "c"]
    declare(warehouse, [("b", "a")])
    assert score(DATES[1], "a") == ["a", "c"]
