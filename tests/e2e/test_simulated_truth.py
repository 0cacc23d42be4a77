"""On the simulated shop the best attainable AUC is known: above it is a leak, far below it is a poor model."""

from __future__ import annotations

import json

import pytest

from jobs.main import main

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def figures(spark, tmp_path_factory):
    """What `bench oracle` measures after a demo at its default size."""
    folder = tmp_path_factory.mktemp("oracle")
    where = ["--warehouse", str(folder / "lakehouse")]
    assert main(["demo", "--conf", "local", *where]) == 0
    assert main(["bench", "oracle", *where, "--json", str(folder / "figures.json")]) == 0
    return {figure["name"]: figure["value"] for figure in json.loads((folder / "figures.json").read_text())}


@pytest.mark.parametrize("label", ["purchase_30d", "churn_60d"])
def test_written_scores_lie_between_the_oracle_less_two_points_and_three_errors_above(figures, label):
    above = figures[f"{label}_auc"] - figures[f"{label}_oracle_auc"]
    print(label, above, figures[f"{label}_auc_difference_error"])
    assert -0.02 <= above <= 3 * figures[f"{label}_auc_difference_error"]


@pytest.mark.parametrize("label", ["purchase_30d", "churn_60d"])
def test_the_oracle_is_calibrated(figures, label):
    assert figures[f"{label}_oracle_ece10"] <= 0.02
