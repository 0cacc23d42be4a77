"""On the simulated shop the best attainable AUC is known: above it is a leak, far below it is a poor model."""

from __future__ import annotations

import json

import pytest

from jobs.main import main
from models.heads import CHURN, PURCHASE
from tests.e2e.contents import registry_of

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def demo(spark, tmp_path_factory):
    """The folder that holds the warehouse of a demo at its default size."""
    folder = tmp_path_factory.mktemp("oracle")
    assert main(["demo", "--conf", "local", "--warehouse", str(folder / "lakehouse")]) == 0
    return folder


@pytest.fixture(scope="module")
def figures(demo):
    """What `bench oracle` measures after it."""
    return measured("oracle", demo)


def measured(benchmark, folder):
    """The figures of a benchmark, by name."""
    written = folder / f"{benchmark}.json"
    assert main(["bench", benchmark, "--warehouse", str(folder / "lakehouse"), "--json", str(written)]) == 0
    return {figure["name"]: figure["value"] for figure in json.loads(written.read_text())}


@pytest.mark.parametrize("label", ["purchase_30d", "churn_60d"])
def test_written_scores_lie_between_the_oracle_less_two_points_and_three_errors_above(figures, label):
    above = figures[f"{label}_auc"] - figures[f"{label}_oracle_auc"]
    print(label, above, figures[f"{label}_auc_difference_error"])
    assert -0.02 <= above <= 3 * figures[f"{label}_auc_difference_error"]


@pytest.mark.parametrize("label", ["purchase_30d", "churn_60d"])
def test_the_oracle_is_calibrated(figures, label):
    assert figures[f"{label}_oracle_ece10"] <= 0.02


def test_written_scores_are_worth_what_the_reports_claim(demo, figures):
    """But for a purchase that churn leaves no room for, which is lowered after the report was made."""
    where = ["--warehouse", str(demo / "lakehouse")]
    models = registry_of(demo / "lakehouse")
    tested = {models.load(head).bundle.dates["test"] for head in (CHURN, PURCHASE)}
    for day in sorted(tested):
        assert main(["score", "--as-of", day, "--build", "--publish-anyway", *where]) == 0
    found = measured("written", demo)
    for name in [name for name in found if name.endswith("_written")]:
        close = 0.05 if name.startswith("purchase") else 1e-9
        assert found[name] == pytest.approx(found[name.replace("_written", "_claimed")], rel=close), name
    assert {"churn_60d_auc_written", "purchase_30d_ece10_written"} <= found.keys()
