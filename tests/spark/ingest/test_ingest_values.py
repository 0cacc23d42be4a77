"""What becomes of single values: kept exactly, or set aside with a reason, never a crash."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.spark.ingest.conftest import counts, line, shop

GOOD = line(order="good")
BAD = {
    line(order="a", price="1,234.50").replace("1,234.50", '"1,234.50"'): {
        "unit_price_unparsable",
        "amount_missing",
    },
    line(order="b", price="1e400"): {"unit_price_unparsable", "amount_missing"},
    line(order="c", price="90000000000000"): {"unit_price_out_of_range", "amount_out_of_range"},
    line(order="d", pieces="1.7"): {"quantity_unparsable", "amount_missing"},
    line(order="e", pieces=""): {"quantity_missing", "amount_missing"},
    line(order="f", at="2011-02-30 10:00:00"): {"event_time_unparsable"},
    line(order="g", at=""): {"event_time_missing"},
    line(order="h", at="2204-01-02 10:00:00"): {"event_in_the_future"},
    line(order="i", customer=""): {"customer_id_missing"},
    line(order="j", customer='" "'): {"customer_id_missing"},
    line(order="k", pieces="99999999999999999999"): {"quantity_unparsable", "amount_missing"},
    line(order="l", price="-1"): {"free_or_paid"},
    line(order="m") + ",one more": {"malformed_row"},
    "13085,n,1": {"malformed_row"},
}


def test_every_bad_value_is_set_aside_with_its_reasons(feed, write, rows):
    rule = {"name": "free_or_paid", "predicate": "unit_price >= 0"}
    report = feed(write(GOOD, *BAD), shop(expectations=[rule]))

    found = {raw: set(json.loads(why)) for raw, why in rows("quarantine_orders", "raw", "to_json(reasons)")}
    orders = {raw if "malformed_row" in why else json.loads(raw)["order"]: why for raw, why in found.items()}
    wanted = {bad if "malformed_row" in why else bad.split(",")[1]: why for bad, why in BAD.items()}
    assert orders == wanted
    assert counts(report) == (len(BAD) + 1, 1, len(BAD), 0)
    assert report.reasons["amount_missing"] == 5


def test_values_are_kept_exactly(feed, write, rows):
    feed(
        write(
            line(customer="00042", price="0.005", pieces="1"),
            line(customer="13085", price="2.555", pieces="-3", sku="POST"),
            line(customer='"Zoë ""Z"" O\'Neil\\"', sku=""),
        )
    )

    columns = ("customer_id", "product_id", "quantity", "unit_price", "amount", "is_product")
    assert rows("events_orders", *columns[:5]) == [
        ("00042", "85048", "1", "0.0050", "0.01"),
        ("13085", "POST", "-3", "2.5550", "-7.67"),
    ]
    # Without a product code nobody can say whether it is a product: the column is required.
    assert json.loads(rows("quarantine_orders", "raw")[0][0])["customer"] == 'Zoë "Z" O\'Neil\\'


def test_customers_with_quotes_newlines_and_other_scripts(feed, write, rows):
    names = ["O'Neil", 'the "Z"', "two\nlines", "客户", "a\\b"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    feed(write(*[line(customer=name) for name in quoted]), shop(options={"multiLine": True}))

    assert {row[0] for row in rows("events_orders", "customer_id")} == set(names)


def test_local_times_become_utc_and_clock_changes_are_counted(feed, write, rows):
    report = feed(
        write(
            line(order="winter", at="2024-01-07 23:30:00"),
            line(order="summer", at="2023-07-03 00:30:00"),
            line(order="skipped", at="2024-03-31 01:30:00"),
            line(order="twice", at="2023-10-29 01:30:00"),
            line(order="before", at="2023-10-29 00:59:59"),
            line(order="after", at="2023-10-29 02:00:00"),
        )
    )

    assert rows("events_orders", "order_id", "event_time", "local_hour", "local_weekday", "event_month") == [
        ("after", "2023-10-29 02:00:00", "2", "7", "2023-10-01"),
        ("before", "2023-10-28 23:59:59", "0", "7", "2023-10-01"),
        ("skipped", "2024-03-31 01:30:00", "1", "7", "2024-03-01"),
        ("summer", "2023-07-02 23:30:00", "0", "1", "2023-07-01"),
        ("twice", "2023-10-29 00:30:00", "1", "7", "2023-10-01"),
        ("winter", "2024-01-07 23:30:00", "23", "7", "2024-01-01"),
    ]
    assert (report.nonexistent_local_times, report.ambiguous_local_times) == (1, 1)
    assert report.complete_through == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)


def test_texts_with_an_offset_are_instants_and_the_clock_on_the_wall_is_the_source_s(feed, write, rows):
    config = shop(time_format="yyyy-MM-dd'T'HH:mm:ssXXX")
    feed(write(line(at="2023-07-03T12:00:00+02:00"), line(at="2024-01-03T12:00:00Z")), config)

    assert rows("events_orders", "event_time", "local_hour") == [
        ("2023-07-03 10:00:00", "11"),
        ("2024-01-03 12:00:00", "12"),
    ]


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, ["2024-06-01 12:00:00", "2024-06-01 12:00:00"]),
        ({"known_at_lag": "2d"}, ["2023-07-04 23:30:00", "2024-01-04 10:00:00"]),
        # Where the column is empty, nothing earlier than the ingest is claimed.
        (
            {"known_at": "sku", "known_at_format": "yyyy-MM-dd"},
            ["2023-07-08 23:00:00", "2024-06-01 12:00:00"],
        ),
    ],
)
def test_when_the_business_knew(feed, write, rows, changes, known):
    config = shop(columns={**shop().columns, "is_product": "true"}, **changes)
    feed(
        write(line(at="2023-07-03 00:30:00", sku="2023-07-09"), line(at="2024-01-02 10:00:00", sku="")),
        config,
    )

    assert [row[1] for row in rows("events_orders", "event_time", "known_at")] == known


def test_a_batch_that_tells_of_earlier_knowledge_is_a_restatement(feed, write):
    config = shop(known_at_lag="1d")
    first = feed(write(line(order="1")), config)
    second = feed(write(line(order="2"), name="2.csv"), config, ingested_at=first.ingested_at + timedelta(days=1))

    assert (first.is_restatement, second.is_restatement) == (False, True)


def test_lateness_and_declarations_move_complete_through(feed, write):
    assert feed(write(GOOD), shop(lateness="2d")).complete_through == datetime(2023, 12, 31, 10, tzinfo=UTC)
    declared = feed(write(GOOD, name="b.csv"), shop(complete_through="2024-02-01T00:00:00Z"))
    assert declared.complete_through == datetime(2024, 2, 1, tzinfo=UTC)


def test_years_that_nobody_means_are_set_aside_and_stop_nothing(feed, write, rows):
    """Year 0 cannot be told in Python, 292278994 ends a job of Spark; both are one row's fault."""
    odd = {
        "0001-01-01 00:00:00": "event_before_1900",
        "1899-12-30 00:00:00": "event_before_1900",
        "+292278994-08-17 07:12:55": "event_time_unparsable",
        "9999-12-31 23:59:59": "event_in_the_future",
    }
    lines = [line(order=str(number), at=at) for number, at in enumerate(odd)]
    config = shop(time_zone="Asia/Tokyo", known_at="at", lateness="9999d")
    assert counts(feed(write(line(order="good"), *lines), config)) == (5, 1, 4, 0)
    found = dict(rows("quarantine_orders", "get_json_object(raw, '$.at')", "array_join(reasons, ',')"))
    assert {at: reason for at, reason in odd.items() if reason in found[at].split(",")} == odd
