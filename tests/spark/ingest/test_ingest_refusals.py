"""What is refused says why, what was expected and what is near; and leaves no table changed."""

from __future__ import annotations

import gzip
from datetime import datetime

import pytest

from featurestore.errors import ConfigurationError, DataContractError
from tests.spark.ingest.conftest import counts, line, shop

BAD = line(customer="", order="nobody")


def refusal(feed, path, config=None, *, error=DataContractError, **more):
    with pytest.raises(error) as refused:
        feed(path, config, **more)
    return str(refused.value)


def test_a_missing_input_is_a_wrong_argument_answered_with_near_names(feed, write, tmp_path):
    write(line(), name="orders.csv")

    assert "'orders.csv'" in refusal(feed, str(tmp_path / "oders.csv"), error=ConfigurationError)


def test_an_empty_file_and_a_first_load_without_rows(feed, write, warehouse, tmp_path):
    (tmp_path / "empty.csv").touch()

    assert "is empty" in refusal(feed, str(tmp_path / "empty.csv"))
    assert "first load" in refusal(feed, write(name="header_only.csv"))
    assert not any(warehouse.exists(table) for table in ("events_orders", "quarantine_orders", "ingest_runs"))


def test_a_later_file_without_rows_is_fine(feed, write):
    feed(write(line()))

    assert counts(feed(write(name="quiet_day.csv"))) == (0, 0, 0, 0)


def test_a_wrong_delimiter_is_seen_in_the_header(feed, write):
    message = refusal(feed, write(line().replace(",", ";"), header="customer;order;line;sku;pieces;price;at"))

    assert "delimiter" in message and "'customer' is missing" in message


def test_missing_columns_are_answered_with_near_names(feed, write):
    message = refusal(feed, write(line(), header="custmer,order,line,sku,pieces,price,when"))

    assert "'customer' is missing. Did you mean 'custmer'?" in message
    assert "'at' is missing" in message


def test_files_of_one_input_must_have_one_header(feed, write, tmp_path):
    write(line(), name="both/a.csv")
    write(line(order="2"), name="both/b.csv", header="order,customer,line,sku,pieces,price,at")

    assert "header" in refusal(feed, str(tmp_path / "both"))


def test_all_rows_bad_is_refused_with_reasons_and_samples(feed, write, warehouse):
    message = refusal(feed, write(BAD, BAD))

    assert "customer_id_missing: 2 rows" in message and '"order":"nobody"' in message
    assert not warehouse.exists("ingest_runs")


def test_more_bad_rows_than_allowed_change_no_table(feed, write, warehouse):
    feed(write(line()))
    tables = ("events_orders", "ingest_runs")
    versions = [warehouse.version(table) for table in tables]

    strict = shop(quarantined_share_limit=0.4)
    message = refusal(feed, write(line(order="2"), BAD, name="next.csv"), strict)

    assert "1 of 2 rows (50.0%)" in message and "allows 40.0%" in message
    assert [warehouse.version(table) for table in tables] == versions
    assert counts(feed(write(line(order="2"), line(order="3"), BAD, name="fair.csv"), strict)) == (3, 2, 1, 0)


def test_an_expectation_may_refuse_the_whole_batch(feed, write, warehouse):
    rule = {"name": "known_sku", "predicate": "product_id <> '?'", "action": "fail"}

    assert "known_sku" in refusal(feed, write(line(), line(sku="?")), shop(expectations=[rule]))
    assert not warehouse.exists("events_orders")


def test_a_file_that_is_no_gzip(feed, tmp_path):
    path = tmp_path / "broken.csv.gz"
    path.write_bytes(gzip.compress(b"customer,order\n" * 1000)[:40])

    assert "cannot be read" in refusal(feed, str(path))


def test_an_expression_that_fails_on_a_value_names_the_way_out(feed, write):
    config = shop(columns={**shop().columns, "amount": "try_cast(price as bigint) / try_cast(pieces as bigint)"})

    assert "try_divide" in refusal(feed, write(line(price="1", pieces="0")), config)


def test_a_time_as_text_needs_a_format(feed, write):
    assert "time_format" in refusal(feed, write(line()), shop(time_format=None), error=ConfigurationError)


def test_an_instant_without_zone_is_refused(feed, write):
    naive = datetime(2024, 1, 1)  # noqa: DTZ001

    assert "time zone" in refusal(feed, write(line()), error=ConfigurationError, ingested_at=naive)
