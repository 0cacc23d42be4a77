"""How good probabilities are on rows with known outcomes: one set of figures, or the reason why not."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from models.logistic import Floats

BINS = 10
_FLOOR = 1e-15


@dataclass(frozen=True)
class Metrics:
    """Figures of one head on one population; None where the rows allow none, and `reason` says why.

    `auc`, `average_precision`: ranking. `log_loss` (nats), `brier`, `ece10`: probabilities; ece10 is the mean
    absolute gap between forecast and outcome over ten equal-count bins. `lift_top_tenth`: outcome rate among
    the tenth with the highest forecasts over the rate of all.
    """

    n: int
    base_rate: float | None = None
    auc: float | None = None
    average_precision: float | None = None
    log_loss: float | None = None
    brier: float | None = None
    ece10: float | None = None
    lift_top_tenth: float | None = None
    reason: str = ""

    def figures(self) -> dict[str, float]:
        """The figures that exist, by name: what a run logs."""
        return {name: float(value) for name, value in asdict(self).items() if isinstance(value, (int, float))}


def evaluate(labels: Floats, probabilities: Floats) -> Metrics:
    """Metrics of probabilities in [0, 1] against 0/1 labels, both of shape (n,), in any row order.

    Equal forecasts share their outcomes, so that no figure depends on how ties happen to be ordered.

    >>> evaluate(np.array([0.0, 1.0]), np.array([0.25, 0.75])).auc
    1.0
    >>> evaluate(np.array([]), np.array([])).reason
    'no rows'
    """
    y, p = np.asarray(labels, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    n = len(y)
    if n == 0:
        return Metrics(n=0, reason="no rows")
    base, shared = float(y.mean()), shared_by_ties(y, p)
    one_class = base in (0.0, 1.0)
    return Metrics(
        n=n,
        base_rate=base,
        auc=None if one_class else area_under_roc(y, p),
        average_precision=None if one_class else _average_precision(y, p),
        log_loss=_log_loss(y, p),
        brier=float(np.mean((p - y) ** 2)),
        ece10=_calibration_error(shared, p),
        lift_top_tenth=None if one_class else _lift(shared, p, base=base),
        reason=f"all {n} rows have one class" if one_class else "",
    )


def area_under_roc(labels: Floats, scores: Floats) -> float | None:
    """P(score of a positive > score of a negative) + half the ties (Mann & Whitney 1947); None for one class.

    labels: 0/1 of shape (n,); scores: any finite numbers of shape (n,).

    >>> area_under_roc(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 2.0]))
    0.75
    """
    positives = float(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return None
    above = float(mid_ranks(scores)[labels > 0].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def paired_auc_error(labels: Floats, one: Floats, other: Floats) -> float | None:
    """Standard error of the difference of two AUCs on the same rows; None for fewer than two rows of a class.

    labels: 0/1 of shape (n,); one, other: scores of shape (n,). The variance of placements by DeLong, DeLong &
    Clarke-Pearson 1988, with mid-ranks as Sun & Xu 2014 compute them, in O(n log n).

    >>> y = np.array([0.0, 0.0, 1.0, 1.0])
    >>> paired_auc_error(y, np.array([0.1, 0.4, 0.3, 0.9]), np.array([0.1, 0.4, 0.3, 0.9]))
    0.0
    """
    positive = np.asarray(labels) > 0
    if min(int(positive.sum()), int((~positive).sum())) < 2:
        return None
    (above, below), (other_above, other_below) = _placements(positive, one), _placements(positive, other)
    variance = np.var(above - other_above, ddof=1) / len(above) + np.var(below - other_below, ddof=1) / len(below)
    return float(np.sqrt(variance))


def _placements(positive: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Share of negatives below each positive, share of positives above each negative; ties count half."""
    among_all, m, n = mid_ranks(scores), int(positive.sum()), int((~positive).sum())
    above = (among_all[positive] - mid_ranks(scores[positive])) / n
    below = 1 - (among_all[~positive] - mid_ranks(scores[~positive])) / m
    return above, below


def mid_ranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing the mean of theirs; float64 of shape (n,).

    >>> mid_ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[group]


def expected_error(probabilities: Floats, *, draws: int = 200, seed: int = 0) -> float:
    """The ECE10 that these probabilities would show if each were exactly true: the mean over simulated outcomes.

    Judge `ece10` by what it has above this: a perfectly calibrated model of 836 rows shows about .04.

    >>> 0.03 < expected_error(np.full(836, 0.34)) < 0.05
    True
    """
    p, chance = np.sort(np.asarray(probabilities, dtype=np.float64)), np.random.default_rng(seed)
    if len(p) == 0:
        return 0.0
    bins = [part for part in np.array_split(np.arange(len(p)), BINS) if len(part)]
    starts, forecast = np.array([part[0] for part in bins]), np.array([p[part].sum() for part in bins])
    gaps = [np.abs(np.add.reduceat((chance.random(len(p)) < p).astype(np.float64), starts) - forecast).sum()
            for _ in range(draws)]  # fmt: skip
    return float(np.mean(gaps)) / len(p)


def _average_precision(y: Floats, p: Floats) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, p))


def _log_loss(y: Floats, p: Floats) -> float:
    sure = np.clip(p, _FLOOR, 1 - _FLOOR)
    return float(-np.mean(y * np.log(sure) + (1 - y) * np.log1p(-sure)))


def shared_by_ties(y: Floats, p: Floats) -> Floats:
    """The outcomes (n,), each the mean of those with the same forecast: no figure hangs on the order of ties."""
    _, group, counts = np.unique(p, return_inverse=True, return_counts=True)
    return (np.bincount(group, weights=y) / counts)[group]


def _calibration_error(shared: Floats, p: Floats) -> float:
    order = np.argsort(p, kind="stable")
    bins = (part for part in np.array_split(order, BINS) if len(part))
    gaps = (abs(float(np.sum(p[part] - shared[part]))) for part in bins)
    return math.fsum(gaps) / len(p)


def _lift(shared: Floats, p: Floats, *, base: float) -> float:
    top = np.argsort(-p, kind="stable")[: math.ceil(len(p) / BINS)]
    return float(shared[top].mean()) / base
