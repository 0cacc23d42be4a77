"""The exact terms of a logistic regression, feature by feature of the columns that it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.algorithms.contract import Matrix
from models.algorithms.on_one_machine import finite
from models.logistic import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def linear_terms(pipeline: Pipeline) -> Callable[[Matrix], Floats] | None:
    """Rows, float32 (n, d), to coefficient x (value - mean) of each of their columns, float64 (n, d), if it is linear.

    The values are those that the model meets, filled and stretched, and the means those of the rows that the
    preprocessing was learned from: z-scores, whose mean there is 0. The flag for a missing value counts to its
    column. None for another model, another scale, and for words, whose means are not kept.
    """
    columns = pipeline.named_steps["columns"].named_transformers_
    coefficients = _coefficients(pipeline[-1])
    if coefficients is None or set(columns) != {"numbers"} or not _is_z_scored(columns["numbers"]):
        return None
    kept = pipeline.named_steps["informative"].kept_
    components = getattr(pipeline.named_steps.get("pca"), "components_", None)
    mean = getattr(pipeline.named_steps.get("pca"), "mean_", 0.0)
    weights = coefficients if components is None else components.T @ coefficients
    owners = _owners(columns["numbers"]["impute"])[kept]
    before = pipeline[:2]

    def terms(matrix: Matrix) -> Floats:
        found = np.zeros(matrix.shape)
        if len(matrix):
            scaled = (before.transform(finite(matrix)) - mean) * weights
            for at, owner in enumerate(owners):
                found[:, owner] += scaled[:, at]
        return found

    return terms


def _coefficients(model: Any) -> Floats | None:
    """Float64 (k,) of a model whose log-odds are linear, None of another."""
    from sklearn.linear_model import LogisticRegression

    from models.algorithms.plain_models import LinearOdds

    if isinstance(model, LinearOdds):
        return model.coefficients_
    return np.asarray(model.coef_[0], dtype=np.float64) if isinstance(model, LogisticRegression) else None


def _is_z_scored(numbers: Pipeline) -> bool:
    from sklearn.preprocessing import StandardScaler

    return isinstance(numbers.named_steps.get("scale"), StandardScaler)


def _owners(imputer: Any) -> NDArray[np.intp]:
    """Of each column that the imputer gives, the one that it is of: first all columns, then flags of some."""
    flags = imputer.indicator_.features_ if imputer.indicator_ is not None else []
    return np.concatenate([np.arange(imputer.n_features_in_), flags]).astype(np.intp)
