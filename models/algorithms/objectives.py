"""What boosted trees make small, what stops them, and what their margins mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.logistic import Floats, sigmoid


@dataclass(frozen=True)
class Objective:
    """A loss by XGBoost's name, and the figure of the stopping rows that ends a fit.

    `forecast` turns margins into what was learned: log-odds into probabilities, numbers into themselves.
    """

    loss: str
    figure: str
    forecast: Callable[[Floats], Floats]


PROBABILITY = Objective("binary:logistic", "logloss", sigmoid)
NUMBER = Objective("reg:squarederror", "rmse", np.positive)
OBJECTIVES = {one.loss: one for one in (PROBABILITY, NUMBER)}
