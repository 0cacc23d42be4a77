"""A batch that is taken back leaves the tables as if it had never been fed, and may come back if asked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from featurestore import ingest_runs
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.fold import Limits
from featurestore.ingest import ingest
from featurestore.retraction import retract
from featurestore.snapshot_records import complete_dates
from featurestore.snapshots import build_snapshots, read_snapshots
from tests.interrupted import killed_at
from tests.spark.ingest.conftest import NOW, counts, line, shop
from tests.spark.test_snapshots import SMALL_VIEW

FIRST = [line(order="1"), line(order="2", at="2024-03-01 10:00:00")]
WRONG = [line(order="2", at="2024-03-01 10:00:00"), line(order="3", at="2024-03-09 10:00:00"), line(customer="")]
THIRD = [line(order="3", at="2024-03-09 10:00:00"), line(order="4", at="2024-05-01 10:00:00")]
DATES = [date(2024, 2, 1), date(2024, 3, 5), date(2024, 4, 1)]


def build(warehouse):
    return build_snapshots(warehouse, SMALL_VIEW, dates=DATES, limits=Limits(9, 99), run_id="r", built_at=NOW)


@pytest.fixture
def fed(feed, write):
    return [feed(write(*lines, name=f"{n}.csv")) for n, lines in enumerate((FIRST, WRONG, THIRD))]


def test_what_the_batch_brought_is_gone_and_later_dates_are_stale(fed, feed, write, warehouse, rows):
    assert counts(fed[1]) == (3, 1, 1, 1)
    build(warehouse)
    done = retract(warehouse, fed[1].batch_id[:8], retracted_at=NOW + timedelta(days=1))

    assert rows("events_orders", "order_id") == [("1",), ("2",), ("4",)]
    assert rows("quarantine_orders", "batch_id") == []
    assert rows("ingest_runs", "batch_seq", "status") == [("1", "done"), ("2", "retracted"), ("3", "done")]
    assert [one.batch_id for one in done.to_feed_again] == [fed[2].batch_id]
    assert complete_dates(warehouse, SMALL_VIEW) == set(DATES[:2]), "its only event is of 9 March"
    assert build(warehouse).built == (DATES[2],)
    row = read_snapshots(warehouse, SMALL_VIEW, dates=DATES[2:]).first()
    assert row["orders_count_lifetime"] == 2

    # The third file held order 3 too, as a duplicate then: fed again it brings it, in a batch of its own.
    path = write(*THIRD, name="2.csv")
    again = feed(path, ingested_at=NOW + timedelta(days=2))
    assert (again.batch_seq, counts(again)) == (4, (2, 1, 0, 1))
    assert rows("events_orders", "order_id") == [("1",), ("2",), ("3",), ("4",)]
    assert complete_dates(warehouse, SMALL_VIEW) == set(DATES[:2])
    assert counts(feed(path)) == (2, 0, 0, 2), "fed once more it adds nothing"


def test_it_stays_out_unless_it_is_to_be_restored(feed, write, warehouse, rows):
    path = write(*FIRST)
    taken = feed(path)
    for unknown in ("abcdefabcdef", taken.batch_id[:5]):
        with pytest.raises(ConfigurationError, match=taken.batch_id[:12]):
            retract(warehouse, unknown, retracted_at=NOW)
    for _ in range(2):
        retract(warehouse, taken.batch_id, retracted_at=NOW)
    assert rows("events_orders", "order_id") == []
    assert ingest_runs.complete_through(warehouse, "orders") is None
    with pytest.raises(DataContractError, match="--restore"):
        feed(path)

    again = ingest(warehouse, shop(), path, ingested_at=NOW + timedelta(days=1), restore=True)
    assert (again.batch_seq, counts(again)) == (2, (2, 2, 0, 0))
    assert rows("events_orders", "order_id", "batch_seq") == [("1", "2"), ("2", "2")]


def test_interrupted_between_any_two_writes_it_ends_as_a_clean_one(fed, warehouse, rows, monkeypatch):
    build(warehouse)
    for number in range(4):  # each attempt goes one write further than the one before
        with killed_at(monkeypatch, number, after=True):
            retract(warehouse, fed[1].batch_id, retracted_at=NOW + number * timedelta(days=1))
        assert complete_dates(warehouse, SMALL_VIEW) == set(DATES[:2]), "half taken back is no ground to stand on"
    retract(warehouse, fed[1].batch_id, retracted_at=NOW + timedelta(days=9))
    assert rows("events_orders", "order_id") == [("1",), ("2",), ("4",)]
    assert rows("quarantine_orders", "batch_id") == []
    [own] = [one for one in ingest_runs.reports(warehouse, "orders") if one.batch_seq == 2]
    assert (own.status, own.retracted_at, own.first_event_time) == ("retracted", NOW, fed[1].first_event_time)
