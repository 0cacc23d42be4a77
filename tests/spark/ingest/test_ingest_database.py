"""Tables of a PostgreSQL server: what is read, what is new the next time, and what a fault on the way leaves."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from featurestore.database import Credentials
from featurestore.database_address import address
from featurestore.database_intake import ingest_table
from featurestore.errors import ConfigurationError, DataContractError, EnvironmentProblem
from featurestore.retraction import retract
from jobs.benchmarks.postgres_server import PASSWORD, USER
from tests.interrupted import killed_at
from tests.spark.ingest.conftest import NOW, counts
from tests.spark.ingest.shop_database import EVENTS, TABLES, packaged

READER = Credentials(USER, PASSWORD)


@pytest.fixture
def shop(postgres):
    """Runs SQL in an empty database with the shop's tables."""
    postgres.create("shop")

    def sql(text):
        return postgres.sql(text, database="shop")

    sql(TABLES)
    return sql


@pytest.fixture
def take(warehouse, postgres, shop):
    """Takes in what is new in a table; the report of the last batch."""

    def taken(config, *, days=0, who=READER, **more):
        return ingest_table(warehouse, config, address(postgres.url("shop")), who,
                            ingested_at=NOW + timedelta(days=days), **more)[-1]  # fmt: skip

    return taken


def events(**table):
    return packaged("postgres_events", **{"partitions": 2, **table})


def refusal(take, config, error, **more):
    with pytest.raises(error) as refused:
        take(config, **more)
    return str(refused.value)


def test_a_run_takes_what_is_new_and_what_was_committed_late(take, shop, rows, warehouse):
    shop(EVENTS.format(1, 100))
    first = take(events())
    again = take(events(), days=1)
    shop(EVENTS.format(101, 110))
    shop("INSERT INTO events SELECT 500, 1, 'page_view', 's', 'p', 'phone', NULL, NULL, at, at "
         "FROM (SELECT timestamptz '2024-01-02 11:30:00Z' AS at) r")  # fmt: skip
    later = take(events(), days=2)

    assert (counts(first), counts(later)) == ((100, 100, 0, 0), (27, 11, 0, 16))
    # Minutes 85 to 100 are read again; nothing is new, so no batch is left.
    assert counts(again) == (16, 0, 0, 16) and again.already_ingested
    assert rows("ingest_runs", "batch_seq", "read_from", "read_through") == [
        ("1", None, "2024-01-02 11:40:00.000000"),
        ("2", "2024-01-02 11:40:00.000000", "2024-01-02 11:50:00.000000"),
    ]
    assert len(rows("events_interactions", "event_id")) == 111
    assert not (Path(warehouse.root) / "landed").exists()


def test_parts_hold_every_row_once(take, shop):
    shop(EVENTS.format(1, 1000))
    assert counts(take(events(partitions=7, fetch_rows=10))) == (1000, 1000, 0, 0)


@pytest.mark.parametrize(("number", "after"), [
    (0, False), (2, True), *(pytest.param(number, True, marks=pytest.mark.deep) for number in (0, 1)),
])  # fmt: skip
def test_killed_between_two_writes_it_ends_as_a_clean_run(take, shop, rows, monkeypatch, warehouse, number, after):
    shop(EVENTS.format(1, 30))
    shop("UPDATE events SET user_id = NULL WHERE event_id = 7")
    config = events().model_copy(update={"quarantined_share_limit": 1})
    with killed_at(monkeypatch, number, after=after):
        take(config)
    shop(EVENTS.format(31, 40))
    take(config, days=1)

    assert {int(one) for (one,) in rows("events_interactions", "event_id")} == {*range(1, 41)} - {7}
    assert len(rows("quarantine_interactions", "row_id")) == 1
    runs = rows("ingest_runs", "rows_read", "rows_accepted", "rows_quarantined", "status")
    # A batch that has its rank is ended from what had landed; one that has none is read anew, with what came since.
    assert runs == [("26", "10", "0", "done"), ("30", "29", "1", "done")] if after else [("40", "39", "1", "done")]
    assert not (Path(warehouse.root) / "landed").exists()


def test_a_server_that_dies_while_it_is_read(take, shop, rows, postgres, warehouse):
    shop(EVENTS.format(1, 2000))
    slow = "CASE WHEN event_id = 1990 THEN (SELECT 'x' FROM pg_sleep(60)) ELSE device END"
    columns = "event_id, user_id, event_type, session_id, product_id, {} AS device, occurred_at, recorded_at"
    shop(f"CREATE VIEW seen AS SELECT {columns.format(slow)} FROM events")
    config = events(table="seen", partitions=2, fetch_rows=100)
    killer = threading.Thread(target=_stop_asleep, args=(postgres,))
    killer.start()
    try:
        message = refusal(take, config, EnvironmentProblem)
    finally:
        killer.join()
        postgres.start()
    assert "did not answer" in message and PASSWORD not in message
    assert not any(Path(warehouse.root).glob("*"))

    shop(f"CREATE OR REPLACE VIEW seen AS SELECT {columns.format('device')} FROM events")
    assert counts(take(config)) == (2000, 2000, 0, 0)


def _stop_asleep(postgres):
    """Stop the server once a reader is in the midst of its rows."""
    asleep = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tessera' AND wait_event = 'PgSleep'"
    deadline = time.monotonic() + 120
    while not postgres.sql(asleep) and time.monotonic() < deadline:
        time.sleep(0.05)
    postgres.stop()


def test_the_shops_four_tables(take, shop, rows):
    shop("""
        INSERT INTO users VALUES (13085, 'London', 31000.50, 1980, NULL, '2023-05-01Z', '2024-01-02 10:00:00+01');
        INSERT INTO products VALUES ('p1', 'Mug', 'home', 3.5, 'product', now()), ('x', 'Gift', '', 0, 'gift', now());
        INSERT INTO events VALUES
            (1, 13085, 'product_view', 's1', 'p1', 'phone', NULL, NULL, '2024-01-02 10:00Z', '2024-01-02 10:01Z'),
            (2, 13085, 'purchase', 's1', 'p1', 'phone', 2, 7.00, '2024-01-02 10:05Z', '2024-01-02 10:06Z'),
            (3, 13085, 'purchase', NULL, 'x', 'phone', 1, 0.125, '2024-04-02 10:05Z', '2024-04-02 10:06Z');
        INSERT INTO user_metrics VALUES (13085, 'engagement', 0.25, '2024-01-03Z', '2024-01-03 01:00Z');
    """)
    for name in ("users", "events", "purchases", "user_metrics"):
        take(packaged(f"postgres_{name}"))

    assert rows("events_profiles", "customer_id", "attribute", "value", "event_time") == [
        ("13085", "birth_year", "1980", "2024-01-02 09:00:00"),
        ("13085", "engagement", "0.25", "2024-01-03 00:00:00"),
        ("13085", "income", "31000.50", "2024-01-02 09:00:00"),
        ("13085", "region", "London", "2024-01-02 09:00:00"),
        ("13085", "registered", "yes", "2023-05-01 00:00:00"),
    ]
    assert rows("events_interactions", "event_id", "interaction_type", "local_hour", "known_at") == [
        ("1", "product_view", "10", "2024-01-02 10:01:00"),
        ("2", "purchase", "10", "2024-01-02 10:06:00"),
        ("3", "purchase", "11", "2024-04-02 10:06:00"),
    ]
    assert rows("events_orders", "event_id", "order_id", "quantity", "unit_price", "amount", "is_product") == [
        ("2", "s1", "2", "3.5000", "7.00", "true"),
        ("3", "3", "1", "0.1250", "0.13", "false"),
    ]


def test_types_that_have_no_equal_keep_their_text_and_break_no_batch(take, shop, rows):
    shop("""
        CREATE TYPE kind AS ENUM ('region', 'income');
        CREATE TABLE told (who uuid, what kind, value numeric, at timestamp(3), seen bigint);
        INSERT INTO told VALUES
            ('00000000-0000-0000-0000-00000000000a', 'region', 12345678901234567890123456789012345678901.5,
             '2024-04-02 10:00:00.123', 1),
            ('00000000-0000-0000-0000-00000000000b', 'income', 'NaN', '2024-01-02 10:00:00', 2),
            ('00000000-0000-0000-0000-00000000000c', 'income', 1, 'infinity', 3),
            ('00000000-0000-0000-0000-00000000000d', 'income', 1, NULL, 4);
    """)
    columns = {"customer_id": "who", "event_time": "at", "attribute": "what", "value": "value"}
    table = packaged("postgres_user_metrics", table="told", watermark="seen", overlap=0, partitions=3)
    config = table.model_copy(update={"columns": columns, "known_at": None, "quarantined_share_limit": 1})

    report = take(config)

    assert report.reasons == {"event_in_the_future": 1, "event_time_missing": 1} and report.read_through == "4"
    assert rows("events_profiles", "right(customer_id, 1)", "attribute", "value", "event_time") == [
        # A wall clock in London, in summer.
        ("a", "region", "12345678901234567890123456789012345678901.5", "2024-04-02 09:00:00.123"),
        ("b", "income", "NaN", "2024-01-02 10:00:00"),
    ]


def test_a_watermark_that_misleads(take, shop):
    shop(EVENTS.format(1, 10))
    shop("UPDATE events SET recorded_at = '9999-01-01Z' WHERE event_id = 10")
    report = take(events())
    assert counts(report) == (9, 9, 0, 0)
    assert "future" in report.notes[0] and report.read_through == "2024-01-02 10:09:00.000000"

    shop("UPDATE events SET recorded_at = NULL WHERE event_id = 10")
    assert "no recorded_at" in refusal(take, events(), DataContractError, days=1)


def test_columns_that_change(take, shop):
    shop(EVENTS.format(1, 10))
    take(events())
    shop("ALTER TABLE events ADD COLUMN campaign text")
    shop(EVENTS.replace("NULL, NULL, at, at", "NULL, NULL, at, at, 'c'").format(11, 20))
    strict = events().model_copy(update={"new_columns": "stop"})
    assert "'campaign' (text) is new" in refusal(take, strict, DataContractError, days=1)
    (note,) = take(events(), days=1).notes
    assert "'campaign' (text) is new" in note
    assert take(strict, days=2).notes == ()

    shop("ALTER TABLE events ALTER COLUMN session_id TYPE bigint USING 1")
    assert "'session_id' was text and is bigint" in refusal(take, events(), DataContractError, days=3)
    shop("UPDATE events SET recorded_at = '2024-01-02 12:00Z' WHERE event_id = 20; "
         "UPDATE events SET event_id = 99 WHERE event_id = 20")  # fmt: skip
    assert take(events(overlap=timedelta(0)), days=3, accept_columns=True).rows_accepted == 1

    shop("ALTER TABLE events RENAME COLUMN user_id TO client_id")
    assert "'user_id' is missing" in refusal(take, events(), DataContractError, days=4)


def test_what_was_taken_back_stays_out_until_it_is_restored(take, shop, warehouse):
    shop(EVENTS.format(1, 20))
    first = take(events(overlap=timedelta(0)))
    retract(warehouse, first.batch_id[:12], retracted_at=NOW + timedelta(days=1))
    shop(EVENTS.format(21, 30))

    assert counts(take(events(overlap=timedelta(0)), days=2))[:2] == (11, 11)
    assert counts(take(events(overlap=timedelta(0)), days=3, restore=True)) == (30, 19, 0, 11)


def test_who_may_not_read_is_told_so_without_the_password(take, shop):
    shop(EVENTS.format(1, 10))
    message = refusal(take, events(), EnvironmentProblem, who=Credentials(USER, "a-wrong-password"))
    assert "authentication failed" in message and "a-wrong-password" not in message
    shop("REVOKE SELECT ON events FROM reader")
    assert "permission denied" in refusal(take, events(), EnvironmentProblem)


def test_names_that_are_not_there_are_answered_with_near_ones(take, postgres, warehouse):
    assert "'events'" in refusal(take, events(table="event"), ConfigurationError)
    with pytest.raises(ConfigurationError, match="does not exist"):
        ingest_table(warehouse, events(), address(postgres.url("shopp")), READER, ingested_at=NOW)


def test_a_joined_table_with_a_key_twice_would_multiply_rows(take, shop):
    shop(EVENTS.format(1, 10))
    shop("INSERT INTO products (product_id) VALUES ('p1'), ('p1')")
    assert "'p1'" in refusal(take, packaged("postgres_purchases"), DataContractError)


def test_an_empty_table_is_no_first_load_and_no_harm_later(take, shop):
    assert "first load" in refusal(take, events(), DataContractError)
    shop(EVENTS.format(1, 10))
    take(events())
    shop("TRUNCATE events")
    assert counts(take(events(), days=1)) == (0, 0, 0, 0)
    shop(EVENTS.format(11, 12))
    assert counts(take(events(), days=2)) == (2, 2, 0, 0)
