"""Settings in layers: in whatever order they are given, and each fault with the place that it is from."""

from __future__ import annotations

import argparse
from itertools import permutations

import pytest

from featurestore.errors import ConfigurationError
from featurestore.feature_settings import base_settings
from featurestore.store import FeatureStore
from jobs.run import Run
from jobs.settings import load_settings

MODULE = "from featurestore.features.support import SUPPORT_VIEW\nfrom dataclasses import replace\n" + (
    "MINE = replace(SUPPORT_VIEW, name='mine')\n"
)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in the working directory that defines a view called `mine`."""
    (tmp_path / "views_in_any_order.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "views_in_any_order"


def test_what_one_setting_rests_on_may_be_said_after_it(module):
    said = [f"features.modules=[{module}]", "features.views=[orders, mine]", "seed=7"]
    found = [load_settings(assignments=order) for order in permutations(said)]
    assert found == found[:1] * 6
    assert found[0].features.views == ("orders", "mine")


def test_an_overlay_may_name_views_of_a_module_that_the_command_line_names(module, tmp_path):
    (tmp_path / "mine.yml").write_text("features: {views: [orders, mine]}")
    assert load_settings("mine.yml", assignments=[f"features.modules=[{module}]"]).features.modules == (module,)


def test_each_fault_is_told_with_the_place_that_it_is_from(tmp_path):
    overlay = tmp_path / "mine.yml"
    overlay.write_text("training: {trees: many}\nseed: 1")
    with pytest.raises(ConfigurationError) as raised:
        load_settings(str(overlay), assignments=["seed=-1", "spark.shufle=3", "features.views=[nope]"])
    lines = str(raised.value).splitlines()
    assert lines[lines.index(f"{overlay}:") + 1].startswith("  training.trees:")
    assert lines[lines.index("--set seed=-1:") + 1].startswith("  seed:")
    assert lines[lines.index("--set spark.shufle=3:") + 1].startswith("  spark.shufle: unknown key.")
    assert "views takes orders" in lines[lines.index("--set features.views=[nope]:") + 1]


def test_the_store_and_the_jobs_mean_the_same_views_by_the_same_words(tmp_path):
    settings = load_settings()
    run = Run(argparse.Namespace(job="explain", verbose=False), settings)
    store = FeatureStore(None, str(tmp_path))
    assert settings.features == base_settings()
    assert store.views == {view.name: view for view in run.feature_set(run.views).views}
    assert store.views["orders"].cell is not None
