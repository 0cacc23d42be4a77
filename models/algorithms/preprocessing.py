"""Columns made fit for models that need it: a scikit-learn pipeline, learned from the fitted rows only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from models.algorithms.parameters import Preprocessing
from models.logistic import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

_MODE = {"mode": "most_frequent"}
_UNSEEN = -1


class SignedLog(TransformerMixin, BaseEstimator):
    """sign(x) log1p(|x|): spreads what is skewed, and keeps zero and the sign.

    >>> SignedLog().fit_transform(np.array([[0.0, np.expm1(2.0), -np.expm1(1.0)]])).tolist()
    [[0.0, 2.0, -1.0]]
    """

    def fit(self, x: Floats, y: Floats | None = None) -> Self:
        self.n_features_in_ = x.shape[1]
        return self

    def transform(self, x: Floats) -> Floats:
        """float64 of the shape of `x`."""
        return np.sign(x) * np.log1p(np.abs(x))


class Informative(TransformerMixin, BaseEstimator):
    """Keeps columns that vary and that no earlier kept column repeats: |Pearson's r| at most `correlated_above`.

    The correlations are those of the fitted rows, d x d numbers for d columns. None keeps all that vary; where
    none varies the first stays, since a model needs one.

    >>> x = np.array([[1.0, 2.0, 5.0, 1.0], [2.0, 4.0, 5.0, 0.0], [3.0, 6.0, 5.0, 1.0]])
    >>> Informative(correlated_above=0.99).fit(x).kept_.tolist()
    [0, 3]
    """

    def __init__(self, correlated_above: float | None = None) -> None:
        self.correlated_above = correlated_above

    def fit(self, x: Floats, y: Floats | None = None) -> Self:
        self.n_features_in_ = x.shape[1]
        kept = np.flatnonzero(np.ptp(x, axis=0) > 0)
        if self.correlated_above is not None and len(kept) > 1:
            kept = kept[_first_of_alike(x[:, kept], above=self.correlated_above)]
        self.kept_ = kept if len(kept) else np.array([0])
        return self

    def transform(self, x: Floats) -> Floats:
        """float64 (n, columns kept)."""
        return np.ascontiguousarray(x[:, self.kept_])


def _first_of_alike(x: Floats, *, above: float) -> list[int]:
    related = np.abs(np.corrcoef(x, rowvar=False))
    kept: list[int] = []
    for at in range(x.shape[1]):
        if not np.any(related[at, kept] > above):
            kept.append(at)
    return kept


def pipeline(model: Any, *, columns: int, categorical: Sequence[int], how: Preprocessing, seed: int) -> Pipeline:
    """Impute, transform, drop, project, then `model`, over a float64 matrix (n, `columns`) with NaN for missing.

    `categorical` are positions of columns of codes. A code or a missing value that the fitted rows did not have
    scores as no word at all (0/1 columns all zero, or the code -1).
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    words = set(categorical)
    numbers = [at for at in range(columns) if at not in words]
    parts = [("numbers", _numbers(how), numbers), ("words", _words(how), sorted(words))]
    steps: list[tuple[str, Any]] = [
        ("columns", ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0.0)),
        ("informative", Informative(correlated_above=how.correlated_above)),
    ]
    if how.pca is not None:
        from sklearn.decomposition import PCA

        steps.append(("pca", PCA(n_components=how.pca, svd_solver="full", random_state=seed)))
    return Pipeline([*steps, ("model", model)])


def _numbers(how: Preprocessing) -> Pipeline:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    # A column without any value stays, filled, and goes as constant: columns keep their places.
    imputer = SimpleImputer(strategy=_MODE.get(how.impute, how.impute), fill_value=how.fill,
                            keep_empty_features=True, add_indicator=how.missing_flags)  # fmt: skip
    scalers: dict[str, list[tuple[str, Any]]] = {
        "z_score": [("scale", StandardScaler())],
        "min_max": [("scale", MinMaxScaler(clip=True))],
        "none": [],
    }
    return Pipeline([("impute", imputer), *([("log", SignedLog())] if how.log else []), *scalers[how.scale]])


def _words(how: Preprocessing) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    encoder: Any = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    if how.words == "ordinal":
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=_UNSEEN)
    filled = SimpleImputer(strategy="constant", fill_value=_UNSEEN, keep_empty_features=True)
    return Pipeline([("impute", filled), ("encode", encoder)])
