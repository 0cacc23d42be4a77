"""The order that Spark brings rows into: by customer, then time, whatever the times and however many hashes agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import functions as F

from featurestore import frames
from featurestore.customer_order import TICK_BITS, TIME_BITS, by_customer
from featurestore.definitions import LIFETIME, Aggregate, Feature
from featurestore.fold import FoldPlan, Limits
from tests.properties.test_customer_order import per_customer

TICK = 1 << TICK_BITS
FIRST = (int(datetime(frames.FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 >> TICK_BITS) << TICK_BITS
LAST = FIRST + (TICK << TIME_BITS)
AROUND = [edge + n * TICK + off for edge in (FIRST, LAST) for n in (-1, 0, 1) for off in (-1, 0, 1)]
TIMES = sorted({-(2**63), -62_135_596_800_000_000, -1, 0, 1, *AROUND, 253_402_300_799_999_999, 2**63 - 1})
"""Microseconds: all that a timestamp holds, the years 1 to 9999, and around both ends of the key's range."""


def test_the_key_never_falls_as_time_grows_and_tells_customers_apart(spark):
    rows = spark.createDataFrame([(who, at) for who in ("a", "b", "") for at in [None, *TIMES]], "w string, t bigint")
    keyed = rows.select(F.col("w").alias("customer_id"), F.timestamp_micros("t").alias("event_time"), "t")
    found = keyed.select("customer_id", "t", frames.sort_key().alias("key")).collect()
    hashes = set()
    for who in ("a", "b", ""):
        key = {row["t"]: row["key"] for row in found if row["customer_id"] == who}
        keys = [key[at] for at in [None, *TIMES]]
        assert keys == sorted(keys)
        assert len({k >> TIME_BITS for k in keys}) == 1
        hashes.add(keys[0] >> TIME_BITS)
        low = [key[at] & ((1 << TIME_BITS) - 1) for at in (FIRST - 1, FIRST, FIRST + TICK, LAST - TICK - 1, LAST + 1)]
        assert low[0] == 0 <= low[1] < low[2]
        assert low[3] < low[4] == (1 << TIME_BITS) - 1
    assert len(hashes) == 3


@pytest.fixture(scope="module")
def lines(spark):
    """A few customers with a few times each, some the same, ids in another order."""
    rows = [(f"c{n % 7}", datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=n * 37 % 11), f"{n * 53 % 97:02}", n)
            for n in range(97)]  # fmt: skip
    return spark.createDataFrame(rows, "customer_id string, event_time timestamp, event_id string, n bigint").cache()


@pytest.mark.parametrize("bits", [0, 1, 40])
def test_customers_whose_hashes_agree_are_put_apart(spark, lines, monkeypatch, bits):
    """A mask of fewer bits changes no answer, and rows of a customer come by time and then by id."""
    monkeypatch.setattr(frames, "HASH_MASK", -1 << (64 - bits) if bits else 0)
    folds = (Feature("n_first", Aggregate.FIRST, LIFETIME, "bigint", "", "", measure="n"),
             Feature("n_last", Aggregate.LAST, LIFETIME, "bigint", "", "", measure="n"))  # fmt: skip
    plan = FoldPlan(folds, (), (frames.instant(datetime(2024, 2, 1, tzinfo=UTC).date()),), Limits(2, 10))
    expected: dict[str, list[tuple[object, str, int]]] = {}
    for row in lines.collect():
        expected.setdefault(row["customer_id"], []).append((row["event_time"], row["event_id"], row["n"]))
    numbers = {who: [n for *_, n in sorted(own)] for who, own in expected.items()}
    batches = frames.in_order(lines.coalesce(1), plan).coalesce(1).toArrow().to_batches(max_chunksize=5)
    tables = per_customer(by_customer(batches))
    assert {who: [row["n"] for row in own] for who, own in tables.items()} == numbers
    found = {row["customer_id"]: (row["n_first"], row["n_last"]) for row in frames.folded(lines, plan).collect()}
    assert found == {who: (own[0], own[-1]) for who, own in numbers.items()}
