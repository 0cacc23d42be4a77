"""Tables of records are Delta tables like any other: Spark reads what it did not write, and who crosses finds out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from featurestore.errors import EnvironmentProblem
from featurestore.record_tables import add_records, opened, put_records, replace_records
from featurestore.schemas import Column
from featurestore.tables import Table, Transaction, until_committed

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
KEPT = Table("kept", (Column("name", "string", "Who, it's \"told\""), Column("day", "date", "When"),
                      Column("at", "timestamp", "Instant"), Column("counts", "map<string,array<bigint>>", "Of what"),
                      Column("rows", "bigint", "How many")), "What was kept")  # fmt: skip


def row(name, rows, counts=None):
    return [name, date(2024, 6, 1), NOW, counts, rows]


def held(warehouse):
    return {one["name"]: one["rows"] for one in warehouse.read("kept").collect()}


def test_spark_reads_the_columns_with_their_comments_and_every_kind_of_value(warehouse):
    opened(warehouse, KEPT)
    read = warehouse.read("kept")
    assert [(one.name, one.dataType.simpleString(), one.metadata["comment"]) for one in read.schema] == [
        (one.name, one.type, one.comment) for one in KEPT.columns
    ]
    assert read.isEmpty() and warehouse.declared("kept").comment == "What was kept"
    put_records(warehouse, KEPT, [row("a", 1, {"x": [1, 2]}), row("b", 2)], keys=("name",))
    one, other = warehouse.read("kept").orderBy("name").collect()
    assert (one["counts"], other["counts"]) == ({"x": [1, 2]}, None)
    assert (one["day"], one["at"]) == (date(2024, 6, 1), NOW.replace(tzinfo=None))
    assert warehouse.records("kept", ["name", "at"])[0] == {"name": "a", "at": NOW}


def test_put_replaces_its_keys_replace_its_predicate_and_a_transaction_counts_once(warehouse):
    put_records(warehouse, KEPT, [row("a", 1), row("b", 2)], keys=("name",))
    put_records(warehouse, KEPT, [row("b", 3), row("c", 4)], keys=("name", "day"))
    assert held(warehouse) == {"a": 1, "b": 3, "c": 4}
    replace_records(warehouse, KEPT, [row("b", 5)], where="name = 'b'")
    assert held(warehouse) == {"a": 1, "b": 5, "c": 4}
    for rows in (6, 7):
        add_records(warehouse, KEPT, [row("d", rows)], transaction=Transaction("one"))
    add_records(warehouse, KEPT, [row("e", 8)], transaction=Transaction("one", 1))
    assert held(warehouse) == {"a": 1, "b": 5, "c": 4, "d": 6, "e": 8}
    assert warehouse.journal.take(warehouse.version).written == {"kept": 5}


def test_a_table_of_before_gains_the_columns_that_are_declared_since(warehouse):
    put_records(warehouse, replace(KEPT, columns=KEPT.columns[:3]), [row("a", 1)[:3]], keys=("name",))
    put_records(warehouse, KEPT, [row("b", 2)], keys=("name",))
    assert held(warehouse) == {"a": None, "b": 2}
    assert warehouse.read("kept").schema["rows"].metadata == {"comment": "How many"}


def test_a_writer_that_crossed_another_asks_again(warehouse, monkeypatch):
    put_records(warehouse, KEPT, [row("a", 1)], keys=("name",))
    stale = DeltaTable(warehouse.path("kept"))
    add_records(warehouse, KEPT, [row("b", 2)], transaction=Transaction("rank", 1))
    with monkeypatch.context() as patched:
        patched.setattr("featurestore.record_tables.opened", lambda *_: stale)
        with pytest.raises(CommitFailedError):
            add_records(warehouse, KEPT, [row("c", 3)], transaction=Transaction("rank", 1))
        tables = iter([stale, DeltaTable(warehouse.path("kept"))])
        patched.setattr("featurestore.record_tables.opened", lambda *_: next(tables))
        until_committed(lambda: put_records(warehouse, KEPT, [row("b", 4)], keys=("name",)), what="kept")
        patched.setattr("featurestore.record_tables.opened", lambda *_: stale)
        with pytest.raises(EnvironmentProblem, match="kept: another writer committed first, 3 times"):
            until_committed(lambda: put_records(warehouse, KEPT, [row("a", 5)], keys=("name",)), what="kept")
    assert held(warehouse) == {"a": 1, "b": 4}
