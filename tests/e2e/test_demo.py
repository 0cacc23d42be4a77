"""The whole story in a temporary folder: raw files of a small shop in, scored customers out; twice."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from featurestore.snapshot_records import features_table
from featurestore.tables import Warehouse
from jobs.faults.contents import rows, tables
from jobs.main import main
from jobs.run import JOB_RUNS, Run
from jobs.settings import load_settings
from models.calibrate import Calibrator
from models.heads import CHURN
from models.registry import CHALLENGER
from models.tracking import RunRecord
from tests.conftest import ROOT
from tests.contracts.declared import breaches
from tests.e2e.contents import registry_of

AS_OF = date(2023, 9, 23)


CUSTOMERS, DAYS = "400", "770"


def told_by(notebook: str, warehouse: Path) -> str:
    """What a notebook prints, run unchanged as a plain script."""
    environment = {**os.environ, "TESSERA_WAREHOUSE": str(warehouse), "TESSERA_CUSTOMERS": CUSTOMERS,
                   "TESSERA_DAYS": DAYS, "PYTHONPATH": str(ROOT)}  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(ROOT / "notebooks" / f"{notebook}.py")],
        capture_output=True, text=True, env=environment, cwd=warehouse.parent, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The quickstart notebook: a demo and two plots."""
    folder = tmp_path_factory.mktemp("demo") / "lakehouse"
    return folder, told_by("quickstart", folder)


@pytest.fixture(scope="module")
def told(spark, quickstart):
    """The warehouse that the notebook's demo left."""
    return Warehouse(spark, str(quickstart[0]))


def held(warehouse):
    """All rows of all tables but the record of runs, without lineage."""
    folder = Path(warehouse.root)
    return {name: rows(folder, name) for name in tables(folder) - {JOB_RUNS.name}}


def test_the_notebook_plots_and_tells_the_story(quickstart):
    folder, output = quickstart
    assert (folder / "quickstart.png").stat().st_size > 10_000
    for part in ("rows read =", "purchase (purchase_30d)", "best single feature", "oracle", "most at risk"):
        assert part in output


def test_the_notebook_on_models_reads_what_the_demo_trained(quickstart):
    folder, _ = quickstart
    output = told_by("model_walkthrough", folder)
    for part in ("version 1", "log_loss", "passed, ", "churn_60d.html:"):
        assert part in output
    assert (folder / "models.png").stat().st_size > 10_000
    assert b"churn_60d" in (folder / "churn_60d.html").read_bytes()[:2000]


def test_every_score_is_a_probability_and_again_is_the_same(told, capsys):
    scores = told.read("customer_scores")
    assert {row["as_of_date"] for row in scores.select("as_of_date").distinct().collect()} == {AS_OF}
    assert scores.count() == told.read("features_orders").where(f"as_of_date = DATE'{AS_OF}'").count()
    assert scores.where("churn_probability not between 0 and 1").count() == 0
    assert scores.where("purchase_probability_30d > 1 - churn_probability").count() == 0
    assert scores.where("lifecycle <> 'active' and churn_probability is not null").count() == 0
    before = held(told)
    assert sum(before["customer_scores"].values()) == scores.count()
    words = ["demo", "--conf", "local", "--warehouse", told.root, "--set", f"simulation.customers={CUSTOMERS}",
             "--set", f"simulation.days={DAYS}"]  # fmt: skip
    assert main(words) == 0, capsys.readouterr().err
    assert "most at risk" in capsys.readouterr().out
    after = held(told)
    assert {name for name in before | after if before.get(name) != after.get(name)} == set()


def test_every_table_is_what_it_is_declared_to_be(told):
    """Columns, types, comments, CHECK constraints, keys and what must not be NULL, as each writing job left them."""
    run = Run(argparse.Namespace(job="explain", verbose=False), load_settings())
    views = run.feature_set(run.views).views
    assert breaches(Path(told.root), declared={view.table: features_table(view) for view in views}) == []


def test_other_readers_see_the_same_scores(told, tmp_path, capsys):
    written = tmp_path / "figures.json"
    assert main(["bench", "readers", "--warehouse", told.root, "--json", str(written)]) == 0
    figures = {figure["name"]: figure["value"] for figure in json.loads(written.read_text())}
    expected = told.read("customer_scores").selectExpr("count(*)", "avg(churn_probability)").first()
    found = (figures["customer_scores_rows"], figures["mean_churn_probability"])
    assert found == pytest.approx(tuple(expected), rel=1e-12)
    assert {"spark_seconds", "delta_rs_seconds", "duckdb_seconds"} <= set(figures)
    assert "FIGURE duckdb_times_spark" in capsys.readouterr().out


def test_scores_at_test_dates_are_asked_for_before_they_are_judged(told, capsys):
    assert main(["bench", "written", "--warehouse", told.root]) == 3
    assert "score --as-of 20" in capsys.readouterr().err


def test_what_features_beyond_windows_add_is_judged_before_the_test(told, tmp_path):
    written = tmp_path / "figures.json"
    assert main(["bench", "additions", "--warehouse", told.root, "--json", str(written)]) == 0
    figures = {figure["name"]: figure["value"] for figure in json.loads(written.read_text())}
    days = sorted(name.removeprefix("churn_60d_log_loss_gain_2") for name in figures
                  if name.startswith("churn_60d_log_loss_gain_2"))  # fmt: skip
    assert len(days) == figures["churn_60d_as_ofs"] > 0 and 2 < figures["churn_60d_windows"] < 25
    curve = [value for name, value in figures.items() if name.startswith("churn_60d_log_loss_on_")]
    assert len(curve) == 4 and all(0.1 < loss < 0.8 for loss in curve)
    assert figures["churn_60d_log_loss_gain_lower"] < figures["churn_60d_log_loss_gain"] < 0.2


def test_stored_features_are_what_the_events_give(told, capsys):
    assert main(["verify", "--sample", "600", "--warehouse", told.root]) == 0
    shown = capsys.readouterr().out
    assert "interactions: 200 values compared, 0 differ" in shown


def test_sql_reads_every_table_by_name(told, capsys):
    query = "select count(*) n, max(overdue_ratio(10.0D, 4.0D)) r from customer_scores_latest"
    assert main(["sql", query, "--warehouse", told.root]) == 0
    assert "2.5" in capsys.readouterr().out


def test_jobs_before_their_input_name_the_job_that_makes_it(spark, tmp_path, capsys):
    where = ["--warehouse", str(tmp_path / "empty")]
    for words in (["build_features"], ["build_training_set"], ["train"], ["score"]):
        assert main([*words, *where]) == 3
        assert "spark-submit.sh ingest" in capsys.readouterr().err


def test_a_training_set_of_another_share_of_the_customers_is_refused(told, capsys):
    asked = ["train", "--label", "churn_60d", "--as-of", str(AS_OF), "--set", "training.customer_share=0.5"]
    assert main([*asked, "--warehouse", told.root]) == 2
    assert "has a share of 1 of the customers" in capsys.readouterr().err


def test_a_challenger_is_judged_by_refitted_recipes_and_the_reasons_are_written_down(told, capsys):
    asked = ["--label", "churn_60d", "--as-of", str(AS_OF), "--warehouse", told.root]
    assert main(["promote", *asked]) == 0
    assert "churn: nothing challenges version 1" in capsys.readouterr().out
    assert main(["train", *asked, "--set", "training.max_depth=2"]) == 0
    assert "churn: version 2 is a challenger. Decide: ./spark-submit.sh promote" in capsys.readouterr().out
    for _ in range(2):
        assert main(["promote", *asked]) == 0, capsys.readouterr().err
        assert "churn: " in capsys.readouterr().out
    [row] = told.read("promotions").collect()
    assert (row["head"], row["from_version"], row["to_version"]) == ("churn", "1", "2")
    assert (row["compared"], row["figures"]["as_ofs"], row["as_of_date"]) == ("refitted recipes", 3.0, AS_OF)
    holding = {"promoted": "2", "kept": "1"}[row["decision"]]
    assert registry_of(told.root).version_of(CHURN) == holding and row["reasons"]


def test_models_of_earlier_dates_are_judged_on_the_same_rows_and_rolled_back(told, capsys):
    asked = ["--label", "churn_60d", "--warehouse", told.root]
    registry = registry_of(told.root)
    now = registry.load(CHURN).bundle
    early = replace(now, dates={**now.dates, "calibrate": "2023-01-01"}, guard="passed, 0 reported")
    boasting = replace(early, training_fingerprint="a", calibrator=Calibrator(5.0, 2.0, "unseasonal", "", 9))
    worse = registry.register(boasting, RunRecord()).version
    better = registry.register(replace(early, training_fingerprint="b"), RunRecord(), alias=CHALLENGER).version
    assert main(["promote", *asked, "--as-of", str(AS_OF)]) == 0, capsys.readouterr().err
    shown = capsys.readouterr().out
    assert f"churn: promoted; version {better} is champion, in place of {worse} (judged on: same rows)" in shown
    assert "(e) holds: share of scores made coherent" in shown and registry.version_of(CHURN) == better
    assert main(["promote", *asked, "--rollback"]) == 0
    assert f"version {worse} is champion again, in place of {better}" in capsys.readouterr().out
    assert registry.version_of(CHURN) == worse
    assert told.read("promotions").where("decision = 'rolled back'").count() == 1
    registry.set_alias(CHURN, version="1")
    assert main(["promote", *asked, "--rollback"]) == 3
    assert "no earlier champion" in capsys.readouterr().err


def test_a_champion_of_other_definitions_gives_way_and_the_definition_is_named(told, capsys):
    asked = ["--label", "churn_60d", "--as-of", str(AS_OF), "--warehouse", told.root]
    registry = registry_of(told.root)
    now = registry.load(CHURN)
    name = now.bundle.features[0]
    other = replace(now.bundle, training_fingerprint="c", feature_fingerprint="of before",
                    meanings={**now.bundle.meanings, name: "another"})  # fmt: skip
    registry.register(other, RunRecord())
    registry.set_alias(CHURN, version=now.version, alias=CHALLENGER)
    assert main(["promote", *asked]) == 0, capsys.readouterr().err
    row = told.read("promotions").where("compared = 'rivals'").first()
    assert name in row["reasons"][0] and row["decision"] == "promoted"
    assert registry.version_of(CHURN) == row["to_version"]
    registry.set_alias(CHURN, version=now.version)


def test_the_notebook_on_scores_walks_over_two_dates(quickstart, told):
    """The last of these tests: it scores a second date."""
    folder, _ = quickstart
    output = told_by("scores_walkthrough", folder)
    later = AS_OF + timedelta(days=30)
    for part in (f"{later} beside {AS_OF}", "value_at_risk", "CRITICAL", "purchase_30d", "opens in any browser"):
        assert part in output
    assert (folder / "scores.png").stat().st_size > 10_000
    assert f"Scores of {later}".encode() in (folder / "reports" / f"scores_{later}.html").read_bytes()[:2000]
    rows = told.read("publications").orderBy("as_of_date").select("as_of_date", "previous_date").collect()
    assert [tuple(row) for row in rows] == [(AS_OF, None), (later, AS_OF)]
