"""A spine comes back as it was, with every row's features as the oracle has them, however it is partitioned."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from featurestore import frames
from featurestore.definitions import LIFETIME, Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import age, ratio
from featurestore.errors import ConfigurationError
from featurestore.fold import Limits
from featurestore.spine import folded_at
from tests import oracle
from tests.events import order_line

START = datetime(2023, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
LIMITS = Limits(customers_per_fold=64, events_per_fold=500)
SOLD = (Condition("amount", ">", 0),)
MONEY = "decimal(18,2)"
FOLDS = [
    Feature("recency_days", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days", "", where=SOLD),
    *Feature("lines_count", Aggregate.COUNT, LIFETIME, "bigint", "lines", "").over([Window(7), Window(30), LIFETIME]),
    *Feature("amount_sum", Aggregate.SUM, LIFETIME, MONEY, "currency", "", measure="amount").over([Window(90)]),
    Feature("amount_max_365d", Aggregate.MAX, Window(365), MONEY, "currency", "", measure="amount"),
    Feature("orders_distinct_90d", Aggregate.DISTINCT, Window(90), "bigint", "orders", "", measure="order_id"),
    Feature("product_id_mode_lifetime", Aggregate.MODE, LIFETIME, "string", "name", "", measure="product_id"),
]
DERIVED = [
    Derived("mean", ratio, ("amount_sum_90d", "lines_count_30d"), "double", "currency", "", ""),
    Derived("years", age, ("recency_days", "as_of_date"), "double", "years", "", ""),
]


def history(chance):
    """A few hundred customers; a tenth of the lines become known up to 100 days after they happened."""
    for c in range(200):
        for n in range(chance.choice([1, 1, 2, 5, 12, 60])):
            time = START + timedelta(microseconds=chance.randrange(540 * DAY_US))
            lag = timedelta(microseconds=chance.randrange(100 * DAY_US) if chance.random() < 0.1 else 0)
            line = order_line(f"c{c}", time, order_id=f"o{chance.randrange(9)}", product_id=chance.choice("abcd"),
                              amount=Decimal(chance.randrange(-5000, 20000)) / 100)  # fmt: skip
            yield {**line, "event_id": f"{c}-{n}", "known_at": time + lag}


def asked(chance, lines):
    """Exactly at an event, a microsecond off, anywhere; nobody, never, unknown customers, twice the same."""
    for line in chance.sample(lines, 400):
        moved = timedelta(microseconds=chance.choice([-1, 0, 1, -30 * DAY_US, 30 * DAY_US, chance.randrange(DAY_US)]))
        yield line["customer_id"], line["event_time"] + moved
    yield from [(None, START), ("c1", None), (None, None), ("nobody", START + timedelta(days=100))] * 2
    yield from [("c7", START + timedelta(days=200))] * 3


@pytest.fixture(scope="module")
def lines():
    return list(history(random.Random(3)))


@pytest.fixture(scope="module")
def events(spark, lines):
    schema = ("event_id string, customer_id string, event_time timestamp, known_at timestamp, order_id string, "
              "product_id string, amount decimal(18,2)")  # fmt: skip
    names = [field.split()[0] for field in schema.split(", ")]
    return spark.createDataFrame([tuple(line[name] for name in names) for line in lines], schema).localCheckpoint()


@pytest.fixture(scope="module")
def rows(lines):
    return [(n, *row, {"note": str(n)}, [n]) for n, row in enumerate(asked(random.Random(4), lines))]


@pytest.fixture(scope="module")
def spine(spark, rows):
    return spark.createDataFrame(rows, "`row` int, `who is it` string, as_of timestamp, `a.b` map<string,string>, "
                                       "more array<int>").localCheckpoint()  # fmt: skip


def answers(events, spine, **options):
    return folded_at(events, spine, FOLDS, DERIVED, limits=LIMITS, customer="who is it", **options)


@pytest.mark.parametrize("delay", [None, timedelta(0), timedelta(days=3)])
def test_every_row_of_a_spine_has_what_the_oracle_says(events, spine, rows, lines, delay, drawn):
    found = answers(events, spine, decision_delay=delay).toArrow().to_pylist()
    assert len(found) == len(rows)
    drawn(4, len(rows))
    by_customer = {}
    for line in lines:
        by_customer.setdefault(line["customer_id"], []).append(line)
    for row in found:
        n, who, as_of = row["row"], row["who is it"], row["as_of"]
        assert (n, who, as_of, dict(row["a.b"]), row["more"]) == rows[n]
        own = by_customer.get(who, []) if as_of is not None else []
        if delay is not None and as_of is not None:
            own = [line for line in own if line["known_at"] < as_of + delay]
        expected = {fold.name: oracle.fold(own, fold, as_of or oracle.EPOCH) for fold in FOLDS}
        assert {name: row[name] for name in expected} == expected


def test_partitions_and_blocks_change_no_digit(events, spine):
    whole = answers(events, spine, decision_delay=timedelta(0))
    cut = folded_at(events.repartition(7), spine.repartition(5, "more"), FOLDS, DERIVED, limits=Limits(1, 2),
                    customer="who is it", decision_delay=timedelta(0))  # fmt: skip
    shown = [F.array_sort(F.map_entries("`a.b`")).alias("pairs") if name == "a.b" else F.col(f"`{name}`")
             for name in whole.columns]  # fmt: skip
    assert_df_equality(cut.select(*shown), whole.select(*shown), ignore_row_order=True)


def test_a_spine_of_dates_asks_at_midnight(events, spark):
    dates = spark.createDataFrame([("c7", datetime(2023, 7, 20).date())], "`who is it` string, as_of date")  # noqa: DTZ001
    instants = dates.withColumn("as_of", F.col("as_of").cast("timestamp"))
    features = [fold.name for fold in FOLDS]
    assert_df_equality(answers(events, dates).select(*features), answers(events, instants).select(*features))


def test_an_empty_spine_and_empty_events(events, spine):
    assert answers(events, spine.limit(0)).count() == 0
    none = answers(events.limit(0), spine).select(*[fold.name for fold in FOLDS]).distinct().collect()
    assert [row.asDict() for row in none] == [{fold.name: fold.aggregate.empty for fold in FOLDS}]


def test_a_column_of_the_spine_named_as_a_feature_is_refused(events, spine):
    with pytest.raises(ConfigurationError, match="lines_count_7d"):
        answers(events, spine.withColumn("Lines_Count_7d", F.lit(1)))


@pytest.mark.parametrize("bits", [0, 2])
def test_customers_whose_hashes_agree_are_answered_apart(events, spine, rows, monkeypatch, bits):
    whole = {row["row"]: row for row in answers(events, spine, decision_delay=timedelta(0)).collect()}
    monkeypatch.setattr(frames, "HASH_MASK", -1 << (64 - bits) if bits else 0)
    found = answers(events, spine, decision_delay=timedelta(0)).collect()
    assert len(found) == len(rows)
    assert all(row == whole[row["row"]] for row in found)
