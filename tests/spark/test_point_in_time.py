"""The newest row before an instant: the laws on random tables and spines, against a plain loop, in one Spark job."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from functools import reduce

import pytest
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.point_in_time import AtInstant, Match, newest_rows

T = datetime(2024, 3, 31, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
AGE = timedelta(days=2, microseconds=3)
WHO = ["", "1", "12", "123", "23", "3", "ü'`", None]
SPINE = "case int, `a.b` string, b string, `as of` timestamp, n int, note map<string,int>"
STORED = "case int, left string, right string, at timestamp, value int, text string"
MATCHES = {
    (rule, age): Match((("case", "case"), ("a.b", "left"), ("b", "right")), "as of", "at",
                       {"value": "found value", "at": "found at"}, rule, age)
    for rule in AtInstant for age in (None, AGE)
}  # fmt: skip


def random_cases(cases, seed):
    """Small tables and spines that share few keys and few instants, so that ties and edges are common."""
    chance = random.Random(seed)
    steps = [k * US for k in range(-2, 3)] + [AGE + k * US for k in range(-2, 3)] + [timedelta(days=400)]
    spine, stored = [], {}
    for case in range(cases):
        whom = [chance.choice(WHO) for _ in range(3)]
        for _ in range(chance.choice([0, 1, 4, 9])):
            key = (case, chance.choice(whom), chance.choice(whom), T + chance.choice(steps))
            value = chance.choice([None, 1, 2, 3])
            if chance.random() > 0.05:
                stored[key] = (*key, value, "x")
            elif None not in key[:3]:
                stored[key[:3], "no instant"] = (*key[:3], None, value, "x")
        for n in range(chance.choice([0, 1, 3, 8])):
            as_of = None if chance.random() < 0.1 else T + chance.choice(steps)
            row = (case, chance.choice(whom), chance.choice(whom), as_of, n, {"n": n} if n % 2 else None)
            spine += [row] * chance.choice([1, 1, 2])
    return spine, list(stored.values())


def newest(row, stored, match):
    """What a reader of the contract would do: look at every stored row."""
    *key, as_of, _, _ = row
    best = None
    for *other, at, value, _ in stored:
        if key != other or None in key or as_of is None or at is None:
            continue
        is_before = at < as_of if match.at_instant is AtInstant.BEFORE else at <= as_of
        is_recent = match.max_age is None or as_of - at <= match.max_age
        if is_before and is_recent and (best is None or at > best[1]):
            best = (value, at)
    return best or (None, None)


def plain(rows):
    """Rows as comparable tuples in one order; PySpark hands out instants on the driver's clock."""

    def one(value):
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        return repr(value)

    return sorted(tuple(map(one, row)) for row in rows)


def test_random_spines_read_what_a_plain_loop_reads(spark, drawn):
    spine, stored = random_cases(300, seed=17)
    asked, table = spark.createDataFrame(spine, SPINE), spark.createDataFrame(stored, STORED)
    answers = [
        newest_rows(asked.repartition(parts), table.repartition(7 - parts), match).select("*", F.lit(at).alias("how"))
        for at, match in enumerate(MATCHES.values()) for parts in (1, 5)
    ]  # fmt: skip
    together = reduce(lambda one, other: one.unionAll(other), answers)
    assert together.columns == ["case", "a.b", "b", "as of", "n", "note", "found value", "found at", "how"]
    found = together.collect()
    by_case = {}
    for row in stored:
        by_case.setdefault(row[0], []).append(row)
    hits = 0
    for at, match in enumerate(MATCHES.values()):
        expected = [(*row, *newest(row, by_case.get(row[0], []), match)) for row in spine]
        assert plain(row[:-1] for row in found if row["how"] == at) == plain(expected * 2)
        hits += sum(row[-1] is not None for row in expected)
    assert hits > 300, "cases in which nothing is found prove little"
    drawn(17, len(found))


def test_dates_are_midnights_utc_whatever_the_session_zone(spark):
    asked = spark.createDataFrame([("a", date(2024, 6, 1)), ("a", date(2024, 6, 2))], "k string, as_of date")
    stored = spark.createDataFrame([("a", datetime(2024, 6, 1, tzinfo=UTC), 1)], "k string, at timestamp, value int")
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        rows = newest_rows(asked, stored, Match((("k", "k"),), "as_of", "at", {"value": "value"})).collect()
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)
    assert {row["as_of"]: row["value"] for row in rows} == {date(2024, 6, 1): None, date(2024, 6, 2): 1}


@pytest.mark.parametrize(
    ("spine", "said"),
    [
        ("k bigint, as_of timestamp", "k.* is bigint.*string"),
        ("k string, as_of string", "expected a timestamp"),
        ("k string, as_off timestamp", "Did you mean 'as_off'"),
        ("k string, K string, as_of timestamp", "several columns called k"),
    ],
)
def test_a_spine_that_does_not_fit_is_refused_before_anything_runs(spark, spine, said):
    stored = spark.createDataFrame([], "k string, at timestamp, value int")
    with pytest.raises(DataContractError, match=f"(?s){said}"):
        newest_rows(spark.createDataFrame([], spine), stored, Match((("k", "k"),), "as_of", "at"))
