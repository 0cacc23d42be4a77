"""How good expected amounts are on rows with known outcomes, and how far the figures could be off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluate import BINS, mid_ranks, shared_by_ties
from models.intervals import DRAWS, Interval, Weighed, summaries
from models.logistic import Floats
from models.scale import last_year
from models.training_rows import Sample


@dataclass(frozen=True)
class AmountMetrics:
    """Figures of one head on one population; None where the rows allow none, and `reason` says why.

    `mean` is the mean outcome and `mae` the mean absolute error, both in its unit; `spearman` the rank correlation;
    `sum_ratio` the forecast sum over the actual one: an expectation has 1; `capture_top_tenth` the share of all
    that the tenth with the highest forecasts went on to have, `capture_ceiling` that of the tenth that had most.
    No squared error: a few customers would be all of it.
    """

    n: int
    mean: float | None = None
    mae: float | None = None
    spearman: float | None = None
    sum_ratio: float | None = None
    capture_top_tenth: float | None = None
    capture_ceiling: float | None = None
    reason: str = ""

    def figures(self) -> dict[str, float]:
        """The figures that exist, by name: what a run logs."""
        return {name: float(value) for name, value in asdict(self).items() if isinstance(value, (int, float))}


def evaluate_amounts(actual: Floats, forecast: Floats) -> AmountMetrics:
    """Figures of forecasts against outcomes of at least 0, both (n,) and in one unit, in any row order.

    >>> found = evaluate_amounts(np.array([0.0, 2.0, 4.0]), np.array([1.0, 2.0, 6.0]))
    >>> found.mae, found.spearman, found.sum_ratio
    (1.0, 1.0, 1.5)
    >>> evaluate_amounts(np.array([]), np.array([])).reason
    'no rows'
    """
    y, f = np.asarray(actual, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    if len(y) == 0:
        return AmountMetrics(n=0, reason="no rows")
    nothing = not y.sum() > 0
    return AmountMetrics(
        n=len(y),
        mean=float(y.mean()),
        mae=mean_absolute_error(y, f),
        spearman=spearman(y, f),
        sum_ratio=sum_ratio(y, f),
        capture_top_tenth=None if nothing else captured(y, f),
        capture_ceiling=None if nothing else captured(y, y),
        reason=f"nothing came in {len(y)} rows" if nothing else "",
    )


def mean_absolute_error(actual: Floats, forecast: Floats) -> float:
    """Mean of |forecast - actual|."""
    return float(np.abs(forecast - actual).mean())


def spearman(actual: Floats, forecast: Floats) -> float | None:
    """The correlation of ranks, ties sharing the mean of theirs; None where one of the two is constant."""
    ranks = np.array([mid_ranks(forecast), mid_ranks(actual)])
    varies = bool((np.ptp(ranks, axis=1) > 0).all())
    return round(float(np.corrcoef(ranks)[0, 1]), 12) if varies else None


def sum_ratio(actual: Floats, forecast: Floats) -> float | None:
    """The sum of the forecasts over that of the outcomes; None where one of the two is 0."""
    total = float(actual.sum())
    return float(forecast.sum()) / total if total > 0 and forecast.sum() > 0 else None


def captured(actual: Floats, forecast: Floats) -> float:
    """The share of the outcomes' sum in the tenth of the rows with the highest forecasts; ties share theirs."""
    top = np.argsort(-forecast, kind="stable")[: math.ceil(len(forecast) / BINS)]
    return float(shared_by_ties(actual, forecast)[top].sum() / actual.sum())


@dataclass(frozen=True)
class Rival:
    """A forecast that needs no model, float64 (n,), and its figures on the rows that a model was tested on."""

    name: str
    forecast: Floats
    metrics: AmountMetrics

    def summary(self) -> dict[str, str | float]:
        """Its name and figures: what a bundle keeps."""
        return {"name": self.name, **self.metrics.figures()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a table or JSON."""
        return {"name": self.name, **asdict(self.metrics)}


def rivals(test: Sample, forecast: Floats, *, features: Sequence[str], before: str) -> list[Rival]:
    """A quarter of the last year's amount, as it is and scaled to the sum of `forecast`; [] without that feature.

    The rival of the same sum is what an error can be compared with: less is forecast with less error.
    """
    if before not in features or not len(test.labels):
        return []
    quarter = last_year(test.matrix, features, of=before) / 4
    named = {f"{before} / 4": quarter}
    if quarter.sum() > 0:
        named[f"{before}, of the same sum"] = quarter * (forecast.sum() / quarter.sum())
    return [Rival(name, one, evaluate_amounts(test.labels, one)) for name, one in named.items()]


def amount_intervals(
    actual: Floats, forecast: Floats, customers: NDArray[np.object_], *, rival: Floats | None = None,
    draws: int = DRAWS, seed: int = 0,
) -> dict[str, Interval]:  # fmt: skip
    """Percentile intervals of `mae`, `spearman` and `sum_ratio`, and of `mae_gain`: the rival's error less the own.

    actual, forecast, rival: (n,), one unit; customers: ids (n,), drawn with replacement. {} where there are no rows.
    """
    if not len(actual) or not actual.sum() > 0:
        return {}
    errors = np.abs(forecast - actual)
    figures: dict[str, Weighed] = {
        "mae": lambda weights: float(weights @ errors / weights.sum()),
        "spearman": _weighed_spearman(actual, forecast),
        "sum_ratio": lambda weights: float(weights @ forecast / (weights @ actual)),
    }
    if rival is not None:
        gains = np.abs(rival - actual) - errors
        figures["mae_gain"] = lambda weights: float(weights @ gains / weights.sum())
    return summaries(figures, customers, draws=draws, seed=seed)


def _weighed_spearman(actual: Floats, forecast: Floats) -> Weighed:
    ties = [np.unique(values, return_inverse=True)[1] for values in (actual, forecast)]

    def correlation(weights: Floats) -> float:
        ranks = []
        for tie in ties:
            counts = np.bincount(tie, weights)
            ranks.append((np.cumsum(counts) - counts / 2)[tie])
        one, other = (rank - weights @ rank / weights.sum() for rank in ranks)
        spread = np.sqrt((weights @ one**2) * (weights @ other**2))
        return float(weights @ (one * other) / spread) if spread > 0 else float("nan")

    return correlation
