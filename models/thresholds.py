"""From which probability on an offer pays: a table of what things are worth, and the profit at every threshold."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import Field

from featurestore.configuration import Strict
from models.logistic import Floats

_POINTS = 101


class Values(Strict):
    """What contacting a customer costs and brings, in the warehouse's currency; assumptions until an experiment.

    `saved` is the margin of a customer kept, `save_rate` the share of those with the outcome whom an offer keeps,
    `contact` the cost of reaching anyone, `offer` that of a redeemed offer, and `redeemed_anyway` the share of those
    without the outcome who redeem it all the same.
    """

    saved: float = Field(ge=0)
    save_rate: float = Field(ge=0, le=1)
    contact: float = Field(ge=0)
    offer: float = Field(ge=0)
    redeemed_anyway: float = Field(ge=0, le=1)
    assumed: bool

    def profit(self, labels: Floats) -> Floats:
        """Profit of contacting each row, float64 (n,), given its outcome 0/1.

        >>> one = Values(saved=100, save_rate=0.1, contact=1, offer=5, redeemed_anyway=0.2, assumed=True)
        >>> one.profit(np.array([1.0, 0.0])).tolist()
        [8.5, -2.0]
        """
        kept = self.save_rate * (self.saved - self.offer)
        return np.where(labels > 0, kept, -self.redeemed_anyway * self.offer) - self.contact

    @property
    def break_even(self) -> float | None:
        """The probability above which an offer pays if probabilities are true; None where it never does."""
        gain, loss = self.profit(np.array([1.0, 0.0])).tolist()
        if gain <= 0:
            return None
        return max(0.0, -loss) / (gain + max(0.0, -loss))


@dataclass(frozen=True)
class Threshold:
    """The probability from which contacting pays best on some rows; None where contacting nobody is best.

    `profit` is a customer of those rows, contacted or not; `contacted` their share. `curve` holds up to 101 points
    (threshold, share contacted, profit a customer), from contacting few to contacting all.
    """

    probability: float | None
    contacted: float
    profit: float
    break_even: float | None
    curve: tuple[tuple[float, float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def best_threshold(labels: Floats, probabilities: Floats, values: Values) -> Threshold:
    """The threshold of greatest profit on rows of known outcome; of equal ones the highest, which contacts fewest.

    labels: 0/1 (n,); probabilities: (n,). Rows of one probability are contacted together. No rows: nobody.
    """
    places, group = np.unique(-probabilities, return_inverse=True)
    if len(places) == 0:
        return Threshold(None, 0.0, 0.0, values.break_even, ())
    gained = np.cumsum(np.bincount(group, values.profit(labels))) / len(labels)
    contacted = np.cumsum(np.bincount(group)) / len(labels)
    shown = np.unique(np.linspace(0, len(places) - 1, min(_POINTS, len(places))).astype(int))
    curve = tuple((float(-places[at]), float(contacted[at]), float(gained[at])) for at in shown)
    best = int(np.argmax(gained))
    if gained[best] <= 0:
        return Threshold(None, 0.0, 0.0, values.break_even, curve)
    return Threshold(float(-places[best]), float(contacted[best]), float(gained[best]), values.break_even, curve)


def profit_at(labels: Floats, probabilities: Floats, threshold: Threshold, values: Values) -> float:
    """Profit a customer of other rows at a threshold that was chosen before; 0 without rows."""
    if threshold.probability is None or len(labels) == 0:
        return 0.0
    return float(np.sum(values.profit(labels) * (probabilities >= threshold.probability)) / len(labels))
