"""A small scored warehouse: made of rows that a test names, by the functions that scoring calls."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame

from featurestore.snapshot_records import among
from featurestore.tables import Warehouse
from jobs.score import keep_latest
from jobs.score_tables import SCORES

FIRST, SECOND = date(2024, 5, 1), date(2024, 6, 10)
DDL = ", ".join(f"`{column.name}` {column.type}" for column in SCORES.columns)


def score(customer: str, level: str | None = "HIGH", *, chance: float | None = None, spend: float | None = 10.0,
          **others: Any) -> dict[str, Any]:  # fmt: skip
    """One customer's scores; what is not said is NULL, or the same for everyone."""
    usual = {"LOW": 0.1, "MEDIUM": 0.5, "HIGH": 0.7, "CRITICAL": 0.9}
    known = {
        "customer_id": customer, "churn_risk_level": level, "expected_spend_90d": spend,
        "churn_probability": usual[level] if level and chance is None else chance,
        "purchase_probability_30d": 0.25, "rfm_segment": "Champions", "model_versions": {"churn": "3"},
        "lifecycle": "active" if level else "inactive", "calibration_status": {"churn": "seasonal", "active": "none"},
    }  # fmt: skip
    return {**known, **others}


BEFORE = [score("a", "LOW", spend=100.0), score("b", "HIGH", spend=40.0, purchase_probability_30d=0.75),
          score("gone", "CRITICAL", spend=5.0)]  # fmt: skip
NOW = [score("a", "CRITICAL", spend=90.0, rfm_segment="At Risk"), score("b", "HIGH", spend=41.5),
       score("c", None, spend=0.1 + 0.2, rfm_segment=None, purchase_probability_30d=0.75)]  # fmt: skip


def scores_frame(warehouse: Warehouse, day: date, rows: list[dict[str, Any]], *, run_id: str = "r1") -> DataFrame:
    """The rows as a frame with all columns of the scores."""
    lineage = {"as_of_date": day, "run_id": run_id, "scored_at": datetime(2024, 7, 1, tzinfo=UTC)}
    whole = [tuple({**row, **lineage}.get(column.name) for column in SCORES.columns) for row in rows]
    return warehouse.spark.createDataFrame(whole, DDL)


def write_scores(warehouse: Warehouse, day: date, rows: list[dict[str, Any]], *, run_id: str = "r1") -> None:
    """The scores of a date, and each customer's newest."""
    warehouse.replace(SCORES, scores_frame(warehouse, day, rows, run_id=run_id), where=among([day]))
    keep_latest(warehouse, day)
