"""What promotion reads and writes in Spark: rows of a training set and of later dates, and the table of decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from jobs.judged_rows import forecast, rows_at, rows_of_the_test, training_table
from jobs.promotion_tables import PROMOTIONS, write_down
from models.algorithms.repeat_buying import HISTORY_FEATURES
from models.batch_scorer import batch_scorer
from models.bundle import Bundle
from models.errors import OtherFeatures
from models.heads import CHURN
from models.promotion.decision import Decision
from models.promotion.forecasts import paired
from models.promotion.recipes import described
from models.promotion.rivals import admission
from models.splits import TEST
from models.tasks import Gate
from models.training_rows import labelled_rows, split_column
from tests.unit.models.bundles import small_bundle
from tests.unit.models.promotion.histories import AS_OF, COLUMNS, PARAMETERS, PLAN, history_table

SETTINGS = SimpleNamespace(training=SimpleNamespace(max_baseline_rows=100_000, max_evaluation_rows=100_000))
FEATURES = ("views", "noise", "orders_count_365d")


@pytest.fixture(scope="module")
def rows(spark):
    """The histories of the unit tests, fewer of them, as a training set in Spark."""
    made = history_table(a_day=40).rows
    frame = pd.DataFrame(made.matrix.astype(float), columns=list(COLUMNS))
    frame = frame.assign(customer_id=made.customers, as_of_date=made.days.astype(object), churn_60d=made.labels)
    return spark.createDataFrame(frame).withColumn("split", split_column(PLAN)).cache()


def a_training_set(rows) -> SimpleNamespace:
    return SimpleNamespace(load_df=lambda _: rows, table="training_set_churn_60d")


def test_rows_of_a_training_set_and_of_later_dates_are_read_alike(rows) -> None:
    run = SimpleNamespace(settings=SETTINGS, warehouse=None)
    bundle = small_bundle(features=FEATURES)
    table = training_table(run, a_training_set(rows), CHURN, [bundle])
    assert table.columns == (*FEATURES, *HISTORY_FEATURES) and len(table.rows.labels) == rows.count()
    assert {str(day) for day in np.unique(table.rows.days)} == {str(day) for day in PLAN.as_ofs}
    with pytest.raises(OtherFeatures, match=r"(?s)a judgement on training_set_churn_60d.*'vews' is missing.*views"):
        training_table(run, a_training_set(rows), CHURN, [replace(bundle, features=("vews",))])

    later = labelled_rows(rows.withColumn("split", F.lit(TEST)), label=CHURN.label)
    one, other = (forecast(run, later, made) for made in (bundle, small_bundle(features=FEATURES[::-1])))
    both = paired(one, other)
    assert len(both.labels) == rows.count() and not np.array_equal(both.ours, both.theirs)
    ordered = table.of(FEATURES)
    at = ordered.days == np.datetime64(PLAN.test)
    expected = dict(zip(ordered.customers[at], bundle.predict(ordered.matrix[at]), strict=True))
    found = one.at([PLAN.test])
    assert dict(zip(found.customers, found.probabilities, strict=True)) == expected
    assert rows_of_the_test(run, a_training_set(rows)).count() == rows_at(later, PLAN.test).count() == 40


def test_a_decision_is_one_row_however_often_it_is_made(spark, warehouse) -> None:
    run = SimpleNamespace(spark=spark, warehouse=warehouse, run_id="r1", started_at=datetime(2011, 12, 9, tzinfo=UTC))
    kept = Decision("churn", AS_OF, "1", "2", "kept", "same rows", ("(a) fails",), {"log_loss_gain": 0.001})
    for tracking_run in ("m1", "m2"):
        write_down(run, kept, tracking_run=tracking_run)
    write_down(run, replace(kept, before=None, outcome="promoted", figures={}), tracking_run="m3")
    held = {row["decision"]: row for row in warehouse.read(PROMOTIONS.name).collect()}
    assert set(held) == {"kept", "promoted"} and held["kept"]["tracking_run"] == "m2"
    assert (held["kept"]["as_of_date"], held["kept"]["from_version"]) == (date(2011, 12, 9), "1")
    assert (held["kept"]["reasons"], held["kept"]["figures"]) == (["(a) fails"], {"log_loss_gain": 0.001})
    assert held["promoted"]["from_version"] is None and held["promoted"]["figures"] == {}


def test_a_rival_scores_in_spark_as_in_memory(rows) -> None:
    table = history_table(a_day=40)
    poor = replace(small_bundle(features=("noise", "views")), algorithm="logistic_regression", dates=PLAN.describe(),
                   recipe=described(PARAMETERS, seed=1))  # fmt: skip
    rival: Bundle = admission(poor, table, Gate(draws=100, least_gain=1.0), seed=1, meanings={}).bundle
    assert rival.gate.startswith("rival: ")
    scored = batch_scorer(rival, feature_fingerprint="features-1")(rows).select("prediction", *rival.features).toArrow()
    np.testing.assert_array_equal(scored["prediction"].to_numpy(), rival.predict(rival.matrix(scored)))
