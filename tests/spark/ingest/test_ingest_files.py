"""A folder that fills: what was taken is not taken again, what is broken is set aside and named, the rest goes on."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from featurestore.errors import DataContractError
from featurestore.file_intake import ingest_files
from featurestore.retraction import retract
from featurestore.source_config import source_config
from tests.interrupted import killed_at
from tests.spark.ingest.conftest import HEADER, NOW, counts, line, shop
from tests.spark.ingest.shop_database import SOURCES

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def take(warehouse, tmp_path):
    """Takes in what is new in the folder `in/`; the reports."""

    def taken(config=None, *, path="in", days=0, **more):
        now = NOW + timedelta(days=days)
        return ingest_files(warehouse, config or shop(), str(tmp_path / path), ingested_at=now, **more)

    return taken


def test_a_folder_given_again_adds_what_is_new(take, write, rows, tmp_path):
    write(line(order="1"), name="in/a.csv")
    (first,) = take()
    (same,) = take(days=1)
    write(line(order="2"), line(order="1"), name="in/b.csv")
    shutil.copy(tmp_path / "in" / "a.csv", tmp_path / "in" / "a again.csv")
    (new,) = take(days=2)
    (nothing,) = take(days=3)

    assert (counts(first), counts(same)) == ((1, 1, 0, 0), (1, 0, 0, 1))
    assert counts(new) == (2, 1, 0, 1)
    # The whole folder as it is now was never one batch: its files are known one by one.
    assert counts(nothing) == (0, 0, 0, 0) and nothing.notes == ("taken in before: 3 files",)
    assert rows("ingest_runs", "batch_seq", "rows_accepted") == [("1", "1"), ("2", "1")]
    names = [(Path(path).name, status) for path, status in rows("ingest_files", "path", "status")]
    assert sorted(names) == [("a.csv", "taken"), ("b.csv", "taken")]


def test_a_file_that_grew_is_another_one(take, write):
    write(line(order="1"), name="in/a.csv")
    take()
    write(line(order="1"), line(order="2"), name="in/a.csv")
    assert counts(take(days=1)[0]) == (2, 1, 0, 1)


def test_a_file_that_lies_there_as_before_is_not_read_again(take, write):
    for name in ("a", "b"):
        os.utime(write(line(order=name), name=f"in/{name}.csv"), (LONG_AGO, LONG_AGO))
    take()
    write(line(order="c"), name="in/c.csv")
    # As large and as old as it was: nobody looks into it.
    os.utime(write(line(order="z"), name="in/a.csv"), (LONG_AGO, LONG_AGO))
    (report,) = take(days=1)
    assert counts(report) == (1, 1, 0, 0) and report.notes == ("taken in before: 2 files",)


def test_broken_files_are_set_aside_and_the_rest_goes_on(take, write, rows, tmp_path):
    folder = tmp_path / "in"
    write(line(order="1"), name="in/good.csv")
    packed = gzip.compress("\n".join([HEADER, *[line(order=str(n)) for n in range(2, 400)]]).encode())
    (folder / "cut.csv.gz").write_bytes(packed[:-20])
    (folder / "cut.csv").write_text(f"{HEADER}\n{line(order='9')}\n13085,10,1,85")
    (folder / "empty.csv").touch()
    write(line(order="11"), name="in/upload.csv.part")
    (report,) = take()

    assert counts(report) == (1, 1, 0, 0)
    told = {note.split(": ")[0]: note for note in report.notes}
    assert len([note for note in report.notes if note.startswith("set aside: ")]) == 3
    assert "upload.csv.part" in told["left for later, it may still be written"]
    aside = rows("ingest_files", "status", "reason", "path")
    assert [(Path(path).name, reason[:12]) for status, reason, path in aside if status == "set_aside"] == [
        ("cut.csv.gz", "it cannot be"), ("empty.csv", "it is empty:"), ("cut.csv", "its last lin")]  # fmt: skip

    (folder / "cut.csv.gz").write_bytes(packed)
    (again,) = take(days=1)
    assert counts(again) == (398, 398, 0, 0)
    assert len([note for note in again.notes if note.startswith("set aside before: ")]) == 2


def test_an_input_without_a_whole_file_is_refused_and_with_one_it_is_not(take, tmp_path, warehouse):
    (tmp_path / "in").mkdir()
    at = pa.array([datetime(2024, 1, 2, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    texts = {"customer": ["c"], "order": ["1"], "sku": ["p"], "pieces": ["2"], "price": ["1.5"]}
    pq.write_table(pa.table({**texts, "at": at}), tmp_path / "in" / "good.parquet")
    whole = (tmp_path / "in" / "good.parquet").rename(tmp_path / "good.parquet").read_bytes()
    (tmp_path / "in" / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    config = shop(format="parquet", time_format=None)
    with pytest.raises(DataContractError, match=r"no file of it is whole.*\n.*cut\.parquet"):
        take(config)
    assert not warehouse.exists("ingest_files")

    (tmp_path / "good.parquet").rename(tmp_path / "in" / "good.parquet")
    (report,) = take(config)
    assert counts(report) == (1, 1, 0, 0) and "cut.parquet" in report.notes[0]


def test_a_file_that_changes_just_now_is_left_for_later(take, write):
    os.utime(write(line(order="1"), name="in/old.csv"), (LONG_AGO, LONG_AGO))
    changed = (NOW - timedelta(minutes=1)).timestamp()
    os.utime(write(line(order="2"), name="in/young.csv"), (changed, changed))
    patient = shop(settled_for="5m")
    assert counts(take(patient)[0]) == (1, 1, 0, 0)
    assert counts(take(patient, days=1)[0]) == (1, 1, 0, 0)


@pytest.mark.parametrize(("number", "after"), [
    (0, True), (3, True), pytest.param(1, True, marks=pytest.mark.deep), pytest.param(4, False, marks=pytest.mark.deep),
])  # fmt: skip
def test_killed_between_two_writes_while_files_come(take, write, rows, monkeypatch, number, after):
    write(line(order="1"), line(customer=""), name="in/a.csv")
    with killed_at(monkeypatch, number, after=after):
        take()
    write(line(order="2"), line(order="1"), name="in/b.csv")
    reports = take(days=1)

    found = [(one.batch_seq, *counts(one)) for one in reports]
    # One that has its rank is ended as it was begun; before that there is nothing to end.
    assert found == ([(1, 4, 2, 1, 1)] if number == 0 else [(1, 2, 1, 1, 0), (2, 2, 1, 0, 1)])
    assert rows("events_orders", "order_id") == [("1",), ("2",)]
    assert {status for (status,) in rows("ingest_runs", "status")} == {"done"}


def test_what_was_taken_back_stays_out_of_a_folder_until_restored(take, write, warehouse):
    write(line(order="1"), name="in/a.csv")
    (first,) = take()
    retract(warehouse, first.batch_id[:12], retracted_at=NOW + timedelta(hours=1))
    write(line(order="2"), name="in/b.csv")

    assert counts(take(days=1)[0]) == (1, 1, 0, 0)
    assert counts(take(days=2, restore=True)[0]) == (1, 1, 0, 0)


def test_names_with_signs_and_partition_folders(take, write, rows):
    config = shop(columns={**shop().columns, "product_id": "day"})
    write(line(order="1"), name="in/day=1/a [x] {1}.csv")
    take(config)
    write(line(order="2"), name="in/day=2/b 100%?.csv")
    assert counts(take(config, days=1)[0]) == (1, 1, 0, 0)
    assert rows("events_orders", "order_id", "product_id") == [("1", "1"), ("2", "2")]


def test_a_new_column_is_told_or_stops_and_another_type_stops(take, spark, tmp_path, write):
    write(line(order="1"), name="in/a.csv")
    take()
    write(line(order="2") + ",c", name="b/b.csv", header=HEADER + ",campaign")
    with pytest.raises(DataContractError, match=r"'campaign' \(string\) is new"):
        take(shop(new_columns="stop"), path="b", days=1)
    assert "'campaign' (string) is new; it is not mapped" in take(path="b", days=1)[0].notes[0]
    assert take(shop(new_columns="stop"), path="b", days=2)[0].already_ingested

    parquet = shop(format="parquet", time_format=None)
    row = "'c' customer, {0} `order`, 'p' sku, 1L pieces, '1' price, timestamp'2024-01-02 10:00:00Z' at"
    spark.sql("select " + row.format("'1'")).write.parquet(str(tmp_path / "p1"))
    spark.sql("select " + row.format("2L")).write.parquet(str(tmp_path / "p2"))
    take(parquet, path="p1", days=3)
    with pytest.raises(DataContractError, match=r"'order' was string and is bigint.*\n.*--accept-columns"):
        take(parquet, path="p2", days=4)
    assert take(parquet, path="p2", days=4, accept_columns=True)[0].rows_accepted == 1


def test_a_json_value_of_another_kind_stops_and_a_key_that_comes_and_goes_does_not(take, write):
    def record(order, pieces, **more):
        return json.dumps({"customer": "c", "order": order, "sku": "p", "pieces": pieces, "price": "1.5",
                           "at": "2024-01-02 10:00:00", **more})  # fmt: skip

    config = shop(format="json", new_columns="stop")
    write(record("1", 2, gift=None), record("2", 2), name="1.json", header=None)
    take(config, path="1.json")
    write(record("3", 2.5), name="2.json", header=None)
    take(config, path="2.json", days=1)
    write(record("4", 3, gift=True), name="3.json", header=None)
    take(config, path="3.json", days=2)
    write(record("5", "3"), name="4.json", header=None)
    with pytest.raises(DataContractError, match="'pieces' was number and is string now"):
        take(config, path="4.json", days=3)


RECORDS = {
    "simulated_interactions": [
        {"event_id": "e1", "customer": "c", "at": "2024-01-02T10:00:00Z", "type": "page_view", "session": "s",
         "product": None, "device": "phone"},
    ],
    "simulated_support": [
        {"ticket": "T1", "customer": "c", "opened_at": "2024-01-02 10:00:00", "resolved_at": "2024-01-03 10:00:00",
         "satisfaction": "4", "escalated": "yes"},
        {"ticket": "T2", "customer": "c", "opened_at": "2024-01-02 11:00:00", "resolved_at": None,
         "satisfaction": None, "escalated": None},
    ],
    "simulated_profiles": [
        {"customer": "c", "changed_at": "2024-01-02 10:00:00", "region": "London", "income": "30000",
         "birth_year": None, "customer_type": None},
        {"customer": "c", "changed_at": "2024-03-02 10:00:00", "region": "Leeds", "income": None, "birth_year": None,
         "customer_type": None},
    ],
}  # fmt: skip
WANTED = {
    "simulated_interactions": [("c", "2024-01-02 10:00:00", "page_view")],
    "simulated_support": [("c", "2024-01-02 10:00:00", "opened"), ("c", "2024-01-02 11:00:00", "opened"),
                          ("c", "2024-01-03 10:00:00", "resolved")],
    "simulated_profiles": [("c", "2024-01-02 10:00:00", "income"), ("c", "2024-01-02 10:00:00", "region"),
                           ("c", "2024-03-02 10:00:00", "region")],
}  # fmt: skip
KIND = {"interactions": "interaction_type", "support": "ticket_event", "profiles": "attribute"}


@pytest.mark.parametrize(("name", "format_"), [
    # The others are how `simulate` writes them.
    ("simulated_interactions", "csv"), ("simulated_interactions", "parquet"), ("simulated_support", "json"),
    ("simulated_support", "parquet"), ("simulated_profiles", "json"), ("simulated_profiles", "parquet"),
])  # fmt: skip
def test_every_source_comes_by_any_format_with_its_times(take, rows, tmp_path, name, format_):
    path, records = tmp_path / f"in.{format_}", RECORDS[name]
    if format_ == "csv":
        texts = [",".join(value or "" for value in one.values()) for one in records]
        path.write_text("\n".join([",".join(records[0]), *texts]) + "\n", encoding="utf-8")
    elif format_ == "json":
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    else:
        pq.write_table(
            pa.table({key: pa.array([one[key] for one in records], pa.string()) for key in records[0]}), path
        )
    config = source_config((SOURCES / f"{name}.yml").read_text(encoding="utf-8"), where=name)

    take(config.model_copy(update={"format": format_}), path=path.name)

    assert rows(config.shape.events_table, "customer_id", "event_time", KIND[config.source]) == WANTED[name]
