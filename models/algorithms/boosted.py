"""XGBoost behind the contract of all algorithms: distributed over a frame, or in memory over arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.algorithms.contract import Fit, Matrix, Place, Rows
from models.algorithms.objectives import OBJECTIVES, PROBABILITY, Objective
from models.algorithms.parameters import XGBoostParameters
from models.logistic import Floats

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from xgboost import Booster

# Threads that wait shall sleep: spinning, two of them take forty times as long on a machine that is busy. Read by
# OpenMP when XGBoost is first imported, which is why that happens in functions only.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Sums over threads round by how many there are: a fixed number, so that machines agree.
THREADS = 2


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

    def save(self) -> bytes:
        """UBJ."""
        return self.ubj


@lru_cache(maxsize=16)
def loaded_booster(ubj: bytes) -> Booster:
    """The booster of these bytes, loaded once a process; one thread, since each Spark task has one core."""
    from xgboost import Booster

    model = Booster({"nthread": 1})
    model.load_model(bytearray(ubj))
    return model


@lru_cache(maxsize=16)
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

        fitted = xgboost.DMatrix(rows.matrix, rows.labels, missing=np.nan, nthread=self.threads)
        stopping = xgboost.DMatrix(rows.stop_matrix, rows.stop_labels, missing=np.nan, nthread=self.threads)
        told = {"objective": self.objective.loss, "eval_metric": self.objective.figure, "tree_method": "hist",
                "seed": seed, "nthread": self.threads, "verbosity": 0, **self.parameters.native()}  # fmt: skip
        history: dict[str, dict[str, list[float]]] = {}
        booster = xgboost.train(
            told, fitted, self.parameters.trees, evals=[(fitted, "fit"), (stopping, "stop")],
            early_stopping_rounds=self.parameters.early_stopping_rounds, evals_result=history, verbose_eval=False,
        )  # fmt: skip
        best = int(booster.best_iteration)
        trimmed = booster[: best + 1]
        trimmed.feature_names = list(rows.features)
        curves = {name: values[self.objective.figure] for name, values in history.items()}
        return Fit(FittedBooster(bytes(trimmed.save_raw("ubj"))), rows=len(rows.labels), best_iteration=best,
                   history=curves)  # fmt: skip

    def fit_frame(
        self, rows: DataFrame, *, features: Sequence[str], words: Mapping[str, Sequence[str]], label: str,
        stopping: str, key: Sequence[str], learned: int, seed: int,
    ) -> Fit:  # fmt: skip
        """Fit on all rows of a frame, in as many processes as `num_workers` says; see `fit_distributed`.

        `learned` is the number of its rows that do not stop: what the record says of the fit.
        """
        from models.algorithms.xgboost_spark import fit_distributed

        found = fit_distributed(
            rows, features=features, words=words, label=label, stopping=stopping, key=key,
            parameters=self.parameters, objective=self.objective, seed=seed,
        )  # fmt: skip
        return Fit(FittedBooster(found.booster), rows=learned, best_iteration=found.best_iteration,
                   history=found.history, workers=found.workers)  # fmt: skip

    def load(self, saved: bytes) -> FittedBooster:
        """The booster of these bytes."""
        return FittedBooster(saved)
