"""What is made from scores: the same for all readers, right to the last digit, and fed on by what changed alone."""

from __future__ import annotations

import shutil

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F

from featurestore.table_layout import keep_in_order, layout
from featurestore.tables import Table, Warehouse
from jobs.score import keep_latest
from jobs.score_tables import LATEST, SCORES
from jobs.score_views import CUSTOMERS_AT_RISK, DISTRIBUTION, SEGMENT_SUMMARY, VIEWS, write_at_risk, write_summaries
from models.score_summaries import distributions
from tests.spark.score_rows import BEFORE, FIRST, SECOND, score, scores_frame, write_scores


def held(warehouse: Warehouse, table: str, *columns: str) -> list[tuple]:
    found = DeltaTable(warehouse.path(table)).to_pyarrow_table(columns=list(columns) or None)
    return sorted(tuple(row.values()) for row in found.to_pylist())


def test_whom_to_keep_is_the_newest_scores_of_high_risk_with_what_they_are_worth(scored):
    found = held(scored, CUSTOMERS_AT_RISK.name, "customer_id", "as_of_date", "value", "value_from")
    newest = [("a", SECOND, 90.0), ("b", SECOND, 41.5), ("gone", FIRST, 5.0)]
    assert found == [(*row, "expected_spend_90d") for row in newest]


def test_segments_hold_everyone_and_sums_have_no_dust(scored):
    columns = ("as_of_date", "scheme", "segment", "customers", "share", "mean_churn_probability",
               "sum_expected_spend_90d", "customers_at_risk", "spend_at_risk_90d")  # fmt: skip
    found = [row[2:] for row in held(scored, SEGMENT_SUMMARY.name, *columns) if row[:2] == (SECOND, "rfm_segment")]
    assert found == [
        ("(none)", 1, 1 / 3, None, 0.3, 0, None), ("At Risk", 1, 1 / 3, 0.9, 90.0, 1, 90.0),
        ("Champions", 1, 1 / 3, 0.7, 41.5, 1, 41.5),
    ]  # fmt: skip


def test_distributions_are_those_of_numpy_however_rows_are_cut(spark):
    rng = np.random.default_rng(5)
    spend = np.exp(rng.normal(3, 2, 997))
    rows = pd.DataFrame({"churn_probability": rng.beta(2, 3, 997), "expected_spend_90d": spend})
    rows.loc[:96, "churn_probability"] = None
    frame = spark.createDataFrame(rows).withColumn("churn_probability", F.nanvl("churn_probability", F.lit(None)))
    found = {row.score: row for row in distributions(frame.repartition(3)).collect()}
    assert found == {row.score: row for row in distributions(frame.coalesce(1)).collect()}
    chance, amount = found["churn_probability"], found["expected_spend_90d"]
    assert (chance.customers, chance.nulls, amount.nulls) == (997, 97, 0)
    known = np.sort(rows.churn_probability.dropna())
    exact = np.quantile(known, np.arange(1, 10) / 10, method="inverted_cdf")
    assert (chance.deciles - exact >= 0).all() and (chance.deciles - exact < 1e-3).all()
    exact = np.quantile(spend, np.arange(1, 10) / 10, method="inverted_cdf")
    np.testing.assert_allclose(amount.deciles, exact, rtol=0.01, atol=0.01)
    assert chance.mean == pytest.approx(known.mean(), abs=1e-9) and amount.mean == pytest.approx(spend.mean(), abs=1e-4)
    counted, _ = np.histogram(known, bins=[one["from"] for one in chance.histogram] + [1.0])
    assert [one.customers for one in chance.histogram] == counted.tolist()
    assert sum(one.customers for one in amount.histogram) == 997


def test_a_score_that_nobody_has_is_counted_and_has_no_mean(scored):
    columns = ("as_of_date", "score", "customers", "nulls", "mean", "deciles")
    rows = {row[:2]: row[2:] for row in held(scored, DISTRIBUTION.name, *columns)}
    assert rows[(SECOND, "active_probability_90d")] == (3, 3, None, None)
    assert rows[(SECOND, "churn_probability")][:3] == (3, 1, 0.8)


def test_spark_delta_rs_pandas_and_duckdb_read_the_same_rows(scored):
    for table in (SCORES, LATEST, *VIEWS):
        plain = [column.name for column in table.columns if "<" not in column.type]
        log = DeltaTable(scored.path(table.name))
        arrow = log.to_pyarrow_table(columns=plain)
        with duckdb.connect() as connection:
            connection.register("scores", log.to_pyarrow_dataset())
            by_duckdb = connection.execute(f"select {', '.join(plain)} from scores").fetchall()
        by_pandas = pa.Table.from_pandas(log.to_pandas(columns=plain), schema=arrow.schema)
        by_spark = in_order(by_row(scored.read(table.name).select(*plain).toArrow()))
        assert by_spark
        assert in_order(by_row(arrow)) == by_spark, table.name
        assert in_order(by_row(by_pandas)) == by_spark, table.name
        assert in_order(by_duckdb) == by_spark, table.name


def by_row(table: pa.Table) -> list[tuple]:
    return [tuple(row.values()) for row in table.to_pylist()]


def in_order(rows: list[tuple]) -> list[tuple]:
    return sorted(rows, key=lambda row: tuple(map(str, row[:3])))


def test_the_feed_of_the_newest_scores_holds_real_changes_alone(spark, warehouse):
    write_scores(warehouse, FIRST, BEFORE)
    since = warehouse.version(LATEST.name) + 1
    write_scores(warehouse, FIRST, BEFORE, run_id="r2")  # the same again, by another run
    moved = {**BEFORE[2], "model_versions": {"churn": "4"}}
    write_scores(warehouse, FIRST, [*BEFORE[:2], moved, score("new")], run_id="r3")
    reader = spark.read.format("delta").options(readChangeFeed="true", startingVersion=since)
    feed = reader.load(warehouse.path(LATEST.name)).select("customer_id", "_change_type", "model_versions.churn")
    found = sorted(map(tuple, feed.collect()))
    assert found == [
        ("gone", "update_postimage", "4"), ("gone", "update_preimage", "3"), ("new", "insert", "3"),
    ]  # fmt: skip
    by_delta_rs = DeltaTable(warehouse.path(LATEST.name)).load_cdf(starting_version=since).read_all()
    assert pa.table(by_delta_rs).num_rows == len(found)


def test_derived_again_all_are_the_same_even_from_newest_scores_that_were_made_anew(scored):
    once = {table.name: held(scored, table.name, *unlike_lineage(table)) for table in (LATEST, *VIEWS)}
    shutil.rmtree(scored.path(LATEST.name))
    for day in (SECOND, FIRST):  # an older date takes nothing back
        keep_latest(scored, day)
    write_summaries(scored, FIRST, run_id="r2")
    write_at_risk(scored)
    assert {table.name: held(scored, table.name, *unlike_lineage(table)) for table in (LATEST, *VIEWS)} == once


def unlike_lineage(table: Table) -> list[str]:
    return [column.name for column in table.columns if not column.lineage and "<" not in column.type]


def test_files_in_the_order_of_customers_open_one_for_a_lookup_and_change_no_row(spark, warehouse):
    rows = [score(f"c{at:04d}", "LOW") for at in range(400)]
    scores = scores_frame(warehouse, FIRST, rows).withColumn(
        "feature_fingerprint", F.expr("concat_ws('-', transform(sequence(1, 300), x -> uuid()))")
    )
    warehouse.replace(SCORES, scores.repartition(6, "customer_id"), where="as_of_date = DATE'2024-05-01'")
    before = held(warehouse, SCORES.name, "customer_id", "feature_fingerprint")
    assert layout(warehouse, SCORES.name, "customer_id").most_files == 6
    assert keep_in_order(warehouse, SCORES.name, "customer_id", file_mb=1, day=FIRST)
    found = layout(warehouse, SCORES.name, "customer_id", day=FIRST)
    assert found.files > 1 and found.most_files == 1
    assert held(warehouse, SCORES.name, "customer_id", "feature_fingerprint") == before
    assert keep_in_order(warehouse, SCORES.name, "customer_id", file_mb=1, day=FIRST) is None
    assert keep_in_order(warehouse, SCORES.name, "customer_id", file_mb=1, day=SECOND) is None


@pytest.mark.parametrize("table", [SCORES, LATEST, *VIEWS], ids=lambda table: table.name)
def test_every_table_and_column_says_what_it_is(scored, table):
    log = DeltaTable(scored.path(table.name))
    assert log.metadata().description == table.comment != ""
    assert [field.name for field in log.schema().fields if not field.metadata.get("comment")] == []
