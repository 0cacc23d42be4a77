"""What people really type and feed: each command ends with its status and says what to do; nothing is lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import yaml

from jobs.main import main
from tests.events import add_batch, order_line
from tests.spark.ingest.conftest import HEADER, SHOP, line

GOOD = line(order="good")
FILES = {
    "empty": ("", 3, "empty"),
    "other delimiter": ("\n".join([HEADER, GOOD]).replace(",", ";"), 3, "customer"),
    "missing column": ("customer,order,line,sku,pieces,at\n1,2,3,4,5,2024-01-02 10:00:00", 3, "price"),
    "all rows bad": ("\n".join([HEADER, line(customer=""), line(at="yesterday")]), 3, "customer_id_missing"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop.yml").write_text(yaml.safe_dump(SHOP))
    return tmp_path


def ingest(folder, text=None, *, source="shop.yml", encoding="utf-8"):
    if text is not None:
        (folder / "orders.csv").write_bytes(text.encode(encoding))
    return main(["ingest", "--source", str(folder / source), "--input", str(folder / "orders.csv"),
                 "--warehouse", str(folder / "w")])  # fmt: skip


@pytest.mark.parametrize(("text", "status", "said"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_taken_in(spark, folder, text, status, said, capsys):
    assert ingest(folder, text) == status
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert not (folder / "w" / "events_orders").exists()


def test_a_file_that_is_not_there(spark, folder, capsys):
    assert ingest(folder) == 2
    assert "orders.csv" in capsys.readouterr().err


def test_a_zone_that_does_not_exist(spark, folder, capsys):
    (folder / "moon.yml").write_text(yaml.safe_dump({**SHOP, "time_zone": "Europe/Lodnon"}))
    assert ingest(folder, "\n".join([HEADER, GOOD]), source="moon.yml") == 2
    assert "Europe/London" in capsys.readouterr().err


def test_odd_rows_are_set_aside_and_odd_names_kept(spark, folder, capsys):
    odd = [line(customer='"O""Brien, ü\U0001f6d2\'; --"', order="odd"), line(price='"1,234.50"'), line(price="1e400"),
           line(at="2023-02-29 10:00:00"), line(pieces="1e400")]  # fmt: skip
    assert ingest(folder, "\n".join([HEADER, GOOD, *odd])) == 0
    assert "6 rows read = 2 accepted + 4 quarantined + 0 duplicate" in capsys.readouterr().out
    assert main(["sql", "select customer_id from events_orders", "--warehouse", str(folder / "w")]) == 0
    assert "O\"Brien, ü\U0001f6d2'; --" in capsys.readouterr().out


def test_dates_that_nothing_is_known_of(warehouse, capsys):
    add_batch(warehouse, [order_line("a", datetime(2024, 1, 5, tzinfo=UTC))],
              complete_through=datetime(2024, 2, 1, tzinfo=UTC))  # fmt: skip
    for words, status, said in [
        (["build_features", "--as-of", "2024-01-05"], 3, "no event lies before 2024-01-05"),
        (["build_features", "--as-of", "2024-02-02"], 2, "--allow-incomplete"),
        (["build_features", "--start", "2024-01-07"], 2, "--start and --end"),
        (["score", "--as-of", "2024-01-20"], 3, "spark-submit.sh train"),
        (["build_training_set", "--label", "churn_60d"], 3, "days"),
        (["train", "--as-of", "2024-01-20"], 3, "Load 255 more days"),
    ]:
        assert main([*words, "--warehouse", warehouse.root]) == status
        shown = capsys.readouterr().err
        assert said in shown, shown
        assert "Traceback" not in shown


@pytest.mark.deep
def test_aliases_are_declared_repaired_and_taken_back_by_commands(spark, folder, capsys):
    bought = [line(customer=f"{n}", order=f"{n}") for n in range(20000, 20020)]
    assert ingest(folder, "\n".join([HEADER, *bought])) == 0
    (folder / "good.csv").write_text("alias_id,customer_id\n20000,20001\n20002,20001\n20002,20001\n")
    (folder / "other.csv").write_text("alias,customer_id\n20000,20001\n")
    (folder / "empty.csv").write_text("alias_id,customer_id\n")
    build = ["build_features", "--view", "orders", "--dates", "2024-01-03", "--allow-incomplete"]
    good = ["ingest", "--aliases", str(folder / "good.csv")]
    for words, status, said in [
        (["ingest", "--aliases", str(folder / "other.csv")], 3, "'alias_id' is missing. Did you mean 'alias'"),
        (["ingest", "--aliases", str(folder / "empty.csv")], 3, "first load of source aliases"),
        (["ingest", "--aliases", str(folder / "god.csv")], 2, "Did you mean 'good.csv'"),
        ([*good, "--source", str(folder / "shop.yml")], 2, "leave --source and --input out"),
        (build, 0, "orders: 1 snapshots built: 1 folded (20 rows)"),
        (good, 0, "3 rows read = 2 accepted + 0 quarantined + 1 duplicate"),
        (good, 0, "3 rows read = 0 accepted + 0 quarantined + 3 duplicate"),
        ([*build, "--dry-run"], 0, "repair    2 new aliases of 3 customers"),
        (build, 0, "orders: 1 snapshots built: 1 repaired (18 rows)"),
        (["verify", "--sample", "100"], 0, ""),
    ]:
        assert main([*words, "--warehouse", str(folder / "w")]) == status, words
        shown = capsys.readouterr()
        assert said in shown.out + shown.err
    for source, *said in [
        ("aliases", "2 aliases, 0 quarantined rows", "orders: 1 snapshots built again"),
        ("orders", "orders: 1 snapshots are not used until orders has a batch again"),
    ]:
        query = f"select substr(batch_id, 1, 12) id from ingest_runs where source = '{source}'"
        batch = read_id(query, folder, capsys)
        assert main(["ingest", "--retract", batch, "--warehouse", str(folder / "w")]) == 0
        shown = capsys.readouterr().out
        assert all(one in shown for one in said), shown
    assert main([*build, "--warehouse", str(folder / "w")]) == 3
    assert "has no ingested batch" in capsys.readouterr().err


def read_id(query, folder, capsys):
    assert main(["sql", query, "--warehouse", str(folder / "w")]) == 0
    return re.search(r"\b[0-9a-f]{12}\b", capsys.readouterr().out)[0]
