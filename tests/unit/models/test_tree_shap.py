"""TreeSHAP from tables: what XGBoost finds by walking its trees, and what the definition says, counted out."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
import xgboost

from models.algorithms.boosted import FittedBooster, loaded_booster
from models.algorithms.tree_shap import DEEPEST, groups_of, shapley_terms


def _booster(depth: int, *, rows: int = 3_000, columns: int = 12, **told: object) -> tuple[FittedBooster, np.ndarray]:
    """Fitted on columns with holes and ties."""
    rng = np.random.default_rng(depth)
    matrix = rng.lognormal(1, 1, (rows, columns)).round(1).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    odds = np.nan_to_num(np.log(matrix[:, 0] + 1) - np.log(matrix[:, 1] + 1) * (matrix[:, 2] > 2)) + np.isnan(
        matrix[:, 3]
    )
    labels = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)
    parameters = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.3, "min_child_weight": 2, **told}
    booster = xgboost.train(parameters, xgboost.DMatrix(matrix, labels), 15)
    return FittedBooster(bytes(booster.save_raw("ubj"))), matrix


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, DEEPEST])
def test_tables_give_what_walking_the_trees_gives(depth: int) -> None:
    model, matrix = _booster(depth)
    assert groups_of(loaded_booster(model.ubj)) is not None
    found, walked = model.contributions(matrix), model.walked_contributions(matrix)
    assert np.abs(walked).max() > 0.1
    np.testing.assert_allclose(found, walked, atol=2e-5)
    rest = model.margins(matrix) - found.sum(axis=1)
    assert np.ptp(rest) < 1e-5


def test_thresholds_themselves_and_missing_values_go_where_the_trees_send_them() -> None:
    model, matrix = _booster(3)
    groups = groups_of(loaded_booster(model.ubj))
    edges = matrix[:200].copy()
    splits = [split for group in groups for split in group.splits]
    for at, split in enumerate(splits[:200]):
        edges[at % 200, split.feature] = split.threshold
    edges[10] = np.nan
    np.testing.assert_allclose(model.contributions(edges), model.walked_contributions(edges), atol=2e-5)


def test_a_row_has_the_same_values_alone_and_among_others() -> None:
    model, matrix = _booster(4)
    alone = np.concatenate([model.contributions(matrix[at : at + 1]) for at in range(50)])
    np.testing.assert_array_equal(alone, model.contributions(np.tile(matrix, (4, 1)))[:50])
    assert model.contributions(matrix[:0]).shape == (0, 12)


def test_what_no_table_holds_is_walked() -> None:
    deep, matrix = _booster(DEEPEST + 1)
    dart, same = _booster(3, booster="dart", rate_drop=0.3)
    for model, rows in ((deep, matrix[:100]), (dart, same[:100])):
        assert groups_of(loaded_booster(model.ubj)) is None
        np.testing.assert_array_equal(model.contributions(rows), model.walked_contributions(rows))


@pytest.mark.parametrize("shares", [[0.3, 0.6], [0.9, 0.2, 0.5], [0.1, 0.4, 0.7, 1.0, 0.5]])
def test_terms_of_a_leaf_are_shapley_values_counted_out(shares: list[float]) -> None:
    count, terms = len(shares), shapley_terms(shares)

    def value(known: tuple[int, ...], ones: list[int]) -> float:
        return float(np.prod([ones[at] if at in known else shares[at] for at in range(count)]))

    for pattern in range(2**count):
        ones = [pattern >> at & 1 for at in range(count)]
        for own in range(count):
            others = [at for at in range(count) if at != own]
            expected = sum(
                factorial(size) * factorial(count - size - 1) / factorial(count)
                * (value((*chosen, own), ones) - value(chosen, ones))
                for size in range(count) for chosen in combinations(others, size)
            )  # fmt: skip
            assert terms[own, pattern] == pytest.approx(expected, abs=1e-12)
