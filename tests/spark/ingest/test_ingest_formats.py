"""The same lines by any road: JSON lines, Parquet, Delta, gzip, text, several files, several events a row."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from featurestore.errors import DataContractError
from featurestore.ingest import ingest
from featurestore.source_config import source_config
from tests.spark.ingest.conftest import HEADER, NOW, counts, line, shop

LINES = [
    line(order="1"),
    line(order="2", customer="00042", price="2.555", at="2023-07-03 00:30:00"),
    line(customer=""),
]
WANTED = [
    ("00042", "2", "2", "5.11", "2023-07-02 23:30:00"),
    ("13085", "1", "2", "3.00", "2024-01-02 10:00:00"),
]
COLUMNS = ("customer_id", "order_id", "quantity", "amount", "event_time")
SOURCES = Path(__file__).resolve().parents[3] / "conf" / "sources"


def records():
    return [dict(zip(HEADER.split(","), (text or None for text in each.split(",")), strict=True)) for each in LINES]


def test_gzip_is_read_like_the_file_inside(feed, rows, tmp_path):
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, *LINES]).encode()))

    assert counts(feed(str(tmp_path / "orders.csv.gz"))) == (3, 2, 1, 0)
    assert rows("events_orders", *COLUMNS) == WANTED


def test_json_lines_with_numbers_and_a_broken_line(feed, rows, write):
    numbers = [{**each, "pieces": 2, "price": float(each["price"])} for each in records()]
    path = write(*map(json.dumps, numbers), '{"customer": "13085", "order"', "", "[1]", name="o.json", header=None)

    report = feed(path, shop(format="json"))

    assert counts(report) == (5, 2, 3, 0)
    assert report.reasons == {"customer_id_missing": 1, "malformed_row": 2}
    assert rows("events_orders", *COLUMNS) == WANTED
    assert ('{"customer": "13085", "order"',) in rows("quarantine_orders", "raw")


@pytest.mark.parametrize("typed", ["parquet", "delta"])
def test_typed_formats(feed, rows, spark, tmp_path, typed):
    frame = spark.createDataFrame(
        [tuple(each.values()) for each in records()],
        ", ".join(f"`{name}` string" for name in HEADER.split(",")),
    )
    path = str(tmp_path / "input")
    frame.write.format(typed).save(path)

    assert counts(feed(path, shop(format=typed))) == (3, 2, 1, 0)
    assert rows("events_orders", *COLUMNS) == WANTED
    assert feed(path, shop(format=typed)).already_ingested


def test_a_timestamp_of_parquet_is_an_instant_and_a_fraction_no_count(feed, rows, spark, tmp_path):
    path = str(tmp_path / "typed")
    spark.sql(
        "select 'c' customer, 'o' `order`, 'p' sku, x pieces, 1.5d price, timestamp'2023-07-03 10:00:00Z' at "
        "from values (2d), (1.7d), (double('nan')) as t(x)"
    ).write.parquet(path)
    amount = "round(pieces * price, 2)"
    report = feed(path, shop(format="parquet", time_format=None, columns={**shop().columns, "amount": amount}))

    assert counts(report) == (3, 1, 2, 0)
    assert report.reasons["quantity_unparsable"] == 2
    assert rows("events_orders", "event_time", "local_hour", "amount") == [("2023-07-03 10:00:00", "11", "3.00")]


def test_files_of_parquet_with_columns_of_different_types_are_refused_by_name(feed, spark, tmp_path):
    good = spark.sql("select 'c' customer, 'o' `order`, 'p' sku, '1' pieces, '2' price, '2023-07-03 10:00:00' at")
    good.write.parquet(str(tmp_path / "typed" / "one"))
    good.withColumn("sku", good.sku.cast("binary")).write.parquet(str(tmp_path / "typed" / "other"))

    with pytest.raises(DataContractError, match=r"different types:\n(.*\n)*.*sku: BINARY") as refused:
        feed(str(tmp_path / "typed" / "*"), shop(format="parquet"))
    assert "sku: STRING" in str(refused.value) and "\tat " not in str(refused.value)


def test_a_folder_is_one_batch(feed, write, tmp_path):
    write(line(order="1"), name="parts/a.csv")
    write(line(order="2"), line(order="1"), name="parts/b.csv")

    assert counts(feed(str(tmp_path / "parts"))) == (3, 2, 0, 1)


def test_cdnow_both_files(feed, rows, write):
    config = source_config((SOURCES / "cdnow.yml").read_text(encoding="utf-8"), where="cdnow.yml")
    config = config.model_copy(update={"quarantined_share_limit": 0.5})
    master = write(
        " customer_id  date number_of_cds  dollar_value",
        " 00001 19970101  1   11.77",
        " 00004 19970101  2   29.33",
        " 00004 19970101  2   29.33",
        " 00005 19970230  1    0.00",
        "no line",
        name="master.txt",
        header=None,
    )
    sample = write(" 00004 0001 19970101  2   29.33", " 00004 0001 19970118  2    0.00", name="sample.txt", header=None)

    assert counts(feed(master, config)) == (5, 3, 2, 0)
    assert counts(feed(sample, config)) == (2, 1, 0, 1)
    assert rows("events_orders", "customer_id", "order_id", "event_time", "quantity", "amount") == [
        ("00001", "00001-19970101", "1997-01-02 04:59:59", "1", "11.77"),
        ("00004", "00004-19970101", "1997-01-02 04:59:59", "2", "29.33"),
        ("00004", "00004-19970101", "1997-01-02 04:59:59", "2", "29.33"),
        ("00004", "00004-19970118", "1997-01-19 04:59:59", "2", "0.00"),
    ]


def test_a_ticket_is_two_events_and_no_outcome_is_known_at_the_opening(feed, rows, write):
    config = source_config((SOURCES / "simulated_support.yml").read_text(encoding="utf-8"), where="support.yml")
    config = config.model_copy(update={"quarantined_share_limit": 0.5})
    path = write(
        "T1,c,2024-01-02 10:00:00,2024-01-03 10:00:00,4,yes",
        "T2,c,2024-01-02 11:00:00,,,",
        "T3,c,2024-01-02 12:00:00,2024-01-03 12:00:00,9,no",
        header="ticket,customer,opened_at,resolved_at,satisfaction,escalated",
    )

    assert counts(feed(path, config)) == (5, 4, 1, 0)
    assert rows("events_support", "event_id", "event_time", "satisfaction", "is_escalated") == [
        ("T1-opened", "2024-01-02 10:00:00", None, None),
        ("T1-resolved", "2024-01-03 10:00:00", "4", "true"),
        ("T2-opened", "2024-01-02 11:00:00", None, None),
        ("T3-opened", "2024-01-02 12:00:00", None, None),
    ]


def test_a_profile_row_is_an_event_an_attribute(feed, rows, write):
    config = source_config((SOURCES / "simulated_profiles.yml").read_text(encoding="utf-8"), where="profiles.yml")
    config = config.model_copy(update={"quarantined_share_limit": 0.5})
    path = write(
        "c,2024-01-02 10:00:00,London,30000,,",
        "c,2024-01-03 10:00:00,,,,",
        header="customer,changed_at,region,income,birth_year,customer_type",
    )

    report = feed(path, config)

    assert counts(report) == (3, 2, 1, 0) and report.reasons == {"no_event": 1}
    assert rows("events_profiles", "attribute", "value") == [("income", "30000"), ("region", "London")]


def test_online_retail_ii_whole(warehouse, data):
    path = data / "online_retail_ii" / "online_retail_II.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    config = source_config((SOURCES / "online_retail_ii.yml").read_text(encoding="utf-8"), where="orii.yml")

    report = ingest(warehouse, config, str(path), ingested_at=NOW)

    # Counted with pandas: lines without customer; repeats (but for Description) among the others.
    assert counts(report) == (1_067_371, 797_883, 243_007, 26_481)
    assert report.reasons == {"customer_id_missing": 243_007, "negative_price": 5}
    assert report.complete_through.isoformat() == "2011-12-09T12:50:00+00:00"
    assert warehouse.read("quarantine_orders").count() == 243_007
