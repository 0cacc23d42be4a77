"""How far figures could be off: intervals by a bootstrap over customers, of one model or of two on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.logistic import Floats

DRAWS = 1_000
LEVEL = 0.95
_FLOOR = 1e-15


@dataclass(frozen=True)
class Interval:
    """The figure on all rows, and the middle of the figures over resampled customers: `LEVEL` unless said otherwise."""

    figure: float
    low: float
    high: float


def intervals(
    labels: Floats, probabilities: Floats, customers: NDArray[np.object_], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Interval]:
    """Percentile intervals of `auc`, `log_loss` and `brier`; {} where the rows have one class.

    labels: 0/1 (n,); probabilities: (n,); customers: ids (n,). Customers are drawn with replacement and bring all
    their rows, since rows of one customer go together; draws of one class are left out of the AUC.

    >>> y, who = np.tile([0.0, 1.0], 50), np.arange(100).astype(object)
    >>> intervals(y, 0.25 + y / 2, who)["auc"]
    Interval(figure=1.0, low=1.0, high=1.0)
    """
    figures = _figures(labels, probabilities)
    return {} if _one_class(labels) else summaries(figures, customers, draws=draws, seed=seed)


def paired_intervals(
    labels: Floats, one: Floats, other: Floats, customers: NDArray[np.object_], *, draws: int = DRAWS, seed: int = 0,
    level: float = LEVEL, within: NDArray[Any] | None = None, of: Sequence[str] = ("auc", "log_loss", "brier"),
) -> dict[str, Interval]:  # fmt: skip
    """Intervals of what `one` has over `other` on the same rows: `auc_gain`, and `log_loss_gain` and `brier_gain`
    (other less one, so that more is better). Both models meet the same resampled customers.

    `within` (n,), such as dates, has the AUC ranked inside each of its values and averaged over them; `of` names the
    figures, of which the AUC costs most.
    """
    if _one_class(labels):
        return {}
    ours, theirs = _figures(labels, one, within), _figures(labels, other, within)
    signs = {"auc": 1.0, "log_loss": -1.0, "brier": -1.0}
    gains = {f"{name}_gain": _difference(ours[name], theirs[name], signs[name]) for name in of}
    return summaries(gains, customers, draws=draws, seed=seed, level=level)


def ends(found: Mapping[str, Interval]) -> dict[str, float]:
    """The ends of intervals by name: `auc_low`, `auc_high` and so on.

    >>> ends({"auc": Interval(0.7, 0.6, 0.8)})
    {'auc_low': 0.6, 'auc_high': 0.8}
    """
    return {f"{name}_{end}": getattr(one, end) for name, one in found.items() for end in ("low", "high")}


Weighed = Callable[[Floats], float]


def _figures(labels: Floats, probabilities: Floats, within: NDArray[Any] | None = None) -> dict[str, Weighed]:
    """Figures as functions of the weights of rows, float64 (n,)."""
    sure = np.clip(probabilities, _FLOOR, 1 - _FLOOR)
    losses = -(labels * np.log(sure) + (1 - labels) * np.log1p(-sure))
    squares = (probabilities - labels) ** 2
    return {
        "auc": _weighed_auc(labels, probabilities) if within is None else _auc_within(labels, probabilities, within),
        "log_loss": lambda weights: float(weights @ losses / weights.sum()),
        "brier": lambda weights: float(weights @ squares / weights.sum()),
    }


def _weighed_auc(labels: Floats, scores: Floats) -> Weighed:
    _, tie = np.unique(scores, return_inverse=True)

    def area(weights: Floats) -> float:
        positive, negative = np.bincount(tie, weights * labels), np.bincount(tie, weights * (1 - labels))
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative / 2
        return float(positive @ below / pairs) if pairs > 0 else float("nan")

    return area


def _auc_within(labels: Floats, scores: Floats, within: NDArray[Any]) -> Weighed:
    parts = [np.flatnonzero(within == one) for one in np.unique(within)]
    areas = [(at, _weighed_auc(labels[at], scores[at])) for at in parts if not _one_class(labels[at])]
    return lambda weights: float(np.nanmean([area(weights[at]) for at, area in areas]))


def _difference(one: Weighed, other: Weighed, sign: float) -> Weighed:
    return lambda weights: sign * (one(weights) - other(weights))


def summaries(
    figures: Mapping[str, Weighed], customers: NDArray[np.object_], *, draws: int = DRAWS, seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Interval]:  # fmt: skip
    """Percentile intervals of figures, each a function of the weights of rows (n,): resampled customers give them."""
    found: dict[str, list[float]] = {name: [] for name in figures}
    for weights in _resampled(customers, draws=draws, seed=seed):
        for name, figure in figures.items():
            found[name].append(figure(weights))
    edges = [(1 - level) / 2, (1 + level) / 2]
    whole = np.ones(len(customers))
    bounds = {name: np.nanquantile(values, edges) for name, values in found.items()}
    return {name: Interval(figure(whole), *map(float, bounds[name])) for name, figure in figures.items()}


def _resampled(customers: NDArray[np.object_], *, draws: int, seed: int) -> Iterator[Floats]:
    _, who = np.unique(customers.astype(str), return_inverse=True)
    count, chance = int(who.max()) + 1, np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(chance.integers(0, count, count), minlength=count).astype(np.float64)[who]


def _one_class(labels: Floats) -> bool:
    return len(labels) == 0 or labels.min() == labels.max()
