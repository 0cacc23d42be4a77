"""XGBoost behind the contract of all algorithms: distributed over a frame, or in memory over arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.algorithms.contract import Fit, FrameRows, Matrix, Place, Rows
from models.algorithms.objectives import OBJECTIVES, PROBABILITY, Objective
from models.algorithms.parameters import XGBoostParameters
from models.algorithms.tree_shap import Group, contributions, groups_of
from models.logistic import Floats

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix

# Threads that wait shall sleep: spinning, two of them take forty times as long on a machine that is busy. Read by
# OpenMP when XGBoost is first imported, which is why that happens in functions only.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Sums over threads round by how many there are: a fixed number, so that machines agree.
THREADS = 2
# Boosters that one process keeps loaded: those of all heads, and churn's other draws of customers.
_KEPT = 64


@dataclass(frozen=True)
class FittedBooster:
    """A booster as XGBoost's own UBJ, trimmed to its best iteration: data that XGBoost checks, no code."""

    ubj: bytes

    def margins(self, matrix: Matrix) -> Floats:
        """Log-odds of probabilities, or the learned numbers, float64 (n,)."""
        if len(matrix) == 0:
            return np.empty(0)
        raw = loaded_booster(self.ubj).inplace_predict(matrix, predict_type="margin", missing=np.nan)
        return np.asarray(raw, dtype=np.float64)

    def predict(self, matrix: Matrix) -> Floats:
        """Probabilities, or the learned numbers, float64 (n,)."""
        return _objective(self.ubj).forecast(self.margins(matrix))

    def contributions(self, matrix: Matrix) -> Floats:
        """Exact TreeSHAP values, float64 (n, d): with a constant they add up to a row's log-odds."""
        tables = _tables(self.ubj)
        return self.walked_contributions(matrix) if tables is None else contributions(tables, matrix)

    def walked_contributions(self, matrix: Matrix) -> Floats:
        """The same by XGBoost, which walks each tree for each row: for trees of any depth."""
        import xgboost

        if len(matrix) == 0:
            return np.empty((0, matrix.shape[1]))
        booster = loaded_booster(self.ubj)
        rows = xgboost.DMatrix(matrix, missing=np.nan, nthread=1, feature_names=booster.feature_names)
        return np.asarray(booster.predict(rows, pred_contribs=True)[:, :-1], dtype=np.float64)

    def gains(self, features: int) -> Floats:
        """What the splits on each feature took off the loss in all trees, float64 (d,)."""
        booster = loaded_booster(self.ubj)
        names = booster.feature_names or [f"f{at}" for at in range(features)]
        found = booster.get_score(importance_type="total_gain")
        return np.array([found.get(name, 0.0) for name in names], dtype=np.float64)

    def save(self) -> bytes:
        """UBJ."""
        return self.ubj


@lru_cache(maxsize=_KEPT)
def loaded_booster(ubj: bytes) -> Booster:
    """The booster of these bytes, loaded once a process; one thread, since each Spark task has one core."""
    from xgboost import Booster

    model = Booster({"nthread": 1})
    model.load_model(bytearray(ubj))
    return model


@lru_cache(maxsize=4)
def _tables(ubj: bytes) -> tuple[Group, ...] | None:
    """What `tree_shap` looks up of a booster, made once a process."""
    return groups_of(loaded_booster(ubj))


@lru_cache(maxsize=_KEPT)
def _objective(ubj: bytes) -> Objective:
    """The objective that a booster was fitted with, as it says itself."""
    return OBJECTIVES[json.loads(loaded_booster(ubj).save_config())["learner"]["objective"]["name"]]


@dataclass(frozen=True)
class XGBoost:
    """Boosted trees. Missing values and codes of words need no preparation: trees split on both.

    `threads` are those of a fit in memory.
    """

    parameters: XGBoostParameters
    objective: Objective = PROBABILITY
    name: str = "xgboost"
    threads: int = THREADS

    @property
    def place(self) -> Place:
        return "spark"

    @property
    def sample_rows(self) -> None:
        return None

    def fit(self, rows: Rows, *, seed: int) -> Fit:
        """Fit in memory, stopped where the loss of the stopping rows no longer falls."""
        import xgboost

        mean = None if rows.offsets is None else float(rows.labels.mean())
        fitted = self._read(rows.matrix, rows.labels, mean, rows.offsets)
        stopping = self._read(rows.stop_matrix, rows.stop_labels, mean, rows.stop_offsets)
        history: dict[str, dict[str, list[float]]] = {}
        booster = xgboost.train(
            self._told(seed, mean), fitted, self.parameters.trees, evals=[(fitted, "fit"), (stopping, "stop")],
            early_stopping_rounds=self.parameters.early_stopping_rounds, evals_result=history, verbose_eval=False,
        )  # fmt: skip
        best = int(booster.best_iteration)
        trimmed = booster[: best + 1]
        trimmed.feature_names = list(rows.features)
        curves = {name: values[self.objective.figure] for name, values in history.items()}
        return Fit(FittedBooster(bytes(trimmed.save_raw("ubj"))), rows=len(rows.labels), best_iteration=best,
                   history=curves)  # fmt: skip

    def fit_drawn(
        self, matrix: Matrix, labels: Floats, *, times: NDArray[np.intp], trees: int, seed: int,
        features: Sequence[str], offsets: Floats | None = None,
    ) -> FittedBooster:  # fmt: skip
        """Fit exactly so many trees on rows of which each counts `times` (n,); one that counts 0 times is not read."""
        import xgboost

        there = np.flatnonzero(times)
        mean = None if offsets is None else float(np.average(labels[there], weights=times[there]))
        rows = self._read(matrix[there], labels[there], mean, None if offsets is None else offsets[there])
        rows.set_weight(times[there])
        booster = xgboost.train(self._told(seed, mean), rows, trees, verbose_eval=False)
        booster.feature_names = list(features)
        return FittedBooster(bytes(booster.save_raw("ubj")))

    def _read(self, matrix: Matrix, labels: Floats, mean: float | None, offsets: Floats | None) -> DMatrix:
        """Rows for a fit. Offsets take the place of the level that all rows start from, which is added to them."""
        import xgboost

        known = None if offsets is None or mean is None else self.objective.margin(mean) + offsets
        return xgboost.DMatrix(matrix, labels, base_margin=known, missing=np.nan, nthread=self.threads)

    def _told(self, seed: int, mean: float | None) -> dict[str, Any]:
        told = {"objective": self.objective.loss, "eval_metric": self.objective.figure, "tree_method": "hist",
                "seed": seed, "nthread": self.threads, "verbosity": 0, **self.parameters.native()}  # fmt: skip
        return told if mean is None else {**told, "base_score": mean}

    def fit_frame(self, rows: FrameRows, *, seed: int) -> Fit:
        """Fit on all rows of a frame, in as many processes as `num_workers` says; see `fit_distributed`."""
        from models.algorithms.xgboost_spark import fit_distributed

        found = fit_distributed(
            rows.frame, features=rows.features, words=rows.words, label=rows.label, stopping=rows.stopping,
            key=rows.key, parameters=self.parameters, objective=self.objective, seed=seed, offset=rows.offset,
            mean=rows.mean,
        )  # fmt: skip
        return Fit(FittedBooster(found.booster), rows=rows.learned, best_iteration=found.best_iteration,
                   history=found.history, workers=found.workers)  # fmt: skip

    def load(self, saved: bytes) -> FittedBooster:
        """The booster of these bytes."""
        return FittedBooster(saved)
