"""Feeding the same thing twice adds nothing, whatever the same thing looks like."""

from __future__ import annotations

from datetime import timedelta

from featurestore.ingest import ingest
from featurestore.tables import Warehouse
from tests.spark.ingest.conftest import NATURAL, NOW, counts, line, shop

A, B, C = line(order="1"), line(order="2"), line(order="3")
NOBODY = line(customer="")


def test_the_same_file_again_adds_nothing_and_counts_duplicates(feed, write, rows, warehouse):
    path = write(A, B, NOBODY)
    first = feed(path)
    versions = [warehouse.version(table) for table in ("events_orders", "quarantine_orders", "ingest_runs")]

    again = feed(path, ingested_at=NOW + timedelta(days=1))

    assert counts(first) == (3, 2, 1, 0)
    assert counts(again) == (3, 0, 0, 3)
    assert again.already_ingested and again.batch_id == first.batch_id
    assert [warehouse.version(t) for t in ("events_orders", "quarantine_orders", "ingest_runs")] == versions
    assert rows("ingest_runs", "rows_read", "rows_accepted", "status") == [("3", "2", "done")]


def test_an_overlapping_file_adds_what_is_new(feed, write, rows):
    feed(write(A, B, NOBODY))

    report = feed(write(B, C, NOBODY, NOBODY, name="next.csv"))

    # The second line without customer is one that had not been there before.
    assert counts(report) == (4, 1, 1, 2)
    assert rows("events_orders", "order_id", "batch_seq") == [("1", "1"), ("2", "1"), ("3", "2")]
    assert len(rows("quarantine_orders", "row_id")) == 2


def test_identical_rows_are_duplicates_or_repeats_as_the_source_says(feed, write, rows):
    path = write(A, A, A, B)

    assert counts(feed(path)) == (4, 2, 0, 2)
    assert counts(feed(path, shop(identical_rows="repeats", time_zone="UTC"))) == (4, 4, 0, 0)
    assert counts(feed(write(A, A, C, name="next.csv"), shop(identical_rows="repeats", time_zone="UTC"))) == (
        3,
        1,
        0,
        2,
    )


def test_content_is_compared_column_by_column(feed, write):
    assert counts(feed(write(line(customer="1", order="23"), line(customer="12", order="3")))) == (2, 2, 0, 0)


def test_an_unmapped_column_is_no_part_of_the_content(feed, write):
    assert counts(feed(write(line(number="1"), line(number="2")))) == (2, 1, 0, 1)


def test_a_natural_id_used_again_for_something_else_is_quarantined(feed, write, rows):
    first = feed(write(A, A, line(order="1", pieces="9"), line(order="2")), shop(**NATURAL))
    stays = rows("events_orders", "event_id", "quantity")
    second = feed(write(line(order="2", pieces="5"), line(order="2"), C, name="next.csv"), shop(**NATURAL))

    # Of 1-1 one content stays: both rows of it are one event, or one row of the other.
    assert first.rows_accepted == 2 and first.rows_quarantined + first.rows_duplicate == 2
    assert counts(second) == (3, 1, 1, 1)
    assert second.reasons == {"event_id_reused": 1}
    assert [row for row in rows("events_orders", "event_id", "quantity") if row in stays] == stays
    assert set(rows("quarantine_orders", "to_json(reasons)")) == {('["event_id_reused"]',)}


def test_which_of_two_contents_stays_does_not_depend_on_their_order(feed, write, rows, warehouse, tmp_path):
    two = [line(order="1", pieces="9"), line(order="1", pieces="2")]
    other = Warehouse(warehouse.spark, str(tmp_path / "other"))
    feed(write(*two), shop(**NATURAL))
    ingest(other, shop(**NATURAL), write(*reversed(two), name="turned.csv"), ingested_at=NOW)

    assert rows("events_orders", "quantity") == [
        (str(row[0]),) for row in other.read("events_orders").select("quantity").collect()
    ]


def test_the_folder_of_an_input_does_not_matter_but_its_bytes_do(feed, write):
    first = feed(write(A, B, name="monday/orders.csv"))

    assert feed(write(A, B, name="tuesday/orders.csv")).already_ingested
    assert feed(write(B, A, name="tuesday/orders.csv")).batch_id != first.batch_id


def test_a_corrected_mapping_takes_in_what_was_set_aside(feed, write):
    path = write(A, line(order="2", at="03.01.2024"))
    assert counts(feed(path)) == (2, 1, 1, 0)

    corrected = shop(
        columns={
            **shop().columns,
            "event_time": "if(at like '%.%', concat(substr(at, 7, 4), '-', "
            "substr(at, 4, 2), '-', left(at, 2), ' 00:00:00'), at)",
        }
    )
    assert counts(feed(path, corrected)) == (2, 1, 0, 1)


def test_batches_rise_in_rank_and_time(feed, write, rows):
    feed(write(A))
    late = feed(write(B, name="b.csv"), ingested_at=NOW - timedelta(days=3))

    assert late.batch_seq == 2
    assert late.ingested_at == NOW + timedelta(microseconds=1)
