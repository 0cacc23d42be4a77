"""Files of aliases: what is taken in, what is set aside and why, and that each is written once, however often tried."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from featurestore.alias_ingest import MOST_LINKS, ingest_aliases
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.ingest_runs import last_taken_in
from featurestore.retraction import retract
from featurestore.tables import Warehouse
from tests.aliases import DAY, declare, person_of
from tests.events import INGESTED, add_batch, order_line
from tests.interrupted import killed_at
from tests.spark.ingest.conftest import counts

WITH_TIME = "alias_id,customer_id,known_at"


def standing(rows):
    return rows("customer_aliases", "alias_id", "customer_id", "links")


def test_each_rule_sets_its_rows_aside_with_the_reason_and_a_chain_leads_to_the_last_person(warehouse, rows):
    file = [
        ("13085", "13086", "2024-01-02"), ("13086", "20000", "2024-02-03 10:00:00"), ("13085", "13086", "2024-05-01"),
        ("x", "x", ""), ("", "20000", ""), ("y", " ", ""), ("two", "p", ""), ("two", "q", ""),
        ("r1", "r2", ""), ("r2", "r3", ""), ("r3", "r1", ""), ("into", "r1", ""),
        ("when", "p", "soon"), ("later", "p", "2031-01-01"), ("broken", "p"),
    ]  # fmt: skip
    report = declare(warehouse, file, header=WITH_TIME)
    assert counts(report) == (15, 3, 11, 1)
    assert report.reasons == {
        "alias_of_itself": 1, "alias_id_missing": 1, "customer_id_missing": 1, "alias_of_several_customers": 2,
        "alias_cycle": 3, "known_at_unparsable": 1, "known_in_the_future": 1, "malformed_row": 1,
    }  # fmt: skip
    assert standing(rows) == [
        ("13085", "13086", "1"), ("13085", "20000", "2"), ("13086", "20000", "1"), ("into", "r1", "1"),
    ]  # fmt: skip
    known = dict(zip(["near", "far"], rows("customer_aliases", "alias_id", "links", "known_at"), strict=False))
    assert known == {"near": ("13085", "1", "2024-01-02 00:00:00"), "far": ("13085", "2", "2024-02-03 10:00:00")}
    assert report.is_restatement is False, "nothing was taken in before"

    assert counts(declare(warehouse, file, header=WITH_TIME)) == (15, 0, 0, 15), "the same file adds nothing"
    other = declare(warehouse, [("13086", "9"), ("20000", "13085"), ("13085", "20000")], name="2.csv")
    assert counts(other) == (3, 0, 2, 1)
    assert other.reasons == {"alias_of_several_customers": 1, "alias_cycle": 1}

    # A later file leads on: whoever led to 20000 leads to 30000 now, and only those ways go when it is taken back.
    onward = declare(warehouse, [("20000", "30000", "2024-03-01")], header=WITH_TIME, name="3.csv", at=INGESTED + DAY)
    assert onward.is_restatement
    assert [row for row in standing(rows) if row[1] == "30000"] == [
        ("13085", "30000", "3"), ("13086", "30000", "2"), ("20000", "30000", "1"),
    ]  # fmt: skip
    retract(warehouse, onward.batch_id, retracted_at=INGESTED + 2 * DAY)
    assert len(standing(rows)) == 4
    retract(warehouse, report.batch_id, retracted_at=INGESTED + 2 * DAY)
    assert standing(rows) == [] and rows("quarantine_aliases", "batch_id") == [(other.batch_id,)] * 2


def test_random_aliases_in_random_files_lead_where_following_them_leads(warehouse, rows):
    chance = random.Random(3)
    ids = [f"c{n}" for n in range(40)]
    pairs = [(ids[n], ids[chance.randrange(n + 1, min(n + 9, 40))]) for n in chance.sample(range(39), 30)]
    for n in range(3):
        declare(warehouse, pairs[n::3], name=f"{n}.csv")
    links = {alias: (customer, INGESTED) for alias, customer in pairs}
    longest = {}
    for alias, customer, count in standing(rows):
        if int(count) >= longest.get(alias, (0, ""))[0]:
            longest[alias] = (int(count), customer)
    assert {alias: customer for alias, (_, customer) in longest.items()} == {a: person_of(a, links) for a in links}


def test_what_cannot_be_taken_in_is_refused_and_nothing_is_written(warehouse, tmp_path):
    chain = [(f"n{n:02}", f"n{n + 1:02}") for n in range(MOST_LINKS + 1)]
    refused = [
        (DataContractError, "'customer_id' is missing. Did you mean 'custmer_id'", {"header": "alias_id,custmer_id"}),
        (DataContractError, "first load of source aliases, and none of its 0 rows", {"pairs": []}),
        (DataContractError, "is empty: a header line", {"pairs": [], "header": ""}),
        (DataContractError, "(?s)alias_of_itself: 1 rows, such as", {"pairs": [("a", "a")]}),
        (DataContractError, "(?s)1 of 2 rows .50.0%. break a rule.*allows 20.0%",
         {"pairs": [("a", "a"), ("b", "c")], "quarantined_share_limit": 0.2}),
        (DataContractError, f"more than {MOST_LINKS} aliases lead on to one another, as from 'n00'", {"pairs": chain}),
        (ConfigurationError, "ends in .csv .*or .parquet", {"name": "aliases.txt"}),
        (ConfigurationError, "no time zone", {"at": datetime(2024, 1, 1)}),  # noqa: DTZ001
    ]  # fmt: skip
    for error, said, how in refused:
        with pytest.raises(error, match=said):
            declare(warehouse, **{"pairs": [("a", "b")], **how})
    with pytest.raises(ConfigurationError, match="does not exist"):
        ingest_aliases(warehouse, str(tmp_path / "none.csv"), ingested_at=INGESTED, run_id="r")
    spark = warehouse.spark
    spark.createDataFrame([(1.0, "b")], "alias_id double, customer_id string").write.parquet(
        str(tmp_path / "d.parquet")
    )
    with pytest.raises(DataContractError, match="'alias_id' is double"):
        ingest_aliases(warehouse, str(tmp_path / "d.parquet"), ingested_at=INGESTED, run_id="r")
    assert not warehouse.exists("customer_aliases") and not warehouse.exists("ingest_runs")
    assert declare(warehouse, chain[:-1]).rows_accepted == MOST_LINKS


def test_parquet_and_delta_are_read_with_their_types(warehouse, tmp_path, rows):
    frame = warehouse.spark.createDataFrame(
        [(13085, "p", datetime(2024, 1, 1, tzinfo=UTC))], "alias_id bigint, customer_id string, known_at timestamp"
    )
    frame.write.parquet(str(tmp_path / "a.parquet"))
    frame.selectExpr("'q' alias_id", "customer_id").write.format("delta").save(str(tmp_path / "merged"))
    for path in ("a.parquet", "merged"):
        ingest_aliases(warehouse, str(tmp_path / path), ingested_at=INGESTED, run_id="r")
    assert standing(rows) == [("13085", "p", "1"), ("q", "p", "1")]


def test_an_alias_without_a_time_is_known_after_all_that_was_taken_in_before(warehouse, rows):
    add_batch(warehouse, [order_line("b", datetime(2024, 1, 1, tzinfo=UTC))])
    report = declare(warehouse, [("b", "a")], at=INGESTED - DAY)
    assert report.ingested_at == INGESTED + timedelta(microseconds=1) == last_taken_in(warehouse)
    assert report.first_event_time == datetime(2024, 1, 1, tzinfo=UTC) and not report.is_restatement
    assert rows("customer_aliases", "known_at") == [("2024-12-01 00:00:00.000001",)]


def test_interrupted_between_any_two_writes_it_ends_as_a_clean_one(warehouse, rows, monkeypatch):
    declare(warehouse, [("a", "b")], name="1.csv")
    file = [("b", "c"), ("x", "x")]
    for number in range(4):  # the rank, the aliases, the rows set aside, the counts: each attempt does the next
        with killed_at(monkeypatch, 0, after=True):
            declare(warehouse, file, name="2.csv", at=INGESTED + number * DAY)
    report = declare(warehouse, file, name="2.csv")
    assert (report.batch_seq, counts(report.fed_again())) == (2, (2, 0, 0, 2))
    assert standing(rows) == [("a", "b", "1"), ("a", "c", "2"), ("b", "c", "1")]
    assert rows("quarantine_aliases", "reasons") == [("[alias_of_itself]",)]
    assert rows("ingest_runs", "batch_seq", "rows_accepted", "status") == [("1", "1", "done"), ("2", "1", "done")]


def test_an_append_that_came_second_is_judged_again(warehouse, rows, monkeypatch):
    """Another file is taken in after this one was judged: their aliases lead on to one another all the same."""
    append, others = Warehouse.append, iter([[("b", "c")]])

    def late(self, table, *arguments, **named):
        if table.name == "customer_aliases":
            for pairs in others:
                declare(warehouse, pairs, name="other.csv")
        append(self, table, *arguments, **named)

    monkeypatch.setattr(Warehouse, "append", late)
    declare(warehouse, [("a", "b")], name="own.csv")
    assert standing(rows) == [("a", "b", "1"), ("a", "c", "2"), ("b", "c", "1")]
