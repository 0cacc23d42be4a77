"""A campaign list as a file: the rows that were asked for, whole or not at all, harmless in a spreadsheet."""

from __future__ import annotations

import csv

import pyarrow.parquet as pq
import pytest

from featurestore.schemas import Column
from featurestore.tables import Table
from jobs.export import whole_file
from jobs.main import main

LISTS = Table(
    "lists",
    (
        Column("customer_id", "string", "Customer"),
        Column("spend", "double", "Currency"),
        Column("recommended_actions", "array<string>", "Actions"),
        Column("reasons", "array<struct<feature:string,text:string>>", "Reasons"),
        Column("model_versions", "map<string,string>", "Versions"),
        Column("holdout", "boolean", "Left alone"),
    ),
    "Scores of a test",
)
ROWS = [
    (
        "=cmd|x",
        -5.5,
        ["call", "gift; small"],
        [("recency", "no order for 9 days"), ("n", "-2 orders")],
        {"a": "1"},
        True,
    ),
    ("b", 20.0, ["@home"], [], {}, False),
    ("c", None, None, None, None, None),
    ("d", 1.0, [], None, None, None),
]


@pytest.fixture
def lists(warehouse, spark):
    ddl = ", ".join(f"{column.name} {column.type}" for column in LISTS.columns)
    warehouse.replace(LISTS, spark.createDataFrame(ROWS, ddl), where="true")
    return ["export", "--warehouse", warehouse.root, "--table", "lists"]


@pytest.mark.usefixtures("spark")
def test_a_file_for_spreadsheets_has_texts_and_no_formulas(lists, tmp_path, capsys):
    to = tmp_path / "list.csv"
    assert main([*lists, "--to", str(to)]) == 0, capsys.readouterr().err
    with to.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert header == [column.name for column in LISTS.columns]
    assert rows == [
        ["'=cmd|x", "-5.5", "call; gift; small", "no order for 9 days; -2 orders", '{"a":"1"}', "true"],
        ["b", "20.0", "'@home", "", "{}", "false"],
        ["c", "", "", "", "", ""],
        ["d", "1.0", "", "", "", ""],
    ]
    assert main([*lists, "--to", str(to)]) == 2
    assert "add --overwrite" in capsys.readouterr().err
    best = ["--where", "spend > 0", "--columns", "spend,customer_id", "--order-by", "spend desc", "--limit", "1"]
    assert main([*lists, "--to", str(to), "--overwrite", *best]) == 0
    assert to.read_text() == "spend,customer_id\n20.0,b\n"
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["list.csv"]


@pytest.mark.usefixtures("spark")
def test_a_parquet_file_keeps_types(lists, tmp_path):
    to = tmp_path / "list.parquet"
    assert main([*lists, "--to", str(to), "--order-by", "spend desc"]) == 0
    found = pq.read_table(to).to_pylist()
    assert [row["customer_id"] for row in found] == ["b", "d", "=cmd|x", "c"]
    assert found[2]["reasons"][0] == {"feature": "recency", "text": "no order for 9 days"}
    assert found[2]["recommended_actions"] == ["call", "gift; small"] and found[3]["spend"] is None


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--columns", "spend,holdot"], "Did you mean 'holdout'"),
        (["--where", "spnd > 1"], "does not fit the table"),
        (["--where", "spend >"], "not a query"),
        (["--where", "1=1); drop table lists; --"], "one query"),
    ],
)
def test_what_does_not_fit_the_table_is_said_and_leaves_no_file(lists, tmp_path, capsys, words, said):
    assert main([*lists, "--to", str(tmp_path / "x.csv"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not [entry for entry in tmp_path.iterdir() if entry.is_file()]


def test_a_file_that_fails_half_way_is_not_there_and_the_old_one_stays(tmp_path):
    target = tmp_path / "list.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target, run_id="r", overwrite=True) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("list.csv", "old")]
