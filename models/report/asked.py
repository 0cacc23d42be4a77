"""What a page is told beside the record of its model: what was asked, and how people call what a kind of head gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from models.thresholds import Values


@dataclass(frozen=True)
class Asked:
    """What was asked of a training, as people say it: what a model's own record does not hold.

    `meaning` are lines on the label; `families` those of the features; `parameters` what the run logs; `made_from`
    the training set's name and fingerprint; `counted` what an amount is a number of, "" for money.
    """

    meaning: tuple[str, ...]
    as_of: date
    currency: str
    made_from: str
    seed: int
    families: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: Values | None = None
    counted: str = ""

    @property
    def unit(self) -> str:
        """What amounts are in."""
        return self.counted or self.currency

    @property
    def digits(self) -> int:
        """Decimals that are shown of them: an order is much, a penny is not."""
        return 2 if self.counted else 0


@dataclass(frozen=True)
class Terms:
    """What the axes of a kind of head say.

    `forecast` is what the model gives and `happened` what it is held against; `margin` what contributions add up to and
    `raises` what more of them does; `saved` what dealing out a feature's values anew shows; `fit_loss` what the fit
    makes small; `counted` the customers whom something happened to.
    """

    forecast: str
    happened: str
    margin: str
    raises: str
    saved: str
    fit_loss: str
    counted: str


PROBABILITIES = Terms("probability", "share with the outcome", "log-odds", "raises the odds of the outcome",
                      "log loss it saves\n(shuffled)", "log loss", "with the outcome")  # fmt: skip
AMOUNTS = Terms("amount", "mean amount", "root of the amount", "raises the amount",
                "rank correlation it gives\n(shuffled)",
                "root mean square error of roots", "with an amount")  # fmt: skip
