"""The twenty lines of the README: a view of one's own, by the command and in Python, and what is refused."""

from __future__ import annotations

import importlib
import re
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from featurestore.errors import ConfigurationError
from featurestore.features import VIEWS
from featurestore.lookups import FeatureLookup
from featurestore.own_views import known_views
from featurestore.store import FeatureStore
from jobs.main import main, run_job
from jobs.settings import load_settings
from tests.events import INGESTED, add_batch, order_line

README = Path(__file__).resolve().parents[2] / "README.md"
DAY = date(2024, 6, 1)
T = datetime(2024, 6, 1, tzinfo=UTC)
BACK = {"amount": Decimal("-7.50"), "quantity": -1}
FEW_PARTITIONS = ["--set", "spark.shuffle_partitions=2"]


@pytest.fixture
def my_views(tmp_path, monkeypatch):
    """The README's example as a module in a working directory that no worker knows."""
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.S) if "RETURNS" in block
    )
    assert len(code.splitlines()) <= 22
    (tmp_path / "my_views.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    yield "my_views"
    sys.modules.pop("my_views", None)


def test_the_example_of_the_readme_is_built_and_read_by_the_same_engine(my_views, warehouse, capsys):
    lines = [order_line("a", T - timedelta(days=d), **more) for d, more in ((1, BACK), (100, BACK), (2, {}))]
    add_batch(warehouse, [*lines, order_line("b", T - timedelta(days=3))])
    status = main(["build_features", "--view", "returns", "--dates", str(DAY), "--warehouse", warehouse.root,
                   "--set", f"features.modules=[{my_views}]", *FEW_PARTITIONS])  # fmt: skip
    assert status == 0
    status = main(["explain", "build_features", "--view", "returns", "--dates", f"{DAY},2024-05-31",
                   "--set", f"features.modules=[{my_views}]", "--warehouse", warehouse.root,
                   *FEW_PARTITIONS])  # fmt: skip
    assert status == 0
    assert re.findall(r"^returns +(.*)$", capsys.readouterr().out, re.M)[-3:] == [
        "2024-05-31  fold      never built", "2024-06-01  complete  left alone",
        "1 to fold; 1 complete already; reads 3 events of orders",
    ]  # fmt: skip
    expected = {"a": (1, 2, 0.5), "b": (0, 0, None)}
    found = {row["customer_id"]: tuple(row)[2:] for row in warehouse.read("features_returns").collect()}
    assert found == expected
    store = FeatureStore(warehouse.spark, warehouse.root)
    store.register(importlib.import_module(my_views).RETURNS)
    assert store.build_features("returns", dates=[DAY], run_id="r", built_at=INGESTED).already == (DAY,)
    spine = warehouse.spark.createDataFrame([("b", DAY), ("a", DAY)], "customer_id string, as_of date")
    rows = store.create_training_set(spine, [FeatureLookup("returns")]).load_df().collect()
    assert {row["customer_id"]: tuple(row)[2:] for row in rows} == expected
    assert warehouse.read("feature_catalog").where("view = 'returns'").count() == 3
    # A built-in view has its cells named as the jobs name them, so that both keep one generation of the table.
    assert store.build_features("orders", dates=[DAY], run_id="r", built_at=INGESTED).folded == (DAY,)
    assert {row["rfm_segment"] for row in store.read_features("orders", dates=[DAY]).collect()} != {None}


def test_a_name_that_is_taken_is_refused(my_views, warehouse):
    view = known_views([my_views])["returns"]
    store = FeatureStore(warehouse.spark, warehouse.root, views={**VIEWS, "returns": VIEWS["orders"]})
    with pytest.raises(ConfigurationError, match="another view or table"):
        store.register(view)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be imported: ModuleNotFoundError"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("x = 1", "defines no FeatureView"),
        ("from featurestore.features import VIEWS\nORDERS = VIEWS['orders']", "defines no FeatureView"),
        (
            "from featurestore.views import FeatureView\nV = FeatureView('orders', 'orders', '', ())",
            "and so does another",
        ),
        ("from featurestore.views import FeatureView\nV = FeatureView('v', 'ordres', '', ())", "Did you mean 'orders'"),
    ],
)
def test_modules_that_define_no_view_are_refused_before_spark_starts(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    if text is not None:
        (tmp_path / "odd_views.py").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    try:
        with pytest.raises(ConfigurationError, match=said):
            load_settings(assignments=["features.modules=[odd_views]"])
    finally:
        sys.modules.pop("odd_views", None)


def test_explain_knows_views_of_ones_own(my_views, capsys):
    run_job(["explain", "return_share_90d", "--set", f"features.modules=[{my_views}]"])
    assert "lately(return_lines_count_90d" in capsys.readouterr().out
