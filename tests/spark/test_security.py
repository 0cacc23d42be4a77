"""What configuration and queries can make Spark do: read rows of the warehouse, and nothing else."""

from __future__ import annotations

import pytest
import yaml
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError
from jobs.asked_queries import FILES_AS_TABLES, asked_query
from jobs.main import main
from tests.spark.ingest.conftest import HEADER, SHOP, line

SECRET = "hunter2"


@pytest.fixture
def taken_in(spark, tmp_path, capsys):
    """A warehouse with one order line; the words that every command ends with."""
    (tmp_path / "shop.yml").write_text(yaml.safe_dump(SHOP))
    (tmp_path / "orders.csv").write_text(f"{HEADER}\n{line()}\n")
    where = ["--warehouse", str(tmp_path / "w")]
    fed = ["ingest", "--source", str(tmp_path / "shop.yml"), "--input", str(tmp_path / "orders.csv"), *where]
    assert main(fed) == 0, capsys.readouterr().err
    return where


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from nobody", "nobody"),
        ("select 1 / 0", "DIVIDE_BY_ZERO"),
        ("select raise_error('so it is')", "so it is"),
        ("select from events_orders where", "query"),
        ("select cast(concat('no', customer_id) as date) from events_orders", "CAST_INVALID_INPUT"),
        ("select * from text.`/etc/passwd`", "plain name"),
    ],
)
def test_a_query_that_cannot_be_answered_is_its_authors_to_mend(taken_in, capsys, query, said):
    assert main(["sql", query, *taken_in]) == 2
    shown = capsys.readouterr().err
    assert said in shown and "Traceback" not in shown


def test_a_file_is_no_table_for_spark_either_and_is_one_again_afterwards(spark, tmp_path):
    (tmp_path / "x.txt").write_text(SECRET)
    query = f"select * from text.`{tmp_path}/x.txt`"
    with pytest.raises(ConfigurationError, match="asked"), asked_query(spark, "asked"):
        spark.sql(query).collect()
    assert spark.conf.get(FILES_AS_TABLES) == "true"
    assert spark.sql(query).first()[0] == SECRET


def test_nothing_stands_for_an_environment_variable(spark, monkeypatch):
    """Spark's own default puts settings and variables in the place of ${...}, in queries and in expressions."""
    shown = spark.range(1).select(F.expr("'${env:PATH}'"), F.expr("'${spark.sql.session.timeZone}'")).first()
    assert tuple(shown) == ("${env:PATH}", "${spark.sql.session.timeZone}")
    assert spark.sql("select '${env:PATH}'").first()[0] == "${env:PATH}"


def test_a_value_is_text_whatever_it_holds(taken_in, capsys):
    for value in ("' or '1' = '1", "\\' or 1 = 1 -- ", "${env:PATH}", "13085"):
        asked = ["sql", "select count(*) n from events_orders where customer_id = :who", "--value", f"who={value}"]
        assert main([*asked, *taken_in]) == 0
        assert ("|1  |" in capsys.readouterr().out) == (value == "13085")
