"""Algorithms behind one contract: what they are called, how they are made, and how their bytes become models."""

from __future__ import annotations

from models.algorithms.boosted import FittedBooster, XGBoost
from models.algorithms.contract import Algorithm, Fitted
from models.algorithms.on_one_machine import MAKERS, FittedPipeline, OnOneMachineAlgorithm, loaded_pipeline
from models.algorithms.parameters import AlgorithmSettings, XGBoostParameters
from models.algorithms.repeat_buying import BGNBD, loaded_repeat_buying
from models.algorithms.spark_trained import FITTERS, SparkTrainedAlgorithm
from models.errors import BadTrainingSetting

XGBOOST = "xgboost"
NAMES = (XGBOOST, *MAKERS)


def algorithm_named(name: str, *, boosting: XGBoostParameters, others: AlgorithmSettings) -> Algorithm:
    """The algorithm of that name with its parameters; BadTrainingSetting with the names for an unknown one."""
    if name == XGBOOST:
        return XGBoost(boosting)
    refuse_unknown(name)
    kind = SparkTrainedAlgorithm if name in FITTERS else OnOneMachineAlgorithm
    return kind(name, getattr(others, name), MAKERS[name])


def load_model(name: str, saved: bytes) -> Fitted:
    """The fitted model that the algorithm `name` saved; loaded once a process for the same bytes."""
    if name == BGNBD:
        return loaded_repeat_buying(saved)
    refuse_unknown(name)
    return FittedBooster(saved) if name == XGBOOST else FittedPipeline(loaded_pipeline(saved))


def refuse_unknown(name: object) -> None:
    """BadTrainingSetting for a name that no algorithm has."""
    if name not in NAMES:
        raise BadTrainingSetting.value("algorithm", name, expected=f"one of {', '.join(NAMES)}")
