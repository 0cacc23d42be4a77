"""What people really type and feed: each command ends with its status and says what to do; nothing is lost."""

from __future__ import annotations

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
