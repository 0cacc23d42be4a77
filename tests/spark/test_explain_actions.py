"""`score --explain-actions`: the rules without scores, what they come to with scores, and the record of a run."""

from __future__ import annotations

import argparse
import json
from datetime import date
from io import StringIO

import pytest
from pyspark.sql import functions as F
from rich.console import Console

from jobs.actions import acting, actions_of, explain_actions, record_actions
from jobs.run import Run
from jobs.score_tables import SCORES
from jobs.settings import load_settings

DAY = date(2011, 12, 9)
ROWS = [("a", 0.9, 900.0, "CRITICAL"), ("b", 0.9, 0.0, "CRITICAL"), ("c", 0.5, None, "MEDIUM"), ("d", None, 80.0, None)]


@pytest.fixture
def run(spark, tmp_path):
    """A run on an empty warehouse that prints into memory, in the session of the tests."""
    settings = load_settings(assignments=[f"warehouse={tmp_path / 'lakehouse'}", "actions.budget=500"])
    run = Run(argparse.Namespace(job="score", as_of=None, verbose=False), settings)
    run.spark, run.out = spark, Console(width=200, file=StringIO(), record=True)
    return run


def test_rules_are_told_then_what_they_come_to_and_a_run_keeps_what_decided(run: Run) -> None:
    explain_actions(run)
    told = run.out.export_text()
    assert "win_back" in told and "Budget of a run: 500.00" in told and "no scores yet" in told

    rows = run.spark.createDataFrame(
        ROWS, "customer_id string, churn_probability double, expected_spend_90d double, churn_risk_level string"
    )
    absent = {one.name: F.lit(None).cast(one.type) for one in SCORES.columns if one.name not in rows.columns}
    scores = rows.withColumns({**absent, "as_of_date": F.lit(DAY)})
    with acting(scores, actions_of(run), as_of=DAY) as done:
        run.warehouse.replace(SCORES, done.rows, where=f"as_of_date = DATE'{DAY}'")
    written = {row["customer_id"]: row for row in run.warehouse.read(SCORES.name).collect()}
    assert {name: row["recommended_actions"] for name, row in written.items()} == {
        "a": ["win_back"], "b": [], "c": ["remind"], "d": []
    }  # fmt: skip
    assert written["a"]["holdout"] is not None and written["a"]["expected_net_value"] > 0
    assert (written["b"]["holdout"], written["b"]["expected_net_value"]) == (None, -0.25)
    assert (written["c"]["holdout"], written["c"]["expected_net_value"]) == (None, None)

    record_actions(run, done, DAY)
    run.record()
    kept = json.loads(run.warehouse.records("job_runs", ["results"])[0]["results"])
    assert (kept["chosen"], kept["budget"], kept["holdout"]["share"]) == (1, 500.0, 0.1)
    assert kept["rules"]["win_back"]["recommended"] == 1 and len(kept["rules_fingerprint"]) == 16

    explain_actions(run)
    told = run.out.export_text()
    assert f"These rules on the scores of {DAY}" in told
    line = next(one for one in told.splitlines() if one.startswith("│ all "))
    assert [cell.strip() for cell in line.split("│")[3:5]] == ["1", str(int(written["a"]["holdout"]))]
    run.arguments.as_of = date(2011, 12, 10)
    explain_actions(run)
    assert f"no scores of 2011-12-10 (scored dates: {DAY})" in run.out.export_text()
