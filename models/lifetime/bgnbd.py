"""BG/NBD: orders at a rate of the customer's own, and after each order a chance never to come back.

Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005). The rate is
Gamma(r, rate alpha) over customers, the chance of dropping out after a repeat Beta(a, b).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.lifetime.beta_mean import mean_over_beta
from models.lifetime.search import Optimum, best_of
from models.logistic import Floats

MOST_B = 100.0
"""A fit with a larger b has lost sight of dropout: nobody leaves, or all are equally likely to."""


@dataclass(frozen=True)
class Counts:
    """Customers by equal history: float (n,) each, `customers` how many have it; times in one unit.

    `frequency`: order days after the first; `recency`: from the first to the last; `age`: from the first to as_of.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    customers: Floats

    @property
    def total(self) -> float:
        """How many customers there are."""
        return float(self.customers.sum())

    @cached_property
    def distinct(self) -> tuple[Floats, NDArray[np.intp]]:
        """The distinct frequencies, and which of them each history has: special functions are asked once for each."""
        found, which = np.unique(self.frequency, return_inverse=True)
        return found, which.reshape(-1)


@dataclass(frozen=True)
class BgNbd:
    """The four parameters; `alpha` in the unit of the times that it was fitted on.

    >>> cdnow = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> two, none = np.array([2.0]), np.array([0.0])
    >>> round(float(cdnow.p_alive(two, recency=np.array([30.43]), age=np.array([38.86]))[0]), 3)
    0.727
    >>> round(float(cdnow.expected_orders(two, np.array([30.43]), np.array([38.86]), horizon=39.0)[0]), 3)
    1.226
    """

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihoods(self, of: Counts) -> Floats:
        """Log-likelihood of one customer of each history, float (n,); equation 6 of the paper in logarithms."""
        return _terms(self, of)[0]

    def p_alive(self, frequency: Floats, recency: Floats, age: Floats) -> Floats:
        """P(still a customer | history), float (n,) in [0, 1]; 1 without a repeat, since one drops out after those.

        Fader, Hardie and Lee, "Computing P(alive) Using the BG/NBD Model" (2008), as a logistic of log odds.
        """
        repeats = frequency > 0
        late = np.log(self.a) - np.log(self.b + np.maximum(frequency, 1) - 1)
        late = late + (self.r + frequency) * (np.log(self.alpha + age) - np.log(self.alpha + recency))
        return np.where(repeats, special.expit(-late), 1.0)

    def expected_orders(self, frequency: Floats, recency: Floats, age: Floats, *, horizon: float) -> Floats:
        """E[order days in the `horizon` after `age` | history], float (n,), for any horizon >= 0.

        Equation 10 of the paper, without its hypergeometric function: given dropout p, a customer who is alive makes
        (1 - exp(-l p h)) / p orders, the Gamma posterior of the rate l integrates in closed form and the
        Beta(a, b + x) posterior of p is integrated by `mean_over_beta`. Nothing there cancels or overflows, and a = 1
        is no special case.
        """
        histories, which = np.unique(np.column_stack([frequency, age]), axis=0, return_inverse=True)
        while_alive = self._orders_while_alive(histories[:, 0], horizon / (self.alpha + histories[:, 1]))
        return self.p_alive(frequency, recency, age) * while_alive[which.reshape(-1)]

    def _orders_while_alive(self, frequency: Floats, stretch: Floats) -> Floats:
        """E[orders | alive now, x], with `stretch` = horizon / (alpha + age)."""
        found = np.zeros(len(frequency))
        for x in np.unique(frequency):
            rows = np.flatnonzero(frequency == x)

            orders = partial(_orders_given_dropout, shape=self.r + x, stretch=stretch[rows, None])
            found[rows] = mean_over_beta(orders, self.a, self.b + x)
        return found


def _orders_given_dropout(p: Floats, *, shape: float, stretch: Floats) -> Floats:
    """E[orders | alive, dropout p] over the Gamma posterior of the rate; (nodes,) and (n, 1) give (n, nodes)."""
    return -np.expm1(-shape * np.log1p(stretch * p)) / p


def fit_bgnbd(counts: Counts, *, spread: float) -> tuple[BgNbd, Optimum]:
    """The parameters that make the histories likeliest, under a penalty on log-parameters of width `spread`.

    The search says why the fit is not identified: b above 100, ends that differ, data that say less than the penalty,
    or no repeat at all. At least one customer is the caller's to see to.
    """

    def likelihood(logs: Floats) -> tuple[float, Floats]:
        values, slopes = _terms(BgNbd(*np.exp(logs)), counts)
        return float(counts.customers @ values), np.exp(logs) * (slopes @ counts.customers)

    found = best_of(likelihood, _starts(counts), customers=counts.total, spread=spread)
    model = BgNbd(*found.parameters)
    if not counts.frequency.any():
        doubt = "no customer has ordered on a second day"
    elif model.b > MOST_B:
        doubt = f"b is {model.b:.4g}, above {MOST_B:g}: the data do not tell how customers leave"
    else:
        doubt = found.doubt
    return model, Optimum(found.parameters, found.log_likelihood, doubt, found.starts)


def _starts(counts: Counts) -> Sequence[tuple[float, float, float, float]]:
    """Seven shapes of population with the mean rate of the data: even and uneven, loyal and fleeting."""
    repeats, time = (float(counts.customers @ one) for one in (counts.frequency, counts.age))
    a_unit = max(time, 1e-6) / max(repeats, 1.0)
    shapes = [(0.25, 1.0, 2.5), (0.5, 0.2, 2.0), (1.0, 1.0, 1.0), (1.0, 0.5, 10.0), (2.0, 2.0, 20.0),
              (0.1, 3.0, 3.0), (5.0, 0.1, 0.5)]  # fmt: skip
    return [(r, float(np.clip(r * a_unit, 1e-4, 1e4)), a, b) for r, a, b in shapes]


def _terms(model: BgNbd, of: Counts) -> tuple[Floats, Floats]:
    """Log-likelihoods (n,) and their slopes (4, n) by r, alpha, a, b."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    repeats, which = of.distinct
    after = np.where(repeats > 0, np.log(a) - np.log(b + np.maximum(repeats, 1) - 1), -np.inf)[which]
    shape = (r + repeats)[which]
    since_birth, to_last = np.log(alpha + of.age), np.log(alpha + of.recency)
    lives, left = -shape * since_birth, after - shape * to_last
    either = np.logaddexp(lives, left)
    share = np.exp(left - either)  # of those with this history, who has left
    base = special.gammaln(r + repeats) - special.gammaln(r) + r * np.log(alpha)
    base = base + special.betaln(a, b + repeats) - special.betaln(a, b)
    digamma = special.digamma
    dropout = digamma(a + b) - digamma(a + b + repeats)
    come_back = digamma(b + repeats) - digamma(b) + dropout
    stay = np.where(repeats > 0, 1 / (b + np.maximum(repeats, 1) - 1), 0.0)[which]
    by_r = (digamma(r + repeats) - digamma(r) + np.log(alpha))[which] - since_birth - share * (to_last - since_birth)
    by_alpha = r / alpha - shape * ((1 - share) / (alpha + of.age) + share / (alpha + of.recency))
    by_a = dropout[which] + share / a
    by_b = come_back[which] - share * stay
    return base[which] + either, np.array([by_r, by_alpha, by_a, by_b])
