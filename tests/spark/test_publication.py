"""The gate before the newest scores, in tables: what stops leaves them as they were, and is written down."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

import jobs.score
from featurestore.snapshot_records import among
from jobs.main import main
from jobs.publication import publish_step
from jobs.publication_tables import published_before
from jobs.score import keep_latest
from jobs.score_summary import compared, scores_of
from jobs.score_tables import COLUMNS, SCORES
from models.publication.portrait import portraits

FIRST, SECOND, THIRD = date(2024, 1, 1), date(2024, 1, 29), date(2024, 2, 26)
RUN = datetime(2024, 3, 1, tzinfo=UTC)
SCHEMA = "customer_id string, churn_probability double, expected_spend_90d double"


def scores(spark, day: date, *, shift: float = 0.0):
    """Three hundred customers, the last thirty without a score; `shift` lifts all probabilities."""
    rng = np.random.default_rng(5)
    churn = np.clip(rng.beta(2, 3, 300) + shift, 0, 1)
    frame = pd.DataFrame({"customer_id": [f"c{at:03d}" for at in range(300)], "churn_probability": churn,
                          "expected_spend_90d": rng.lognormal(3, 1, 300)})  # fmt: skip
    made = spark.createDataFrame(frame, SCHEMA)
    known = F.col("customer_id") < "c270"
    level = F.when(F.col("churn_probability") >= 0.6, "HIGH").otherwise("LOW")
    given = {
        "as_of_date": F.lit(day), "churn_probability": F.when(known, F.col("churn_probability")),
        "churn_risk_level": F.when(known, level), "lifecycle": F.when(known, "active").otherwise("inactive"),
        "rfm_segment": F.when(known, "Loyal Customers"), "scored_at": F.lit(RUN), "run_id": F.lit("r"),
        "model_versions": F.create_map(F.lit("churn"), F.lit("3")),
    }  # fmt: skip
    return made.select(*[
        given.get(c.name, F.col(c.name) if c.name in made.columns else F.lit(None)).cast(c.type).alias(c.name)
        for c in COLUMNS
    ])  # fmt: skip


@pytest.fixture
def score(spark, warehouse, monkeypatch, capsys):
    """Runs the job on made-up scores instead of models: its status and what it said."""

    def written(run):
        frame = scores(spark, run.arguments.as_of, shift=shifts[run.arguments.as_of])
        run.warehouse.replace(SCORES, frame, where=among([run.arguments.as_of]))
        publish_step(run, run.arguments.as_of, move=keep_latest, anyway=run.arguments.publish_anyway)

    shifts = dict.fromkeys((FIRST, SECOND, THIRD), 0.0)
    monkeypatch.setattr(jobs.score, "run", written)

    def command(day: date, *more: str, shift: float = 0.0):
        shifts[day] = shift
        status = main(["score", "--as-of", str(day), "--warehouse", warehouse.root, *more])
        said = capsys.readouterr()
        return status, said.out + said.err

    return command


def newest(warehouse) -> set[date]:
    return {row[0] for row in warehouse.read("customer_scores_latest").select("as_of_date").distinct().collect()}


def decisions(warehouse) -> list[tuple]:
    rows = warehouse.read("publications").orderBy("as_of_date").collect()
    return [(row["as_of_date"], row["previous_date"], row["decision"]) for row in rows]


def test_a_stopped_publication_leaves_the_newest_scores_until_asked_again(score, warehouse):
    status, said = score(FIRST)
    assert status == 0 and "nothing to compare with" in said, said
    status, said = score(SECOND, shift=0.4)
    assert status == 3 and "a stopped publication" in said and "publication.mean_probability.stop" in said, said
    assert newest(warehouse) == {FIRST}
    assert warehouse.rows_by_date("customer_scores") == {FIRST: 300, SECOND: 300}
    page = warehouse.root + "/reports/scores_2024-01-29.html"
    assert "not the newest view" in Path(page).read_text()

    assert published_before(warehouse, THIRD) == FIRST  # not what was stopped
    status, said = score(SECOND, "--publish-anyway", shift=0.4)
    assert status == 0 and "publication: published anyway" in said, said
    assert newest(warehouse) == {SECOND}
    assert decisions(warehouse) == [
        (FIRST, None, "published"), (SECOND, FIRST, "published anyway"),
    ]  # fmt: skip
    again = Path(warehouse.root) / "again.html"
    assert main(["report", "--scores", "--as-of", str(SECOND), "--out", str(again), "--warehouse", warehouse.root]) == 0
    assert again.read_text() == Path(page).read_text()
    [row] = warehouse.read("publications").where(f"as_of_date = DATE'{SECOND}'").collect()
    assert row["findings"][0]["level"] == "stop" and row["customers"] == 300


def test_a_part_of_the_customers_is_held_against_itself(spark, warehouse):
    warehouse.replace(SCORES, scores(spark, FIRST), where=among([FIRST]))
    warehouse.replace(SCORES, scores(spark, SECOND).where("customer_id < 'c010'"), where=among([SECOND]))
    now, before = compared(scores_of(warehouse, SECOND, FIRST, part=True), SECOND, FIRST)
    assert (now.customers, before.customers) == (10, 10)
    assert now.scores["churn_probability"].counts == before.scores["churn_probability"].counts
    assert published_before(warehouse, SECOND) == FIRST  # scored before there was a gate


def test_the_figures_of_a_date_are_those_of_its_rows(spark):
    rows = scores(spark, FIRST).toPandas()
    made = portraits(scores(spark, FIRST), [FIRST, SECOND])
    one, churn = made[FIRST], made[FIRST].scores["churn_probability"]
    assert (one.customers, made[SECOND].customers, churn.nulls, churn.scored) == (300, 0, 30, 270)
    assert churn.mean == pytest.approx(rows["churn_probability"].mean())
    expected = np.histogram(rows["churn_probability"].dropna(), bins=np.arange(21) / 20)[0]
    assert [churn.counts.get(place, 0) for place in range(20)] == expected.tolist()
    spend = one.scores["expected_spend_90d"]
    assert spend.counts == np.floor(np.log2(rows["expected_spend_90d"])).add(6).astype(int).value_counts().to_dict()
    high = rows[rows["churn_risk_level"] == "HIGH"]
    assert one.count("churn_risk_level", "HIGH") == len(high)
    at_risk = one.groups["churn_risk_level"]["HIGH"].at_risk["expected_spend_90d"]
    assert at_risk == pytest.approx((high["churn_probability"] * high["expected_spend_90d"]).sum())
    assert list(one.of("model_versions")) == ['{"churn":"3"}']
