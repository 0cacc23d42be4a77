"""G5: features that go with the label more closely than behaviour usually does; reported, never blocking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from models.guard.evidence import Evidence
from models.guard.findings import Finding
from models.logistic import Floats

_BINS = 10
_FEWEST = 30
"""Rows with a value below which a correlation says nothing: of two it is always 1."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_FAR = 8.0


def association(evidence: Evidence) -> list[Finding]:
    """|Pearson's r| or phi-k between a feature and a 0/1 label above the limit."""
    if not evidence.is_classification:
        return []
    part, limit = evidence.fit.first(evidence.settings.max_rows), evidence.settings.association
    found = []
    for at, name in enumerate(evidence.features):
        values = part.matrix[:, at]
        for kind, figure in (("Pearson's r", pearson(values, part.labels)), ("phi-k", phi_k(values, part.labels))):
            if abs(figure) > limit:
                words = f"'{name}' and the label have {kind} {figure:.2f} (limit {limit:g})"
                found.append(Finding("G5", name, abs(figure), limit, False, words))
    return found


def pearson(values: NDArray[np.floating], labels: Floats) -> float:
    """Pearson's r over rows with a value; 0 where they are few or either side is constant."""
    known = np.isfinite(values)
    x, y = values[known].astype(np.float64), labels[known]
    if len(x) < _FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def phi_k(values: NDArray[np.floating], labels: Floats) -> float:
    """phi_K of a column, in ten equal-count bins and one for NaN, with a 0/1 label; in [0, 1].

    The correlation of the bivariate normal whose chi-squared over the same margins is the observed one, less what
    chance gives (Baak, Koopman, Snoek & Klous 2020, section 4). 0 where either side is constant.

    >>> x = np.repeat([0.0, 1.0], 500)
    >>> round(phi_k(x, x), 2), round(phi_k(np.tile([0.0, 1.0], 500), x), 2)
    (1.0, 0.0)
    """
    table = _table(values, labels)
    if min(table.shape) < 2:
        return 0.0
    n, rows, columns = table.sum(), table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(rows, columns) / n
    observed = float(np.sum((table - expected) ** 2 / expected))
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    pedestal = freedom + 1.5 * np.sqrt(2 * freedom)
    most = float(n * (min(table.shape) - 1))
    if observed <= pedestal or most <= pedestal:
        return 0.0
    share = (observed - pedestal) / (most - pedestal)
    edges, cut = ndtri(np.cumsum(rows)[:-1] / n), float(ndtri(columns[0] / n))
    greatest = _normal_chi2(0.9999, edges, cut, rows / n, columns / n)
    return _correlation(share * greatest, greatest, edges, cut, rows / n, columns / n)


def _correlation(
    wanted: float, greatest: float, edges: Floats, cut: float, rows: Floats, columns: Floats
) -> float:  # fmt: skip
    if wanted >= greatest:
        return 1.0
    return float(brentq(lambda rho: _normal_chi2(rho, edges, cut, rows, columns) - wanted, 0.0, 0.9999, xtol=1e-4))


def _table(values: NDArray[np.floating], labels: Floats) -> Floats:
    """Counts (bins in order of their share of positives, 2), no empty row or column."""
    known = np.isfinite(values)
    cuts = np.unique(np.quantile(values[known], np.linspace(0, 1, _BINS + 1)[1:-1])) if known.any() else np.empty(0)
    place = np.where(known, np.searchsorted(cuts, values, side="right"), len(cuts) + 1)
    table = np.zeros((len(cuts) + 2, 2))
    np.add.at(table, (place, (labels > 0).astype(int)), 1)
    table = table[table.sum(axis=1) > 0]
    table = table[np.argsort(table[:, 1] / table.sum(axis=1), kind="stable")]
    return table[:, table.sum(axis=0) > 0]


def _normal_chi2(rho: float, edges: Floats, cut: float, rows: Floats, columns: Floats) -> float:
    """Chi-squared a row of a bivariate normal, its first side cut at `edges`, its second at `cut`."""
    bounds = np.concatenate([[-_FAR], np.clip(edges, -_FAR, _FAR), [_FAR]])
    half, middle = np.diff(bounds)[:, None] / 2, (bounds[1:] + bounds[:-1])[:, None] / 2
    x = middle + half * _NODES
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    below = np.sum(half * _WEIGHTS * density * ndtr((cut - rho * x) / np.sqrt(1 - rho * rho)), axis=1)
    joint = np.column_stack([below, np.maximum(rows - below, 0)])
    expected = np.outer(rows, columns)
    return float(np.sum((joint - expected) ** 2 / expected))
