"""A page from its training to a file, without an engine: rows in memory instead of Spark, the registry a real one."""

from __future__ import annotations

import argparse
from datetime import date
from types import SimpleNamespace

import pytest

import jobs.train
from jobs.main import main
from jobs.run import Run
from jobs.settings import load_settings
from jobs.train import train_step
from models.guard.evidence import Rebuilt
from models.heads import CHURN
from models.parameters import TrainingParameters
from models.registry import CHAMPION, Registry
from models.report.page import PAGE
from models.tracking import RunRecord
from tests.unit.models.bundles import small_bundle
from tests.unit.models.report.trained_amounts import FEATURES, PLAN, SPEND, small_amounts


class RunWithoutTables(Run):
    """A run that starts no session."""

    warehouse = None


def learning(*_: object) -> SimpleNamespace:
    """What `spend_90d` learns from, its training set and features by name alone."""
    return SimpleNamespace(
        head=SPEND, plan=PLAN, inputs=FEATURES, parameters=TrainingParameters(), identity=lambda *_, **__: "training-1",
        training_set=SimpleNamespace(load_df=lambda _: None, fingerprint="the training set", of_whom=""),
        features=SimpleNamespace(features=(), feature_fingerprints={}, fingerprint="features-1"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """A spend model that `train` registered, and one of churn without a page."""
    home = tmp_path_factory.mktemp("warehouse")
    run = RunWithoutTables(argparse.Namespace(), load_settings("local", assignments=[f"warehouse={home}"]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jobs.train, "learning_of", learning)
        patched.setattr(jobs.train, "rebuilt_sample", lambda *_: Rebuilt())
        patched.setattr(jobs.train, "train_amounts", lambda *_, **__: small_amounts())
        entry = train_step(run, SPEND.label, date(2012, 12, 9))
    assert entry.role == CHAMPION
    Registry(f"sqlite:///{home}/mlflow.db", f"{home}/mlruns").register(small_bundle(CHURN), RunRecord())
    return home


def test_the_training_of_an_amount_leaves_a_page_that_report_writes(warehouse, tmp_path, capsys):
    out = tmp_path / "spend.html"
    assert main(["report", "--label", "spend_90d", "--out", str(out), "--warehouse", str(warehouse)]) == 0
    page = out.read_text(encoding="utf-8")
    assert "<h1>spend_90d</h1>" in page and "training_set_spend_90d, the training set" in page
    assert "ungated: the rule of promotion is one of probabilities" in page
    assert "opens in any browser" in capsys.readouterr().out


def test_a_model_without_a_page_is_an_error_that_says_so(warehouse, tmp_path, capsys):
    out = tmp_path / "churn.html"
    assert main(["report", "--label", "churn_60d", "--out", str(out), "--warehouse", str(warehouse)]) == 4
    shown = capsys.readouterr().err
    assert f"'{PAGE}' of version 1" in shown and "train again with --refit" in shown and not out.exists()
