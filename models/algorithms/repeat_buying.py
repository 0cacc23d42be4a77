"""BG/NBD as a model of a label: the probability of an order within the horizon, from three features and no others.

A rival rather than a choice: it knows how often, for how long and how lately, so it takes no part in comparisons of
algorithms over all features.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from pydantic import Field

from featurestore.configuration import Strict
from models.algorithms.contract import Fit, Matrix, Place, Rows
from models.errors import BrokenModel, OtherFeatures
from models.evaluate import area_under_roc
from models.lifetime.bgnbd import BgNbd, Counts, fit_bgnbd
from models.logistic import Floats, sigmoid

BGNBD = "bgnbd"
HISTORY_FEATURES = ("order_days_lifetime", "gap_days_mean_lifetime", "recency_days")
DAYS_A_WEEK = 7
_SUREST = 1e-6


class RepeatBuyingParameters(Strict):
    """`horizon_days` is that of the label, `spread` the penalty's width on a log-parameter."""

    horizon_days: int = Field(gt=0)
    spread: float = Field(default=3.0, gt=0)


@dataclass(frozen=True)
class FittedRepeatBuying:
    """Four parameters in weeks, the horizon, and whether the label is that of an order (1) or of none (-1)."""

    buying: BgNbd
    horizon_days: int
    sign: Literal[1, -1]

    def margins(self, matrix: Matrix) -> Floats:
        """Log-odds of the label, float64 (n,), of a float32 matrix (n, 3) in the order of `HISTORY_FEATURES`."""
        ordering = order_probability(self.buying, histories(matrix), days=self.horizon_days)
        p = np.clip(ordering, _SUREST, 1 - _SUREST)
        return self.sign * (np.log(p) - np.log1p(-p))

    def predict(self, matrix: Matrix) -> Floats:
        """Probabilities of the label, float64 (n,)."""
        return sigmoid(self.margins(matrix))

    def save(self) -> bytes:
        """JSON."""
        described = {"buying": asdict(self.buying), "horizon_days": self.horizon_days, "sign": self.sign}
        return json.dumps(described, sort_keys=True).encode()


@dataclass(frozen=True)
class RepeatBuying:
    """BG/NBD behind the contract of all algorithms; a customer's rows of several dates count as so many histories."""

    parameters: RepeatBuyingParameters
    name: str = BGNBD

    @property
    def place(self) -> Place:
        return "one machine"

    @property
    def sample_rows(self) -> None:
        return None

    def fit(self, rows: Rows, *, seed: int) -> Fit:
        """The likeliest parameters: nothing is left to chance, and no rows are needed to stop by.

        The label is taken for that of an order where those likelier to order have it more often. Raises
        OtherFeatures unless the columns are `HISTORY_FEATURES`.
        """
        if rows.features != HISTORY_FEATURES:
            raise OtherFeatures.columns("BG/NBD", missing=HISTORY_FEATURES, available=rows.features)
        known, days = histories(rows.matrix), self.parameters.horizon_days
        buying, _ = fit_bgnbd(_counted(known), spread=self.parameters.spread)
        area = area_under_roc(rows.labels, order_probability(buying, known, days=days))
        sign: Literal[1, -1] = -1 if area is not None and area < 0.5 else 1
        return Fit(FittedRepeatBuying(buying, days, sign), rows=len(rows.labels))

    def load(self, saved: bytes) -> FittedRepeatBuying:
        """The model of these bytes; BrokenModel for bytes that are none."""
        return loaded_repeat_buying(saved)


@lru_cache(maxsize=16)
def loaded_repeat_buying(saved: bytes) -> FittedRepeatBuying:
    """The model of these bytes, read once a process."""
    try:
        read = json.loads(saved)
        return FittedRepeatBuying(BgNbd(**read["buying"]), int(read["horizon_days"]), -1 if read["sign"] < 0 else 1)
    except (ValueError, KeyError, TypeError) as problem:
        raise BrokenModel.files("a BG/NBD model", where="its bundle", reason=str(problem)) from problem


def histories(matrix: Matrix) -> Floats:
    """Frequency, recency and age in weeks, float64 (n, 3), of the columns `HISTORY_FEATURES`.

    As `models.lifetime.histories.with_history` has them of a frame: order days after the first, whole days from the
    first to the last, and those from the first until now. A customer without an order has a history of nothing.

    >>> histories(np.array([[3, 7.0, 13.5], [1, np.nan, 6.2], [0, np.nan, np.nan]], np.float32)).round(2).tolist()
    [[2.0, 2.0, 3.86], [0.0, 0.0, 0.86], [0.0, 0.0, 0.0]]
    """
    days, gap, since = np.nan_to_num(np.asarray(matrix, dtype=np.float64)).T
    repeats = np.maximum(days - 1, 0)
    recency = np.round(gap * repeats)
    age = recency + np.maximum(np.ceil(since) - 1, 0)
    return np.column_stack([repeats, recency / DAYS_A_WEEK, age / DAYS_A_WEEK])


def order_probability(buying: BgNbd, known: Floats, *, days: int) -> Floats:
    """P(at least one order day within `days` | history), float64 (n,).

    One drops out only after an order, so someone alive orders unless the rate keeps silent: P(alive) times
    1 - ((alpha + T) / (alpha + T + h))^(r + x), the Gamma posterior of the rate at no event.

    >>> cdnow = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> once, often = np.array([[0.0, 0.0, 38.86]]), np.array([[6.0, 35.0, 38.86]])
    >>> [round(float(order_probability(cdnow, one, days=30)[0]), 3) for one in (once, often)]
    [0.023, 0.374]
    """
    frequency, recency, age = known.T
    waited = buying.alpha + age
    silent = np.exp(-(buying.r + frequency) * np.log1p(days / DAYS_A_WEEK / waited))
    return buying.p_alive(frequency, recency, age) * (1 - silent)


def _counted(known: Floats) -> Counts:
    distinct, customers = np.unique(known, axis=0, return_counts=True)
    frequency, recency, age = distinct.T
    return Counts(frequency, recency, age, customers.astype(np.float64))
