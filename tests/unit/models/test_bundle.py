"""A bundle on disk and in use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xgboost

from models.bundle import BUNDLE_FILE, Bundle, refuse_other_features
from models.errors import BrokenModel, OtherFeatures


def test_a_saved_bundle_comes_back_whole(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "new" / "folder")
    assert Bundle.load(tmp_path / "new" / "folder") == bundle


def test_prediction_is_the_boosters_margin_through_the_calibrator(bundle: Bundle, rng: np.random.Generator) -> None:
    matrix = rng.normal(size=(50, 3)).astype(np.float32)
    matrix[::4, 2] = np.nan
    native = xgboost.Booster(model_file=bytearray(bundle.model))
    margins = native.predict(xgboost.DMatrix(matrix), output_margin=True).astype(np.float64)
    np.testing.assert_array_equal(bundle.margins(matrix), margins)
    assert bundle.predict(matrix).dtype == np.float64
    np.testing.assert_allclose(bundle.predict(matrix), 1 / (1 + np.exp(0.1 - 0.9 * margins)), rtol=1e-15)


def test_a_row_scores_alone_as_among_others(bundle: Bundle, rng: np.random.Generator) -> None:
    matrix = rng.normal(size=(101, 3)).astype(np.float32)
    alone = np.concatenate([bundle.predict(matrix[at : at + 1]) for at in range(101)])
    np.testing.assert_array_equal(alone, bundle.predict(matrix))
    assert bundle.predict(matrix[:0]).shape == (0,)


@pytest.mark.parametrize("damage", ["gone", "no json", "another shape"])
def test_damaged_files_are_named(bundle: Bundle, tmp_path: Path, damage: str) -> None:
    bundle.save(tmp_path)
    file = tmp_path / BUNDLE_FILE
    if damage == "gone":
        file.unlink()
    else:
        file.write_text("{" if damage == "no json" else '{"features": []}')
    with pytest.raises(BrokenModel, match="cannot be read") as caught:
        Bundle.load(tmp_path)
    assert caught.value.exit_code == 4


def test_other_definitions_are_refused_with_both_fingerprints(bundle: Bundle) -> None:
    with pytest.raises(OtherFeatures, match="features-1.*features-2") as caught:
        refuse_other_features(bundle, feature_fingerprint="features-2", available=["c", "b", "a"])
    assert caught.value.exit_code == 3


def test_missing_columns_are_named(bundle: Bundle) -> None:
    with pytest.raises(OtherFeatures, match="'b' is missing"):
        refuse_other_features(bundle, feature_fingerprint="features-1", available=["a", "c", "bb"])
    refuse_other_features(bundle, feature_fingerprint="features-1", available=["x", "c", "b", "a"])


def test_a_definition_that_changed_is_named_and_others_may_change(bundle: Bundle) -> None:
    own = {"a": "1", "b": "2", "c": "3"}
    known = replace(bundle, meanings=own)
    on_offer = {"feature_fingerprint": "features-2", "available": ["a", "b", "c", "d"]}
    refuse_other_features(known, **on_offer, meanings={**own, "d": "anything"})
    with pytest.raises(OtherFeatures, match="other definitions of 2 of its features: a, c") as caught:
        refuse_other_features(known, **on_offer, meanings={**own, "a": "9", "c": "8"})
    assert caught.value.exit_code == 3
    with pytest.raises(OtherFeatures, match="features-1.*features-2"):
        refuse_other_features(bundle, **on_offer, meanings=own)
