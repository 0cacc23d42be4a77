"""The mean of a smooth function under a Beta distribution, of any shape, by one sum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from models.logistic import Floats

_NODES = 129
_LEAST = 1e-290
"""A smaller p is taken for this one, so that no product of it is a denormal number."""
_TAIL = 40.0
"""Where the density has fallen by exp(-40) the rest is below the last digit of a double."""


def mean_over_beta(function: Callable[[Floats], Floats], a: float, b: float) -> Floats:
    """E[function(p)] for p ~ Beta(a, b), float (n,); `function` takes p (nodes,) and gives (n, nodes).

    The trapezoidal rule on y with logit(p) = middle + width sinh(y): on that scale the integrand falls off doubly
    exponentially at both ends, whatever the shape (Takahasi and Mori, Publ. RIMS 9, 1974), so that the rule
    converges exponentially. The weights are scaled to add up to 1, so that a constant is its own mean.

    >>> round(float(mean_over_beta(lambda p: p[None, :], 0.5, 1.5)[0]), 12)
    0.25
    """
    middle = np.log(a) - np.log(b)  # the mode on the scale of the logit
    width = float(np.sqrt(special.polygamma(1, a) + special.polygamma(1, b)))
    left, right = (np.arcsinh(_reach(a, b, step) / width) for step in (-width, width))
    y = np.linspace(-left, right, _NODES)
    logit = middle + width * np.sinh(y)
    log_p, log_q = _log_shares(logit)
    density = a * log_p + b * log_q + np.log(np.cosh(y))
    weight = np.exp(density - density.max())
    p = np.maximum(np.exp(log_p), _LEAST)
    # A sum along rows, and no matrix product: its digits do not depend on how many rows stand beside each other.
    return np.sum(function(p) * (weight / weight.sum()), axis=1)


def _reach(a: float, b: float, step: float) -> float:
    """How far from the mode of the logit, in the direction of `step`, the density has fallen by `_TAIL`."""

    def log_density(distance: float) -> float:
        log_p, log_q = _log_shares(np.array([np.log(a) - np.log(b) + distance]))
        return float(a * log_p[0] + b * log_q[0])

    floor = log_density(0.0) - _TAIL
    while log_density(step) > floor:
        step *= 1.25
    return abs(step)


def _log_shares(logit: Floats) -> tuple[Floats, Floats]:
    """log p and log(1 - p), each by its own tail: neither is a difference of nearly equal numbers."""
    return -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
