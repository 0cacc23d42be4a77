"""The queries of sql/: each reads only, says what it answers, and finds what it should in a small scored warehouse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs.options.sql import only_reading, with_values
from jobs.sql import local_tables, refuse_other_values
from tests.conftest import ROOT
from tests.spark.score_rows import FIRST, SECOND

ORDERS = [
    ("b", datetime(2024, 5, 1, tzinfo=UTC), 9.0),  # at the scored midnight: counts
    ("a", datetime(2024, 5, 31, tzinfo=UTC), 9.0),  # at the end of its 30 days: does not
    ("gone", datetime(2024, 5, 2, tzinfo=UTC), -9.0),  # sent back: no order
]
RUNS = [("orders", "done", datetime(2024, 6, 10, tzinfo=UTC))]  # the second date is not over yet
SPEND = "expected_spend_90d"
EXPECTED = {
    "customers_at_risk": [
        ("a", "CRITICAL", 0.9, 90.0, SPEND, "At Risk", SECOND), ("b", "HIGH", 0.7, 41.5, SPEND, "Champions", SECOND),
        ("gone", "CRITICAL", 0.9, 5.0, SPEND, "Champions", FIRST),
    ],
    "one_customer": [
        (FIRST, "active", "Champions", "LOW", 0.1, None, 0.25, 100.0),
        (SECOND, "active", "At Risk", "CRITICAL", 0.9, 0.8, 0.25, 90.0),
    ],
    "risk_level_changes": [("a", "LOW", "CRITICAL", 90.0), ("gone", "CRITICAL", "(none)", None)],
    "segment_flows": [
        ("(absent)", "(none)", 1), ("Champions", "(absent)", 1), ("Champions", "At Risk", 1),
        ("Champions", "Champions", 1),
    ],
    "value_at_risk_by_segment": [
        ("At Risk", 1, 0.333, 1, 90.0, 90.0, 1.0), ("Champions", 1, 0.333, 1, 41.5, 41.5, 1.0),
        ("(none)", 1, 0.333, 0, 0.3, None, None),
    ],
    "calibration_of_purchase": [(FIRST, 1, 1, 0.25, 0.0), (FIRST, 2, 1, 0.25, 0.0), (FIRST, 3, 1, 0.75, 1.0)],
    "campaign_list": [("a", "CRITICAL", "At Risk", 90.0), ("b", "HIGH", "Champions", 41.5)],
    "score_drift": [
        ("churn_probability", FIRST, 3, 0.0, 0.5667, None, 0.7),
        ("churn_probability", SECOND, 3, 0.333, 0.8, 0.2333, 0.7),
    ],
    "models_served": [(FIRST, "churn", "3", 3), (SECOND, "churn", "3", 3)],
}  # fmt: skip
WIDTHS = {"models_served": 4}
"""Columns that are compared, where the last is a time of writing."""
VALUES = {"one_customer": {"customer_id": "a"}, "campaign_list": {"at_least": "41.5"}}


@pytest.fixture(scope="module")
def by_name(spark, scored) -> None:
    """The scored tables, and the orders that then came, by their names."""
    for name in local_tables(scored):
        scored.read(name).createOrReplaceTempView(name)
    orders = spark.createDataFrame(ORDERS, "customer_id string, event_time timestamp, amount double")
    orders.createOrReplaceTempView("events_orders")
    runs = spark.createDataFrame(RUNS, "source string, status string, complete_through timestamp")
    runs.createOrReplaceTempView("ingest_runs")


def test_every_query_of_the_folder_is_held_to_its_answer():
    assert {file.stem for file in (ROOT / "sql").glob("*.sql")} == set(EXPECTED)


@pytest.mark.usefixtures("by_name")
@pytest.mark.parametrize("name", EXPECTED)
def test_a_query_says_what_it_answers_and_finds_it(spark, name):
    query = (ROOT / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    assert query.startswith("-- ") and "\n-- Reads: " in query
    values = VALUES.get(name, {})
    refuse_other_values(only_reading(query), values)
    found = [tuple(row)[: WIDTHS.get(name)] for row in spark.sql(with_values(query, values)).collect()]
    assert [row for row in found if name != "score_drift" or row[0] == "churn_probability"] == EXPECTED[name]
