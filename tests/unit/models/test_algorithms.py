"""What every algorithm keeps to, whichever it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.errors import ConfigurationError
from models.algorithms import NAMES, algorithm_named, load_model
from models.algorithms.contract import Algorithm, Fitted, Rows
from models.algorithms.parameters import AlgorithmSettings, Preprocessing
from models.algorithms.preprocessing import Informative, pipeline
from models.bundle import Bundle
from models.errors import BrokenModel
from models.evaluate import area_under_roc
from models.matrix import feature_matrix
from models.parameters import TrainingParameters
from tests.unit.models.bundles import small_bundle

COLUMNS = ("recency", "money", "place", "constant", "twin", "empty", "never_missing")
PLACES = ("North", "South", "East")
SMALL = TrainingParameters(
    trees=40,
    min_child_weight=2.0,
    algorithms=AlgorithmSettings.model_validate(
        {"random_forest": {"trees": 20}, "gradient_boosting": {"trees": 30}, "multilayer_perceptron": {"epochs": 60}}
    ),
)


def matrix_of(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Skewed money, a word that matters, a constant, a twin, a column without values, holes."""
    rng = np.random.default_rng(seed)
    recency, money = rng.exponential(60, n), rng.lognormal(3, 1, n)
    place = rng.integers(0, len(PLACES), n).astype(float)
    odds = recency / 30 - 2 + np.where(place == 1, 2.0, 0.0) - 0.5 * np.log(money / 20)
    labels = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    columns = [recency, money, place, np.full(n, 7.0), 3 * recency + 1, np.full(n, np.nan), rng.normal(size=n)]
    matrix = np.column_stack(columns).astype(np.float32)
    matrix[rng.random(n) < 0.1, 1] = np.nan
    matrix[rng.random(n) < 0.1, 2] = np.nan
    return matrix, labels


def rows_of(n: int = 600) -> Rows:
    matrix, labels = matrix_of(n, seed=1)
    stop_matrix, stop_labels = matrix_of(n // 3, seed=2)
    return Rows(matrix, labels, stop_matrix, stop_labels, COLUMNS, categorical=(2,))


ROWS, (TEST, TEST_LABELS) = rows_of(), matrix_of(400, seed=3)


@pytest.fixture(scope="module", params=NAMES)
def algorithm(request: pytest.FixtureRequest) -> Algorithm:
    return SMALL.algorithm_of(request.param)


@pytest.fixture(scope="module")
def fitted(algorithm: Algorithm) -> Fitted:
    return algorithm.fit(ROWS, seed=5).model


def test_it_learns_what_is_there_to_learn(fitted: Fitted) -> None:
    probabilities = fitted.predict(TEST)
    assert probabilities.dtype == np.float64 and probabilities.shape == (400,)
    assert np.all((probabilities >= 0) & (probabilities <= 1)) and np.all(np.isfinite(fitted.margins(TEST)))
    assert area_under_roc(TEST_LABELS, probabilities) > 0.76
    assert abs(probabilities.mean() - TEST_LABELS.mean()) < 0.08
    assert fitted.predict(TEST[:0]).shape == (0,)


def test_two_fits_on_the_same_rows_are_equal(algorithm: Algorithm, fitted: Fitted) -> None:
    np.testing.assert_array_equal(algorithm.fit(rows_of(), seed=5).model.margins(TEST), fitted.margins(TEST))


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=3), seed=st.integers(0, 99))
def test_a_row_scores_the_same_in_any_part_and_place(fitted: Fitted, cuts: list[int], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(TEST))
    parts = np.split(order, sorted(cuts))
    found = np.empty(len(TEST))
    for part in parts:
        found[part] = fitted.margins(TEST[part])
    np.testing.assert_array_equal(found, fitted.margins(TEST))


def test_more_rows_than_a_block_score_as_each_does_alone(fitted: Fitted) -> None:
    many = np.tile(TEST, (6, 1))
    np.testing.assert_array_equal(fitted.margins(many), np.tile(fitted.margins(TEST), 6))


def test_the_input_is_left_as_it_was(algorithm: Algorithm) -> None:
    rows, before = rows_of(120), rows_of(120)
    model = algorithm.fit(rows, seed=5).model
    for name in ("matrix", "labels", "stop_matrix", "stop_labels"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(before, name))
    scored = TEST.copy()
    scored.flags.writeable = False
    model.predict(scored)


def test_missing_values_are_scored_even_where_none_was_fitted(fitted: Fitted) -> None:
    holes = TEST.copy()
    holes[:, 6] = np.nan
    assert np.all(np.isfinite(fitted.margins(holes)))
    assert np.all(np.isfinite(fitted.margins(np.full_like(TEST[:3], np.nan))))


def test_a_word_that_was_never_seen_is_scored(fitted: Fitted) -> None:
    names = pa.array(["North", "Atlantis", None])
    codes = feature_matrix(pa.table({"place": names}), ["place"], words={"place": PLACES})[:, 0]
    np.testing.assert_array_equal(codes, np.array([0.0, 3.0, np.nan], dtype=np.float32))
    odd = TEST[:3].copy()
    odd[:, 2] = codes
    assert np.all(np.isfinite(fitted.margins(odd)))


def test_it_scores_the_same_after_save_and_load(algorithm: Algorithm, fitted: Fitted) -> None:
    saved = fitted.save()
    assert isinstance(saved, bytes) and b"cpickle" not in saved.lower()
    for loaded in (algorithm.load(saved), load_model(algorithm.name, saved)):
        np.testing.assert_array_equal(loaded.margins(TEST), fitted.margins(TEST))


def test_a_bundle_of_it_keeps_its_predictions(algorithm: Algorithm, fitted: Fitted, tmp_path) -> None:
    bundle = replace(
        small_bundle(features=COLUMNS), model=fitted.save(), algorithm=algorithm.name, words={"place": list(PLACES)}
    )
    bundle.save(tmp_path)
    again = Bundle.load(tmp_path)
    assert again == bundle
    np.testing.assert_array_equal(again.predict(TEST), bundle.predict(TEST))


def test_parameters_are_checked_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"'algorithm' is 'xgbost'.*one of xgboost, logistic_regression"):
        algorithm_named("xgbost", boosting=SMALL.boosting(), others=SMALL.algorithms)
    with pytest.raises(ValueError, match="neighbours"):
        AlgorithmSettings.model_validate({"knn": {"neighbours": 0}})


def test_a_type_that_no_model_has_is_not_made() -> None:
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    with pytest.raises(BrokenModel, match="system"):
        load_model("knn", skops.io.dumps(FunctionTransformer(__import__("os").system)))
    with pytest.raises(BrokenModel, match="cannot be read"):
        load_model("svm", b"not a zip")


@pytest.mark.parametrize("impute", ["median", "mean", "mode", "constant"])
@pytest.mark.parametrize("scale", ["z_score", "min_max", "none"])
def test_preprocessing_is_learned_from_the_fitted_rows_alone(impute: str, scale: str) -> None:
    from sklearn.linear_model import LogisticRegression

    how = Preprocessing.model_validate({"impute": impute, "scale": scale, "fill": 4.0, "correlated_above": 0.99})
    whole = pipeline(LogisticRegression(), columns=7, categorical=(2,), how=how, seed=0)
    whole.fit(ROWS.matrix.astype(float), ROWS.labels)
    ready = whole[:-1].transform(ROWS.matrix.astype(float))
    assert np.all(np.isfinite(ready)) and np.all(np.ptp(ready, axis=0) > 0)
    # recency (its twin and the constants are gone), money, never_missing, flag of money, four words (one is "none")
    assert ready.shape[1] == 8 and len(set(np.round(ready[:, -1], 6))) == 2
    if scale == "z_score":
        np.testing.assert_allclose(ready[:, :3].mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(ready[:, :3].std(axis=0), 1, atol=1e-9)
    if scale == "min_max":
        assert ready.min() == 0 and ready.max() == 1
    alone = whole[:-1].transform(ROWS.matrix[:1].astype(float))
    np.testing.assert_array_equal(alone[0], ready[0])


def test_what_is_filled_in_is_what_was_asked_for() -> None:
    from sklearn.linear_model import LogisticRegression

    matrix = np.array([[1.0, 0.0], [1.0, 1.0], [2.0, 2.0], [8.0, 3.0], [np.nan, 4.0]])
    found = {}
    for impute in ("median", "mean", "mode", "constant"):
        how = Preprocessing(impute=impute, fill=9.0, log=False, scale="none", missing_flags=False)
        whole = pipeline(LogisticRegression(), columns=2, categorical=(), how=how, seed=0)
        found[impute] = whole[:-1].fit_transform(matrix, np.array([0, 1, 0, 1, 0]))[4, 0]
    assert found == {"median": 1.5, "mean": 3.0, "mode": 1.0, "constant": 9.0}


def test_principal_components_keep_the_asked_share_of_variance() -> None:
    from sklearn.linear_model import LogisticRegression

    how = Preprocessing(pca=0.9, log=False)
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(300, 2))
    matrix = hidden @ rng.normal(size=(2, 6)) + 0.01 * rng.normal(size=(300, 6))
    whole = pipeline(LogisticRegression(), columns=6, categorical=(), how=how, seed=0)
    assert whole[:-1].fit_transform(matrix, hidden[:, 0] > 0).shape == (300, 2)


def test_of_columns_that_repeat_one_another_the_first_stays() -> None:
    x = np.random.default_rng(0).normal(size=(50, 2))
    both = np.column_stack([x, -2 * x[:, 0], np.ones(50)])
    assert Informative(correlated_above=0.99).fit(both).kept_.tolist() == [0, 1]
    assert Informative().fit(both).kept_.tolist() == [0, 1, 2]
    assert Informative().fit(np.ones((5, 2))).kept_.tolist() == [0]
