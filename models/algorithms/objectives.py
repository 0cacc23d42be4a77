"""What boosted trees make small, what stops them, and what their margins mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.logistic import Floats, logit, sigmoid


@dataclass(frozen=True)
class Objective:
    """A loss by XGBoost's name, and the figure of the stopping rows that ends a fit.

    `forecast` turns margins into what was learned: log-odds into probabilities, numbers into themselves; `margin` turns
    one forecast back.
    """

    loss: str
    figure: str
    forecast: Callable[[Floats], Floats]
    margin: Callable[[float], float]


PROBABILITY = Objective("binary:logistic", "logloss", sigmoid, logit)
NUMBER = Objective("reg:squarederror", "rmse", np.positive, float)
OBJECTIVES = {one.loss: one for one in (PROBABILITY, NUMBER)}
