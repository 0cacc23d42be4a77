"""How a model is fitted: the declared parameters of training, checked where they are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from models.algorithms import XGBOOST, algorithm_named, refuse_unknown
from models.algorithms.contract import Algorithm
from models.algorithms.parameters import AlgorithmSettings, XGBoostParameters
from models.calibrate import METHODS, PLATT
from models.errors import BadTrainingSetting
from models.training_rows import SampleRule

BACKTESTED = "backtested"
CALIBRATIONS = (BACKTESTED, *METHODS)


@dataclass(frozen=True)
class TrainingParameters:
    """Boosting parameters by their XGBoost meaning, and how many rows the driver reads.

    `trees` is the most there can be; `early_stopping_rounds` without a better log loss on the stopping rows
    end the fit earlier. `calibration` is a method, or "backtested": the one of least log loss at up to
    `calibration_backtests` earlier as-ofs, at each of which the recipe is fitted again. The two row limits bound
    what the driver holds in memory. `algorithm` is what `train` fits; one that exists on one machine only learns
    from a sample, drawn `sample_by` customer or row, and takes its parameters from `algorithms`. A comparison gives
    all of them the same rows of `compare_folds` rolling origins; a fit of it or of a backtest learns from at most
    `trial_rows`. `words` are text columns that are inputs too, each by its `max_words` most frequent values on the
    fitted rows. Beside a model that gives risk levels, `confidence_boosters` are fitted on other draws of its
    customers, each on at most `confidence_rows` rows; 0 fits none, and its scores have no confidence.
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
    calibration: str = PLATT
    calibration_backtests: int = 3
    trial_rows: int = 10_000
    compare_folds: int = 3
    algorithm: str = XGBOOST
    sample_by: SampleRule = "customer"
    words: tuple[str, ...] = ()
    max_words: int = 50
    confidence_boosters: int = 10
    confidence_rows: int = 20_000
    algorithms: AlgorithmSettings = field(default_factory=AlgorithmSettings)

    def __post_init__(self) -> None:
        for name in ("trees", "max_depth", "early_stopping_rounds", "num_workers"):
            self._require(name, getattr(self, name) >= 1, "a whole number of at least 1")
        self._require("compare_folds", self.compare_folds >= 1, "a whole number of at least 1")
        for name in ("max_evaluation_rows", "max_baseline_rows", "trial_rows", "confidence_rows"):
            self._require(name, getattr(self, name) >= 1, "a number of rows of at least 1")
        for name in ("learning_rate", "subsample", "colsample_bytree"):
            self._require(name, 0 < getattr(self, name) <= 1, "a number above 0 and at most 1")
        self._require("min_child_weight", self.min_child_weight >= 0, "a number of at least 0")

        refuse_unknown(self.algorithm)
        self._require("calibration", self.calibration in CALIBRATIONS, f"one of {', '.join(CALIBRATIONS)}")
        self._require("calibration_backtests", self.calibration_backtests >= 1, "a whole number of at least 1")
        self._require("sample_by", self.sample_by in get_args(SampleRule), " or ".join(get_args(SampleRule)))
        self._require("words", isinstance(self.words, tuple), "names of text columns")
        self._require("confidence_boosters", self.confidence_boosters >= 0, "a whole number of at least 0")
        self._require("max_words", self.max_words >= 1, "a whole number of at least 1")
        self._require("algorithms", isinstance(self.algorithms, AlgorithmSettings), "parameters by algorithm")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise BadTrainingSetting.value(name, getattr(self, name), expected=expected)

    def boosting(self) -> XGBoostParameters:
        """The part that XGBoost reads.

        >>> TrainingParameters().boosting().trees
        400
        """
        return XGBoostParameters(**{name: getattr(self, name) for name in XGBoostParameters.model_fields})

    def algorithm_of(self, name: str | None = None) -> Algorithm:
        """The algorithm called `name` (by default the chosen one) with its parameters."""
        return algorithm_named(name or self.algorithm, boosting=self.boosting(), others=self.algorithms)

    def describe(self) -> dict[str, Any]:
        """All parameters by name: what a run records and what a training fingerprint covers."""
        return {**asdict(self), "words": list(self.words), "algorithms": self.algorithms.model_dump(mode="json")}
