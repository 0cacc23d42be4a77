"""Scores in their tables: some customers, only what has changed, older dates, slow runs, another model."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

import jobs.score
from featurestore.snapshot_records import among
from featurestore.tables import Transaction
from jobs.main import main
from jobs.score_tables import LATEST, SCORES
from models.calibrate import Calibrator
from models.heads import CHURN, PURCHASE
from models.registry import Registered
from models.score import Scorers
from tests.unit.models.bundles import small_bundle

BEFORE, DAY = date(2023, 12, 2), date(2023, 12, 30)
FEATURES = ("ratio", "money", "orders_count_180d")
SCHEMA = ("customer_id string, ratio double, money double, orders_count_180d bigint, orders_count_lifetime bigint, "
          "r_score int, f_score int, m_score int, rfm_segment string")  # fmt: skip
LINEAGE = [column.name for column in SCORES.columns if column.lineage]
SEASON = {"2022-12-03": 0.5, "2022-12-31": -0.25, "2023-06-01": 0.0}


def customers(**changed):
    """Twelve customers as the snapshot has them; `changed` says other values of some, None for one that is gone."""
    rows = {f"c{at:02}": (at / 4 - 1, None if at % 3 else float(at), at % 4, at, 3, 3, 3, "Loyal") for at in range(12)}
    rows |= changed
    return [(name, *values) for name, values in rows.items() if values is not None]


@pytest.fixture
def score(spark, warehouse, monkeypatch, capsys):
    """Runs the job on rows of its own, with models that a test may replace: its status and what it said.

    All but the gate and the summaries, which `test_publication` and `test_score_views` have: what is written is newest.
    """
    models = {"churn": Registered(small_bundle(CHURN, features=FEATURES), "1"),
              "purchase": Registered(small_bundle(PURCHASE, features=FEATURES, sign=-1.0), "1")}  # fmt: skip

    def run(day: date, *more: str, rows=None, **others):
        frame = spark.createDataFrame(rows or customers(), SCHEMA)
        monkeypatch.setattr(jobs.score, "read_features", lambda *_, dates: frame)
        monkeypatch.setattr(jobs.score, "champions", lambda _: {**models, **others})
        monkeypatch.setattr(jobs.score, "scorers_at", lambda _, __, heads: Scorers(heads))
        monkeypatch.setattr(jobs.score, "Now", _of_any_features(jobs.score.Now))
        monkeypatch.setattr(jobs.score, "write_summaries", lambda *_, **__: None)
        monkeypatch.setattr(jobs.score, "publish_step", lambda run, day, *, move, **_: move(run.warehouse, day))
        status = main(["score", "--as-of", str(day), "--warehouse", warehouse.root, *more])
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def _of_any_features(now):
    """The job's own, for a set of features called as the small models know it."""

    class Small(now):
        @classmethod
        def of(cls, run, as_of, scorers):
            features = type("Features", (), {"views": (), "fingerprint": "features-1", "feature_fingerprints": {}})
            run.features = lambda: features
            return super().of(run, as_of, scorers)

    return Small


def held(warehouse, table=SCORES, where="true"):
    """Rows by customer and date, but for lineage; when each was made."""
    rows = warehouse.read(table.name).where(where).collect()
    return {(row["customer_id"], row["as_of_date"]): tuple(row[c.name] for c in table.columns if not c.lineage)
            for row in rows}  # fmt: skip


def runs(warehouse, where="true"):
    return {row["customer_id"]: row["run_id"] for row in warehouse.read(SCORES.name).where(where).collect()}


def test_some_customers_are_scored_and_the_others_stay(score, warehouse, tmp_path):
    assert score(DAY)[0] == 0
    then, first = held(warehouse), runs(warehouse, among([DAY]))
    ids = tmp_path / "vips.csv"
    ids.write_text("name,customer_id\nA, c03\nB,c03\nC,nobody\nD,c07\n", "utf-8")
    other = customers(c03=(0.9, 1.0, 2, 3, 1, 1, 1, "Lost"), c04=(9.9, 1.0, 2, 3, 1, 1, 1, "Lost"))
    status, said = score(DAY, "--customers", str(ids), rows=other)
    assert status == 0 and "asked 3; unknown 1" in said and "1 of 3 ids that --customers names are not" in said, said
    now, made_by = held(warehouse), runs(warehouse, among([DAY]))
    assert {key for key in now if now[key] != then[key]} == {("c03", DAY)} and now.keys() == then.keys()
    assert {name for name in first if made_by[name] != first[name]} == {"c03", "c07"}
    assert held(warehouse, LATEST)["c03", DAY] == now["c03", DAY]

    query = "select customer_id from customer_scores_latest where churn_probability is null"
    assert score(DAY, "--customers", query, rows=other)[0] == 0
    outside = {name for (name, day), row in now.items() if day == DAY and row[2] is None}
    assert {name for name, run in runs(warehouse, among([DAY])).items() if run != made_by[name]} == outside != set()
    for wrong, why in ((str(tmp_path / "gone.csv"), "no file"), ("select 1 as customer", "no column 'customer_id'")):
        status, said = score(DAY, "--customers", wrong)
        assert status in (2, 3) and why in said, said


def test_only_what_has_changed_is_computed_and_the_rest_is_equal(score, warehouse, tmp_path):
    assert score(DAY)[0] == 0
    first = runs(warehouse)
    # A value that moves to the next column, which a hash that passes over NULL does not see; one gone, one new.
    late = customers(c01=(1.0, None, 1, 1, 3, 3, 3, "Loyal"), c02=(None, -0.5, 2, 2, 3, 3, 3, "Loyal"), c05=None,
                     d00=(0.5, 2.0, 1, 1, 3, 3, 3, "Loyal"))  # fmt: skip
    status, said = score(DAY, "--changed-only", rows=late)
    assert status == 0 and "rows 3;" in said and "copied 9" in said, said
    changed = held(warehouse)
    assert len(set(runs(warehouse).values()) | set(first.values())) == 2
    assert score(DAY, rows=late)[0] == 0
    assert held(warehouse) == changed
    # To another date, without anything that moves with it.
    status, said = score(date(2023, 12, 31), "--changed-only", rows=late)
    assert status == 0 and "rows 0;" in said and "since 2023-12-30; copied 12" in said, said
    again = {name: row[2:] for (name, day), row in held(warehouse, where=among([date(2023, 12, 31)])).items()}
    assert again == {name: row[2:] for (name, day), row in changed.items()}


def test_nothing_is_copied_under_another_model_or_a_calibration_that_moves(score, warehouse):
    moving = Calibrator(status="seasonal", seasons=SEASON, level=0.0, home=str(BEFORE))
    bundle = replace(small_bundle(CHURN, features=FEATURES), calibrator=moving)
    status, said = score(BEFORE, "--changed-only", churn=Registered(bundle, "1"))
    assert status == 0 and "no date up to 2023-12-02 is scored yet" in said, said
    status, said = score(DAY, "--changed-only", churn=Registered(bundle, "1"))
    assert status == 0 and "copied 0" in said and "the calibration of churn moves with the date" in said, said
    seasonal = held(warehouse, where=among([DAY]))
    assert score(DAY, churn=Registered(bundle, "1"))[0] == 0 and held(warehouse, where=among([DAY])) == seasonal
    status, said = score(DAY, "--changed-only", churn=Registered(bundle, "2"))
    assert status == 0 and "copied 0" in said and "other models" in said, said


def test_an_older_date_leaves_the_newest_and_a_rescoring_keeps_what_was_served(score, warehouse):
    assert score(DAY)[0] == 0
    newest, version = held(warehouse, LATEST), warehouse.version(SCORES.name)
    assert score(BEFORE)[0] == 0
    assert held(warehouse, LATEST) == newest and {day for _, day in newest} == {DAY}
    other = Registered(small_bundle(CHURN, features=FEATURES, sign=-1.0), "2")
    assert score(DAY, churn=other)[0] == 0
    served = warehouse.read(SCORES.name, version=version).where(among([DAY])).collect()
    assert {row["model_versions"]["churn"] for row in served} == {"1"}
    now = warehouse.read(SCORES.name).where(among([DAY])).collect()
    assert {row["model_versions"]["churn"] for row in now} == {"2"} and len(now) == len(served)
    assert {row["churn_probability"] for row in now} != {row["churn_probability"] for row in served}


def test_a_slow_run_cannot_put_scores_of_older_features_over_newer_ones(score, warehouse, monkeypatch):
    """One that began before a newer one had written: it starts again, and where that does not help it says so."""
    assert score(DAY)[0] == 0
    then = held(warehouse)
    newer = Transaction(f"{SCORES.name}:{DAY}", 7_000_000)
    warehouse.replace(SCORES, warehouse.read(SCORES.name).where(among([DAY])), where=among([DAY]), transaction=newer)
    status, said = score(DAY, rows=customers(c01=(5.0, 1.0, 1, 1, 1, 1, 1, "Lost")))
    assert status == 4 and "another writer committed first" in said and held(warehouse) == then, said
