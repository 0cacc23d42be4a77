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
    grants a log-parameter. The best end is doubted where an equally good one (within `CLOSE` units) has a parameter
    more than `FACTOR` times off: the end of another start, or where the best goes with the penalty all but gone, which
    would else hide that it decides; and where in some direction the data bend the likelihood less than the
    penalty does.
    """

    ends = [_climbed(likelihood, np.log(start), customers=customers, spread=spread) for start in starts]
    values = [likelihood(logs)[0] for logs in ends]
    place = int(np.argmax([value - _penalty(logs, spread)[0] for value, logs in zip(values, ends, strict=True)]))
    best, top = ends[place], float(values[place])
    free = _climbed(likelihood, best, customers=customers, spread=_FREE * spread)
    close = [logs for value, logs in zip(values, ends, strict=True) if value >= top - CLOSE]
    doubt = (
        _apart(close, best, "starts end")
        or _apart([free], best, "without the penalty the search ends")
        or _flatness(likelihood, best, spread)
    )
    return Optimum(tuple(float(one) for one in np.exp(best)), top, doubt, len(starts))


_FREE = 10.0
"""A penalty this many times wider has all but gone; what it ends at is likelier, if anything."""


def _climbed(likelihood: Likelihood, start: Floats, *, customers: float, spread: float) -> Floats:
    """Log-parameters at the top of the penalised likelihood that `start` leads to."""

    def objective(logs: Floats) -> tuple[float, Floats]:
        (value, slope), (penalty, pull) = likelihood(logs), _penalty(logs, spread)
        return (penalty - value) / customers, (pull - slope) / customers

    tolerances = {"ftol": 1e-13, "gtol": 1e-8, "maxiter": 1000, "maxcor": 20}
    bounds = [(-LARGEST_LOG, LARGEST_LOG)] * len(start)
    found = optimize.minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=tolerances)
    return np.asarray(found.x)


def _penalty(logs: Floats, spread: float) -> tuple[float, Floats]:
    return float(logs @ logs) / (2 * spread**2), logs / spread**2


def _apart(ends: Sequence[Floats], best: Floats, words: str) -> str:
    furthest = max((float(np.exp(np.abs(logs - best).max())) for logs in ends), default=1.0)
    if furthest <= FACTOR:
        return ""
    return f"{words} {furthest:.1f} times apart within {CLOSE:g} log-likelihood units"


def _flatness(likelihood: Likelihood, best: Floats, spread: float) -> str:
    step = 1e-4
    rows = [likelihood(best + step * one)[1] - likelihood(best - step * one)[1] for one in np.eye(len(best))]
    bend = -np.array(rows) / (2 * step)
    least = float(np.linalg.eigvalsh((bend + bend.T) / 2)[0])
    return "" if least >= 1 / spread**2 else "in some direction the penalty decides and not the data"
