"""Places of rows at any instants: by the newest stored population at or before each, as the pure function has it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from featurestore.definitions import Ranked
from featurestore.placing import coarser, newest_population, placed
from featurestore.population import cut_points, placed_at, with_scores

RANKED = (
    Ranked("r", "recency", "", low_is_good=True),
    Ranked("r100", "recency", "", low_is_good=True, parts=100),
    Ranked("m", "money", ""),
    Ranked("m100", "money", "", parts=100),
)
DAYS = [date(2024, 1, 1), date(2024, 2, 1)]
SCHEMA = "customer_id string, as_of_date date, recency double, money decimal(18,2)"


@pytest.fixture(scope="module")
def snapshots(spark):
    rows = [(f"c{n}", day, float(n * (1 + k) % 7), None if n % 5 == 0 else n // 3)
            for k, day in enumerate(DAYS) for n in range(23)]  # fmt: skip
    return spark.createDataFrame(rows, SCHEMA.replace("decimal(18,2)", "bigint")).selectExpr(
        "customer_id", "as_of_date", "recency", "cast(money as decimal(18,2)) money"
    )


@pytest.fixture(scope="module")
def population(snapshots):
    return cut_points(snapshots, RANKED).persist()


def by_hand(row, stored, day):
    def place(ranked):
        cuts = stored.get((day, ranked.feature))
        value = row[ranked.feature]
        chosen = None if cuts is None else coarser(cuts, ranked.parts)
        return placed(None if value is None else float(value), chosen, low_is_good=ranked.low_is_good)

    return {ranked.name: place(ranked) for ranked in RANKED}


def stored_cuts(population):
    return {(row["as_of_date"], row["feature"]): list(row["percentiles"]) for row in population.collect()}


def test_snapshots_are_placed_by_their_own_date(snapshots, population):
    stored = stored_cuts(population)
    rows = with_scores(snapshots, population, ranked=RANKED).collect()
    assert len(rows) == 46 and len({row["m"] for row in rows}) > 3
    for row in rows:
        assert {one.name: row[one.name] for one in RANKED} == by_hand(row, stored, row["as_of_date"])
    fifths = {(row["as_of_date"], row["feature"]): list(row["cutpoints"]) for row in population.collect()}
    assert fifths == {key: coarser(cuts, 5) for key, cuts in stored.items()}


def test_a_spine_is_placed_by_the_newest_population_and_keeps_its_rows(spark, population):
    stored = stored_cuts(population)
    edge = datetime(2024, 2, 1, tzinfo=UTC)
    instants = [
        edge,
        edge - timedelta(microseconds=1),
        edge + timedelta(days=99),
        datetime(2023, 5, 1, tzinfo=UTC),
        None,
    ]
    rows = [(f"c{n}", at, recency, 2) for n, at in enumerate(instants) for recency in (3.0, 3.0, None)]
    spine = spark.createDataFrame(rows, "customer_id string, as_of timestamp, recency double, money int")
    found = placed_at(spine, population, ranked=RANKED).collect()
    assert len(found) == len(rows) and set(found[0].asDict()) == {*spine.columns, *(one.name for one in RANKED)}
    for row in found:
        as_of = None if row["as_of"] is None else row["as_of"].astimezone(UTC)
        day = None if as_of is None else newest_population(DAYS, as_of)
        assert {one.name: row[one.name] for one in RANKED} == by_hand(row, stored, day)
