"""Logistic regression of one input: two numbers by Newton's method, exact and without a penalty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sigmoid(log_odds: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow; float64 in, float64 out, same shape.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    decay = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1.0, decay) / (1.0 + decay)


def logit(probability: float) -> float:
    """log(p / (1 - p)) of 0 < p < 1.

    >>> logit(0.5)
    0.0
    """
    return float(np.log(probability) - np.log1p(-probability))


def fit_line(x: Floats, target: Floats, *, steps: int = 100) -> tuple[float, float]:
    """Slope a and intercept b that minimise the log loss of sigmoid(a x + b) against `target` in [0, 1].

    x, target: float64 of shape (n,), n >= 1, finite, `target` not all 0 and not all 1. A step is halved until
    the loss falls (Lin, Lin & Weng 2007, "A note on Platt's probabilistic outputs"); separable targets stop
    after `steps`.

    >>> a, b = fit_line(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.25, 0.25, 0.75, 0.75]))
    >>> bool(np.allclose(sigmoid(np.array([b, a + b])), [0.25, 0.75]))
    True
    """
    centre, spread = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / spread
    weights = np.array([0.0, np.log((target.sum() + 1) / ((1 - target).sum() + 1))])
    loss = mean_log_loss(weights[0] * z + weights[1], target)
    for _ in range(steps):
        step = _newton_step(z, target, weights)
        scale, moved = _shrunk(z, target, weights, step=step, loss=loss)
        if moved >= loss - 1e-12:
            break
        weights, loss = weights - scale * step, moved
    slope = float(weights[0]) / spread
    return slope, float(weights[1]) - slope * centre


def mean_log_loss(log_odds: Floats, target: Floats) -> float:
    """Mean of -target log p - (1 - target) log(1 - p) with p = sigmoid(log_odds), in nats."""
    return float(np.mean(np.logaddexp(0.0, log_odds) - target * log_odds))


def _newton_step(z: Floats, target: Floats, weights: Floats) -> Floats:
    p = sigmoid(weights[0] * z + weights[1])
    # A floor keeps the Hessian regular where all probabilities have run to 0 or 1.
    curve, error = np.maximum(p * (1 - p), 1e-12), p - target
    gradient = np.array([error @ z, error.sum()])
    cross = curve @ z
    hessian = np.array([[curve @ (z * z), cross], [cross, curve.sum()]]) + 1e-9 * np.eye(2)
    return np.linalg.solve(hessian, gradient)


def _shrunk(z: Floats, target: Floats, weights: Floats, *, step: Floats, loss: float) -> tuple[float, float]:
    scale, moved = 1.0, loss
    for _ in range(30):
        slope, intercept = weights - scale * step
        moved = mean_log_loss(slope * z + intercept, target)
        if moved < loss:
            break
        scale /= 2
    return scale, moved
