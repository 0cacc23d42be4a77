"""Reasons add up to what the model says, name families and their strongest features, and are absent where unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from models.algorithms.boosted import FittedBooster
from models.algorithms.contract import Rows
from models.bundle import Bundle
from models.heads import CHURN
from models.matrix import feature_matrix
from models.one_pass import INPUTS, OnePass
from models.parameters import TrainingParameters
from models.reasons.contributions import explain_of, strongest
from models.reasons.reasons import REASON, reasons_of
from models.reasons.why import CONFIDENCE, REASONS, Why
from models.score_parts import HeadPart, WhyPart
from tests.unit.models.bundles import small_bundle
from tests.unit.models.reasons.catalogue import worded

FEATURES = ("recency_days", "gap_days_mean_lifetime", "orders_count_90d", "orders_count_365d", "amount_sum_365d")
FAMILIES = ("recency", "rhythm", "frequency", "frequency", "monetary")
N = 500


@pytest.fixture(scope="module")
def rows() -> pa.RecordBatch:
    rng = np.random.default_rng(5)
    values = rng.lognormal(3, 1, (N, len(FEATURES))).round(2)
    masks = rng.random(values.shape) < 0.1
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values[:, at], mask=masks[:, at]) for at, name in enumerate(FEATURES)}
    )


def _learned(rows: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    matrix = feature_matrix(rows, FEATURES)
    odds = np.nan_to_num(matrix[:, 0] / 20 - matrix[:, 2] / 30 + matrix[:, 4] / 100)
    return matrix, (np.random.default_rng(6).random(N) < 1 / (1 + np.exp(-odds))).astype(float)


@pytest.fixture(scope="module")
def bundle(rows: pa.RecordBatch) -> Bundle:
    matrix, labels = _learned(rows)
    told = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.2}
    booster = xgboost.train(told, xgboost.DMatrix(matrix, labels), 40)
    return replace(small_bundle(features=FEATURES), model=bytes(booster.save_raw("ubj")))


def test_contributions_of_real_trees_add_up_to_the_log_odds(bundle: Bundle, rows: pa.RecordBatch) -> None:
    matrix = bundle.matrix(rows)
    rest = bundle.margins(matrix) - explain_of(bundle)(matrix).sum(axis=1)
    assert np.ptp(bundle.margins(matrix)) > 1 and np.ptp(rest) < 1e-5
    native = xgboost.Booster(model_file=bytearray(bundle.model))
    exact = native.predict(xgboost.DMatrix(matrix), pred_contribs=True)
    np.testing.assert_allclose(rest, exact[:, -1], atol=1e-5)


def test_reasons_are_families_largest_first_with_their_strongest_feature(
    bundle: Bundle, rows: pa.RecordBatch
) -> None:  # fmt: skip
    found = reasons_of(bundle, bundle.matrix(rows), wording=worded()).to_pylist()
    single = explain_of(bundle)(bundle.matrix(rows))
    columns = rows.to_pydict()
    for at, reasons in enumerate(found):
        sums = {name: single[at, [one == name for one in FAMILIES]].sum() for name in FAMILIES}
        largest = sorted((size for value in sums.values() if (size := abs(value)) >= 0.01), reverse=True)[:3]
        assert [abs(one["contribution"]) for one in reasons] == pytest.approx(largest)
        for one in reasons:
            family = FAMILIES[FEATURES.index(one["feature"])]
            assert one["contribution"] == pytest.approx(sums[family])
            rivals = [name for name, of in zip(FEATURES, FAMILIES, strict=True) if of == family]
            direction = np.sign(one["contribution"])
            assert one["feature"] == max(rivals, key=lambda name: direction * single[at, FEATURES.index(name)])
            assert one["value"] == columns[one["feature"]][at]
    assert max(map(len, found)) == 3
    texts = {one["text"] for reasons in found for one in reasons}
    assert len(texts) > 300 and any(text.startswith("no order for") and "usually every" in text for text in texts)


def test_a_row_is_explained_alone_as_among_others(bundle: Bundle, rows: pa.RecordBatch) -> None:
    whole = reasons_of(bundle, bundle.matrix(rows), wording=worded())
    parts = [rows.slice(start, 37) for start in range(0, N, 37)]
    cut = [reasons_of(bundle, bundle.matrix(part), wording=worded()) for part in parts]
    assert pa.concat_arrays(cut).to_pylist() == whole.to_pylist()
    assert reasons_of(bundle, bundle.matrix(rows)[:0], wording=worded()).to_pylist() == []


def test_families_that_hardly_move_the_score_are_no_reasons() -> None:
    found = strongest(np.array([[0.3, -0.2, 0.009, 0.0], [0.0, 0.0, 0.0, 0.0]]), list("abcd"), most=3, least=0.01)
    assert found.features.tolist() == [0, 1] and found.offsets.tolist() == [0, 2, 2]
    none = strongest(np.zeros((2, 2)), list("ab"), most=3, least=0.0)
    assert none.offsets.tolist() == [0, 0, 0]


@pytest.mark.parametrize("changes", [{}, {"pca": 0.9}])
def test_a_logistic_regression_is_explained_by_its_own_terms(rows: pa.RecordBatch, changes: dict) -> None:
    matrix, labels = _learned(rows)
    parameters = TrainingParameters()
    how = parameters.algorithms.logistic_regression
    how = how.model_copy(update={"preprocessing": how.preprocessing.model_copy(update=changes)})
    others = parameters.algorithms.model_copy(update={"logistic_regression": how})
    algorithm = replace(parameters, algorithms=others).algorithm_of("logistic_regression")
    model = algorithm.fit(Rows(matrix, labels, matrix[:9], labels[:9], FEATURES), seed=1).model
    linear = replace(small_bundle(features=FEATURES), algorithm="logistic_regression", model=model.save())
    terms = explain_of(linear)(matrix)
    assert np.ptp(linear.margins(matrix) - terms.sum(axis=1)) < 1e-9 < np.ptp(terms)
    np.testing.assert_allclose(terms.mean(axis=0), 0, atol=1e-6)
    assert reasons_of(linear, matrix, wording=worded()).null_count == 0


def test_what_has_no_exact_contributions_has_no_reasons(rows: pa.RecordBatch) -> None:
    matrix, labels = _learned(rows)
    for name in ("knn", "decision_tree"):
        model = (
            TrainingParameters().algorithm_of(name).fit(Rows(matrix, labels, matrix, labels, FEATURES), seed=1).model
        )
        other = replace(small_bundle(features=FEATURES), algorithm=name, model=model.save())
        found = reasons_of(other, matrix, wording=worded())
        assert explain_of(other) is None and found.null_count == N and found.type == pa.list_(REASON)


def test_a_batch_is_explained_in_the_population_alone(bundle: Bundle, rows: pa.RecordBatch) -> None:
    matrix = bundle.matrix(rows)
    ends = pa.array(np.arange(N + 1) * len(FEATURES), pa.int32())
    packed = pa.ListArray.from_arrays(ends, pa.array(matrix.ravel()))
    batch = pa.RecordBatch.from_pydict({"orders_count_180d": pa.array(np.arange(N) % 3), INPUTS: packed})
    head = HeadPart(CHURN, bundle)
    found = OnePass((), (head, WhyPart(CHURN, bundle, Why(worded())))).score(batch)
    inside = np.arange(N) % 3 >= 1
    np.testing.assert_array_equal(found.column(REASONS).is_valid().to_numpy(zero_copy_only=False), inside)
    assert found.column(CONFIDENCE).null_count == N
    alone = reasons_of(bundle, matrix[1:2], wording=worded())
    assert found.column(REASONS)[1].as_py() == alone[0].as_py()
    assert OnePass((), (head,)).score(batch).column(CHURN.output).equals(found.column(CHURN.output))
    assert FittedBooster(bundle.model) == bundle.fitted
