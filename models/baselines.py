"""The rival that needs no model: one feature, chosen and turned into a probability on training rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluate import Metrics, area_under_roc, evaluate
from models.logistic import Floats, fit_line, mean_log_loss, sigmoid

FORCED = ("recency_days", "orders_count_365d")
_GRID = 1_000


@dataclass(frozen=True)
class Baseline:
    """One feature as a model: sigmoid(slope x scaled + intercept), `scaled` being its log or its rank.

    A NULL (NaN) takes the value `missing`, found on training rows. `scale`: "log" is sign(v) log1p(|v|);
    "rank" is the share of training rows below, read off the `grid` of training quantiles.
    """

    feature: str
    scale: str
    missing: float
    slope: float
    intercept: float
    grid: tuple[float, ...]

    def predict(self, values: Floats) -> Floats:
        """Probabilities, float64 of the shape of `values`."""
        return sigmoid(self.slope * self._scaled(values) + self.intercept)

    def _scaled(self, values: Floats) -> Floats:
        filled = _filled(values, self.missing)
        return _log(filled) if self.scale == "log" else _rank(filled, np.asarray(self.grid))


@dataclass(frozen=True)
class BaselineResult:
    """A baseline's figures on the rows that a model was tested on; `rising`: more makes the outcome likelier."""

    name: str
    role: str
    fit_auc: float
    metrics: Metrics
    rising: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a table or JSON."""
        return asdict(self)


def compare_baselines(
    fit: NDArray[np.floating],
    fit_labels: Floats,
    *,
    test: NDArray[np.floating],
    test_labels: Floats,
    features: Sequence[str],
    forced: Sequence[str] = FORCED,
) -> list[BaselineResult]:
    """The best single feature by AUC on the fitted rows, then the `forced` ones; judged on the test rows.

    fit, test: float (n, d) with NaN for NULL, columns in the order of `features`; labels 0/1 of shape (n,).
    The direction of a feature and the place of its NULLs are taken from the fitted rows. No feature or one
    class on the fitted rows: an empty list.
    """
    columns = {name: np.asarray(fit[:, at], dtype=np.float64) for at, name in enumerate(features)}
    strengths = {name: _strength(values, fit_labels) for name, values in columns.items()}
    known = {name: found[0] for name, found in strengths.items() if found is not None}
    if not known:
        return []
    best = max(sorted(known), key=lambda name: known[name])
    results = []
    for role, name in [
        ("best", best),
        *(("forced", name) for name in forced if name in known and name != best),
    ]:
        baseline = fit_baseline(name, columns[name], fit_labels)
        probabilities = baseline.predict(np.asarray(test[:, list(features).index(name)], dtype=np.float64))
        judged = evaluate(test_labels, probabilities)
        results.append(BaselineResult(name, role, known[name], judged, rising=baseline.slope > 0))
    return results


def fit_baseline(feature: str, values: Floats, labels: Floats) -> Baseline:
    """One feature as a probability: the better of log and rank scale by log loss on these rows.

    values: float (n,) with NaN for NULL; labels: 0/1 (n,), both classes present.
    """
    found = _strength(values, labels)
    missing = found[1] if found is not None else 0.0
    filled = _filled(values, missing)
    grid = np.quantile(filled, np.linspace(0.0, 1.0, _GRID + 1), method="inverted_cdf")
    candidates = []
    for scale, scaled in (("log", _log(filled)), ("rank", _rank(filled, grid))):
        slope, intercept = fit_line(scaled, labels)
        candidates.append((mean_log_loss(slope * scaled + intercept, labels), scale, slope, intercept))
    _, scale, slope, intercept = min(candidates)
    return Baseline(feature, scale, missing, slope, intercept, tuple(grid.tolist()) if scale == "rank" else ())


def _strength(values: Floats, labels: Floats) -> tuple[float, float] | None:
    """Folded AUC and the place of NULLs, below or above all values, as separates best; else None."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return None
    has_null = len(finite) < len(values)
    places = [float(finite.min()) - 1.0, float(finite.max()) + 1.0] if has_null else [0.0]
    found = [(area_under_roc(labels, _filled(values, place)), place) for place in places]
    folded = [(max(auc, 1.0 - auc), place) for auc, place in found if auc is not None]
    return max(folded, default=None)


def _filled(values: Floats, missing: float) -> Floats:
    return np.where(np.isfinite(values), values, missing)


def _log(values: Floats) -> Floats:
    return np.sign(values) * np.log1p(np.abs(values))


def _rank(values: Floats, grid: Floats) -> Floats:
    below, upto = np.searchsorted(grid, values, side="left"), np.searchsorted(grid, values, side="right")
    return (below + upto) / (2.0 * len(grid))
