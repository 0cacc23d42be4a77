"""Gamma-Gamma: what an order day of a customer is worth, drawn towards all others by how few days were seen.

Fader and Hardie, The Gamma-Gamma Model of Monetary Value (2013), after Colombo and Jiang (1999). Values of a customer
are Gamma(p, rate nu), nu is Gamma(q, rate v) over customers; how often one orders says nothing about how much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from models.lifetime.search import Optimum, best_of
from models.logistic import Floats


@dataclass(frozen=True)
class Values:
    """Customers by nearly equal values: float (n,) each. `days` with a positive value, and the `mean` of those."""

    days: Floats
    mean: Floats
    customers: Floats

    def correlation(self) -> float | None:
        """Pearson's r of log days and log mean value over customers; None where either is the same for all.

        Of logarithms, since a few customers who spend a hundred times the others would decide it else.

        >>> ones = np.ones(2)
        >>> round(Values(np.array([1.0, 2.0]), np.array([5.0, 9.0]), ones).correlation(), 12)
        1.0
        >>> Values(ones, ones, ones).correlation() is None
        True
        """
        total = self.customers.sum()
        if not total:
            return None
        x, y = (np.log(one) - self.customers @ np.log(one) / total for one in (self.days, self.mean))
        spread = np.sqrt((self.customers @ x**2) * (self.customers @ y**2))
        return float(self.customers @ (x * y) / spread) if spread > 0 else None


@dataclass(frozen=True)
class GammaGamma:
    """The three parameters; `v` in currency, q > 1 so that the mean over customers exists.

    >>> cdnow = GammaGamma(p=6.25, q=3.74, v=15.44)
    >>> round(cdnow.mean, 2)
    35.22
    >>> [round(float(one), 2) for one in cdnow.expected_value(np.array([0.0, 1.0, 7.0]), np.array([0.0, 100.0, 100.0]))]
    [35.22, 80.26, 96.18]
    """

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """E[value of an order day] of a customer of whom nothing is known."""
        return self.p * self.v / (self.q - 1)

    def expected_value(self, days: Floats, mean: Floats) -> Floats:
        """E[value of an order day | `days` seen with this `mean`], float (n,); `mean` is not read where days = 0.

        Equation 5: the customer's mean and everyone's, weighted by p * days and q - 1.
        """
        seen = np.where(days > 0, mean, 0.0)
        return self.p * (self.v + days * seen) / (self.p * days + self.q - 1)

    def log_likelihoods(self, of: Values) -> Floats:
        """Log density of the mean value of one customer of each cell, float (n,); equation 1a."""
        return _terms(self, of)[0]


def fit_gamma_gamma(values: Values, *, spread: float) -> tuple[GammaGamma, Optimum]:
    """The parameters that make the mean values likeliest, under a penalty of width `spread` on their logarithms.

    The penalty is on log p, log(q - 1) and log(v / mean value), so that it means the same in every currency. At least
    one customer with a positive value is the caller's to see to.
    """
    unit = float(values.customers @ (values.days * values.mean) / (values.customers @ values.days))
    scaled = Values(values.days, values.mean / unit, values.customers)
    shift = -float(values.customers.sum()) * np.log(unit)  # of the density, which is per unit of currency

    def likelihood(logs: Floats) -> tuple[float, Floats]:
        p, beyond, v = np.exp(logs)
        each, slopes = _terms(GammaGamma(p, 1 + beyond, v), scaled)
        return float(values.customers @ each), np.exp(logs) * (slopes @ values.customers)

    starts = [(1.0, 1.0, 1.0), (5.0, 3.0, 0.5), (0.5, 5.0, 5.0), (20.0, 1.0, 0.1), (2.0, 0.2, 0.5)]
    found = best_of(likelihood, starts, customers=float(values.customers.sum()), spread=spread)
    p, beyond, v = found.parameters
    model = GammaGamma(p, 1 + beyond, v * unit)
    natural = (model.p, model.q, model.v)
    return model, Optimum(natural, float(found.log_likelihood + shift), found.doubt, found.starts)


def _terms(model: GammaGamma, of: Values) -> tuple[Floats, Floats]:
    """Log densities (n,) and their slopes (3, n) by p, q, v."""
    p, q, v = model.p, model.q, model.v
    n, total = of.days, of.days * of.mean
    both, log_total = np.log(v + total), np.log(total)
    shape = p * n + q
    value = special.gammaln(shape) - special.gammaln(p * n) - special.gammaln(q)
    value = value + q * (np.log(v) - both) + p * n * (log_total - both) - np.log(of.mean)
    by_p = n * (special.digamma(shape) - special.digamma(p * n) + log_total - both)
    by_q = special.digamma(shape) - special.digamma(q) + np.log(v) - both
    by_v = q / v - shape / (v + total)
    return value, np.array([by_p, by_q, by_v])
