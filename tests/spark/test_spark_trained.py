"""Algorithms that Spark trains: their arrays say what Spark's models say, and they learn what is there to learn."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.ml.classification import GBTClassifier
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.regression import RandomForestRegressor
from pyspark.sql import functions as F

from models.algorithms import load_model
from models.algorithms.contract import FrameRows, Rows, SparkAlgorithm
from models.algorithms.plain_models import TreeOdds, mean_of
from models.algorithms.spark_trained import FITTERS
from models.evaluate import area_under_roc
from models.parameters import TrainingParameters
from tests.unit.models.test_algorithms import COLUMNS, PLACES, SMALL, TEST, TEST_LABELS, matrix_of


@pytest.fixture(scope="module")
def rows(spark) -> FrameRows:
    """Rows of the conformance suite as a frame: holes are NULL, the word is text; a quarter stops fits."""
    (matrix, labels), (stop, stop_labels) = matrix_of(900, seed=1), matrix_of(300, seed=2)
    whole, outcome = np.vstack([matrix, stop]), np.concatenate([labels, stop_labels])
    records = [
        (f"c{at}", float(outcome[at]), at >= len(labels),
         *[None if np.isnan(value) else PLACES[int(value)] if name == "place" else float(value)
           for name, value in zip(COLUMNS, row, strict=True)])
        for at, row in enumerate(whole)
    ]  # fmt: skip
    kinds = ", ".join(f"{name} {'string' if name == 'place' else 'double'}" for name in COLUMNS)
    frame = spark.createDataFrame(records, f"customer_id string, lapsed double, is_stop boolean, {kinds}").cache()
    return FrameRows(frame, COLUMNS, {"place": PLACES}, "lapsed", stopping="is_stop", key=("customer_id",),
                     learned=len(labels),
                     sample=lambda: Rows(matrix, labels, stop, stop_labels, COLUMNS, (2,)))  # fmt: skip


@pytest.mark.parametrize("name", FITTERS)
def test_it_learns_from_a_frame_what_its_twin_learns_in_memory(name: str, rows: FrameRows):
    algorithm = SMALL.algorithm_of(name)
    assert algorithm.place == "spark"
    assert isinstance(algorithm, SparkAlgorithm)
    fit = algorithm.fit_frame(rows, seed=5)
    assert fit.rows == 900
    margins, twin = fit.model.margins(TEST), algorithm.fit(rows.sample(), seed=5).model
    found, expected = (area_under_roc(TEST_LABELS, one) for one in (margins, twin.margins(TEST)))
    assert found > 0.76
    assert abs(found - expected) < 0.03
    assert abs(fit.model.predict(TEST).mean() - twin.predict(TEST).mean()) < 0.03
    np.testing.assert_array_equal(load_model(name, fit.model.save()).margins(TEST), margins)


def test_two_fits_of_a_forest_are_equal(rows: FrameRows):
    algorithm = SMALL.algorithm_of("random_forest")
    one, other = (algorithm.fit_frame(rows, seed=5).model.margins(TEST) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_regression_agrees_with_its_twin_in_memory(rows: FrameRows):
    """The same penalty on the same prepared columns has one optimum."""
    algorithm = TrainingParameters().algorithm_of("logistic_regression")
    found, twin = algorithm.fit_frame(rows, seed=5).model, algorithm.fit(rows.sample(), seed=5).model
    np.testing.assert_allclose(found.margins(TEST), twin.margins(TEST), atol=0.02)


def test_the_arrays_say_what_the_models_of_spark_say(spark):
    matrix, labels = matrix_of(400, seed=4)
    columns = np.nan_to_num(matrix[:, [0, 1, 6]].astype(np.float64))
    records = [(float(label), row.tolist()) for label, row in zip(labels, columns, strict=True)]
    frame = spark.createDataFrame(records, "label double, raw array<double>").select(
        "label", "raw", array_to_vector("raw").alias("features"))  # fmt: skip
    forest = RandomForestRegressor(numTrees=5, maxDepth=4, seed=1).fit(frame)
    boosted = GBTClassifier(maxIter=6, maxDepth=3, seed=1).fit(frame)
    ours = {"forest": mean_of(TreeOdds().of(forest.toDebugString, is_log_odds=False)),
            "boosted": TreeOdds().of(boosted.toDebugString, is_log_odds=True)}  # fmt: skip
    likely = vector_to_array("probability")[1].alias("p")
    said = {"forest": forest.transform(frame).select("raw", F.col("prediction").alias("p")),
            "boosted": boosted.transform(frame).select("raw", likely)}  # fmt: skip
    for name, told in said.items():
        table = told.toArrow()
        given = np.array(table["raw"].to_pylist())
        np.testing.assert_allclose(ours[name].predict_proba(given)[:, 1], table["p"].to_numpy(), atol=1e-12)
