"""How a model is fitted: the declared parameters of training, checked where they are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from models.errors import BadTrainingSetting


@dataclass(frozen=True)
class TrainingParameters:
    """Boosting parameters by their XGBoost meaning, and how many rows the driver reads.

    `trees` is the most there can be; `early_stopping_rounds` without a better log loss on the stopping rows
    end the fit earlier. The two row limits bound what the driver holds in memory.
    """

    trees: int = 400
    max_depth: int = 4
    learning_rate: float = 0.05
    early_stopping_rounds: int = 30
    subsample: float = 0.8
    colsample_bytree: float = 0.6
    min_child_weight: float = 20.0
    num_workers: int = 2
    max_evaluation_rows: int = 1_000_000
    max_baseline_rows: int = 100_000

    def __post_init__(self) -> None:
        for name in ("trees", "max_depth", "early_stopping_rounds", "num_workers"):
            self._require(name, getattr(self, name) >= 1, "a whole number of at least 1")
        for name in ("max_evaluation_rows", "max_baseline_rows"):
            self._require(name, getattr(self, name) >= 1, "a number of rows of at least 1")
        for name in ("learning_rate", "subsample", "colsample_bytree"):
            self._require(name, 0 < getattr(self, name) <= 1, "a number above 0 and at most 1")
        self._require("min_child_weight", self.min_child_weight >= 0, "a number of at least 0")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise BadTrainingSetting.value(name, getattr(self, name), expected=expected)

    def boosting(self) -> dict[str, Any]:
        """The part that XGBoost reads, under XGBoost's names.

        >>> TrainingParameters().boosting()["n_estimators"]
        400
        """
        return {
            "n_estimators": self.trees,
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "early_stopping_rounds": self.early_stopping_rounds,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "min_child_weight": self.min_child_weight,
        }

    def describe(self) -> dict[str, Any]:
        """All parameters by name: what a run records and what a training fingerprint covers."""
        return asdict(self)
