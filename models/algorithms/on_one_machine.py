"""The algorithms of scikit-learn, each a pipeline from raw columns to log-odds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from models.algorithms import parameters as p
from models.algorithms.contract import Fit, Matrix, Place, Rows
from models.logistic import Floats, sigmoid

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# Matrix products may round by the shape of their operands: every product sees this many rows, the last filled up.
_BLOCK = 2048
_SUREST = 1e-6


@dataclass(frozen=True)
class FittedPipeline:
    """A fitted pipeline, and what it says as log-odds."""

    pipeline: Pipeline

    def margins(self, matrix: Matrix) -> Floats:
        """Log-odds, float64 (n,); probabilities are kept off 0 and 1 by a millionth."""
        found = np.empty(len(matrix))
        for start in range(0, len(matrix), _BLOCK):
            block = finite(matrix[start : start + _BLOCK])
            full = np.zeros((_BLOCK, matrix.shape[1]))
            full[: len(block)] = block
            found[start : start + _BLOCK] = _log_odds(self.pipeline, full)[: len(block)]
        return found

    def predict(self, matrix: Matrix) -> Floats:
        """Probabilities, float64 (n,)."""
        return sigmoid(self.margins(matrix))

    def save(self) -> bytes:
        """skops, not pickle."""
        from models.algorithms.persistence import to_bytes

        return to_bytes(self.pipeline)


@dataclass(frozen=True)
class OnOneMachineAlgorithm:
    """An estimator of scikit-learn behind the contract of all algorithms; `make` builds it from its parameters."""

    name: str
    parameters: p.InMemory
    make: Callable[[Any, int], Any]

    @property
    def place(self) -> Place:
        return "one machine"

    @property
    def sample_rows(self) -> int:
        return self.parameters.sample_rows

    def fit(self, rows: Rows, *, seed: int) -> Fit:
        """Fit preprocessing and model on `rows`; the stopping rows end a boosting and scale a kernel machine."""
        from models.algorithms.preprocessing import pipeline

        how = self.parameters.preprocessing
        whole = pipeline(self.make(self.parameters, seed), columns=rows.matrix.shape[1],
                         categorical=rows.categorical, how=how, seed=seed)  # fmt: skip
        before, model = whole[:-1], whole[-1]
        with warnings.catch_warnings():
            from sklearn.exceptions import ConvergenceWarning

            # Epochs and iterations are bounded on purpose: the figures on later rows say whether it was enough.
            warnings.simplefilter("ignore", ConvergenceWarning)
            ready = before.fit_transform(finite(rows.matrix), rows.labels)
            _fit_model(model, ready, rows, lambda matrix: before.transform(finite(matrix)))
        return Fit(FittedPipeline(whole), rows=len(rows.labels), best_iteration=_iterations(model))

    def load(self, saved: bytes) -> FittedPipeline:
        """The pipeline of these bytes, read once a process; BrokenModel for bytes that are none."""
        return FittedPipeline(loaded_pipeline(saved))


@lru_cache(maxsize=16)
def loaded_pipeline(saved: bytes) -> Pipeline:
    """The pipeline of these bytes, read once a process."""
    from models.algorithms.persistence import from_bytes

    return from_bytes(saved)


def finite(matrix: Matrix) -> Floats:
    """float64, infinities as missing: no scale has a place for them."""
    wide = np.asarray(matrix, dtype=np.float64)
    return np.where(np.isfinite(wide), wide, np.nan)


def _fit_model(model: Any, ready: Floats, rows: Rows, prepared: Callable[[Matrix], Floats]) -> None:
    if getattr(model, "early_stopping", False) is True:
        stop = prepared(rows.stop_matrix)
        model.fit(ready, rows.labels, X_val=stop, y_val=rows.stop_labels)
        return
    if hasattr(model, "n_neighbors"):
        # There are no more neighbours than rows.
        model.n_neighbors = min(model.n_neighbors, len(ready))
    model.fit(ready, rows.labels)
    if not hasattr(model, "predict_proba"):
        from models.calibrate import fit_platt

        line = fit_platt(model.decision_function(prepared(rows.stop_matrix)), rows.stop_labels)
        model.log_odds_line_ = [line.slope, line.intercept]


def _iterations(model: Any) -> int | None:
    """The last iteration of those that count them; trees of one go count none."""
    found = getattr(model, "n_iter_", None)
    return None if found is None or np.ndim(found) else int(found) - 1


def _log_odds(whole: Pipeline, matrix: Floats) -> Floats:
    model = whole[-1]
    if not hasattr(model, "predict_proba"):
        slope, intercept = model.log_odds_line_
        return slope * np.asarray(whole.decision_function(matrix), dtype=np.float64) + intercept
    share = np.asarray(whole.predict_proba(matrix)[:, 1], dtype=np.float64)
    counted = getattr(model, "n_neighbors", None)
    if counted is not None:
        share = (share * counted + 1) / (counted + 2)
    sure = np.clip(share, _SUREST, 1 - _SUREST)
    return np.log(sure) - np.log1p(-sure)


def _logistic(chosen: p.LogisticRegressionParameters, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=chosen.c, max_iter=chosen.max_iterations, random_state=seed)


def _tree(chosen: p.DecisionTreeParameters, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=chosen.max_depth, min_samples_leaf=chosen.min_leaf, random_state=seed)


def _forest(chosen: p.RandomForestParameters, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(chosen.trees, max_depth=chosen.max_depth, min_samples_leaf=chosen.min_leaf,
                                  max_features=chosen.share_of_features, random_state=seed)  # fmt: skip


def _boosting(chosen: p.GradientBoostingParameters, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=chosen.trees, max_depth=chosen.max_depth, learning_rate=chosen.learning_rate,
        min_samples_leaf=chosen.min_leaf, early_stopping=True, scoring="loss",
        n_iter_no_change=chosen.early_stopping_rounds, random_state=seed,
    )  # fmt: skip


def _neighbours(chosen: p.KnnParameters, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(chosen.neighbours, algorithm="brute")


def _kernel_machine(chosen: p.SvmParameters, seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(C=chosen.c, kernel=chosen.kernel, random_state=seed)


def _perceptron(chosen: p.PerceptronParameters, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(chosen.layers, alpha=chosen.alpha, learning_rate_init=chosen.learning_rate,
                         max_iter=chosen.epochs, random_state=seed)  # fmt: skip


MAKERS: Mapping[str, Callable[[Any, int], Any]] = {
    "logistic_regression": _logistic,
    "decision_tree": _tree,
    "random_forest": _forest,
    "gradient_boosting": _boosting,
    "knn": _neighbours,
    "svm": _kernel_machine,
    "multilayer_perceptron": _perceptron,
}
