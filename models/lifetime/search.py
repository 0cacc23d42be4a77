"""The best parameters from several starts, on logarithms, and whether the data alone decide them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from models.logistic import Floats

Likelihood = Callable[[Floats], tuple[float, Floats]]
"""Log-parameters (k,) to the log-likelihood of all customers and its gradient (k,)."""

LARGEST_LOG = 12.0
"""Parameters are searched between exp(-12) and exp(12)."""
CLOSE = 2.0
"""Log-likelihood units within which two ends of a search are equally good."""
FACTOR = 2.0
"""How far apart equally good parameters may lie and still be called the same."""


@dataclass(frozen=True)
class Optimum:
    """Where the search ended: natural parameters (k,), log-likelihood there, and why not to trust it ("": nothing)."""

    parameters: tuple[float, ...]
    log_likelihood: float
    doubt: str
    starts: int


def best_of(likelihood: Likelihood, starts: Sequence[Sequence[float]], *, customers: float, spread: float) -> Optimum:
    """Maximise `likelihood` less sum(log(parameter)^2) / (2 spread^2) by L-BFGS-B from every one of `starts`.

    `starts` are natural parameters, positive; `customers` scales the objective to one customer, so that
    tolerances mean the same for a hundred and for a million; `spread` is the standard deviation that the penalty
    grants a log-parameter. The best end is doubted where an end within `CLOSE` units of it has a parameter more
    than `FACTOR` times off, or where in some direction the data bend the likelihood less than the penalty does.
    """

    def objective(logs: Floats) -> tuple[float, Floats]:
        value, slope = likelihood(logs)
        penalised = value - float(logs @ logs) / (2 * spread**2)
        return -penalised / customers, -(slope - logs / spread**2) / customers

    bounds = [(-LARGEST_LOG, LARGEST_LOG)] * len(starts[0])
    tolerances = {"ftol": 1e-13, "gtol": 1e-8, "maxiter": 1000, "maxcor": 20}
    ends = [
        optimize.minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=tolerances)
        for start in starts
    ]
    best = min(ends, key=lambda end: end.fun).x
    logs = np.array([end.x for end in ends])
    values = np.array([likelihood(end)[0] for end in logs])
    top = likelihood(best)[0]
    doubt = _other_end(logs[values >= top - CLOSE], best) or _flatness(likelihood, best, spread)
    return Optimum(tuple(float(one) for one in np.exp(best)), float(top), doubt, len(starts))


def _other_end(logs: Floats, best: Floats) -> str:
    furthest = float(np.exp(np.abs(logs - best).max()))
    if furthest <= FACTOR:
        return ""
    return f"starts end {furthest:.1f} times apart within {CLOSE:g} log-likelihood units"


def _flatness(likelihood: Likelihood, best: Floats, spread: float) -> str:
    step = 1e-4
    rows = [likelihood(best + step * one)[1] - likelihood(best - step * one)[1] for one in np.eye(len(best))]
    bend = -np.array(rows) / (2 * step)
    least = float(np.linalg.eigvalsh((bend + bend.T) / 2)[0])
    return "" if least >= 1 / spread**2 else "in some direction the penalty decides and not the data"
