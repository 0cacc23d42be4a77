"""Pictures of what a model looks at: importance, contributions to single rows, dependence on a feature."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from models.algorithms.contract import Matrix
from models.evaluate import BINS
from models.logistic import Floats
from models.report.asked import Terms
from models.report.figures import BLUE, GREEN, GREY, ORANGE, one_axes
from models.report.importance import Importance, Importances

_TALL, _CARD = (7.2, 6.4), (4.2, 3.2)
_MOST_FEATURES = 15


def importance(found: Sequence[Importance], *, title: str, terms: Terms) -> Figure:
    """Contribution beside what shuffling costs beside gain, of the first few."""
    shown = list(found[:_MOST_FEATURES])[::-1]
    kinds = {f"mean |contribution|\nto the {terms.margin}": [one.contribution for one in shown],
             terms.saved: [one.shuffled for one in shown],
             "share of the\ntrees' gain": [one.gain for one in shown]}  # fmt: skip
    known = {name: values for name, values in kinds.items() if any(value is not None for value in values)}
    figure = Figure(figsize=(9.6, 0.8 + 0.3 * len(shown)))
    places = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
    for axes, (name, values), colour in zip(places, known.items(), (BLUE, ORANGE, GREEN), strict=False):
        axes.barh(range(len(shown)), [value or 0.0 for value in values], color=colour)
        axes.set_title(name, fontsize=9)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(visible=False, axis="y")
    places[0].set_yticks(range(len(shown)), [one.name for one in shown])
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def summary(found: Importances, features: Sequence[str], *, terms: Terms, seed: int = 0) -> Figure:
    """Each row's contribution of each feature, coloured by the feature's value (Lundberg's summary plot)."""
    figure, axes = one_axes(_TALL)
    chance = np.random.default_rng(seed)
    shown = [features.index(one.name) for one in found.features[:_MOST_FEATURES]][::-1]
    contributions = np.empty((0, 0)) if found.contributions is None else found.contributions
    for row, at in enumerate(shown):
        values = _ranks(found.matrix[:, at])
        spread = row + chance.uniform(-0.3, 0.3, len(values))
        points = axes.scatter(contributions[:, at], spread, c=values, cmap="viridis", s=4, vmin=0, vmax=1,
                              rasterized=True, linewidths=0)  # fmt: skip
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(shown)), [features[at] for at in shown])
    axes.set(xlabel=f"contribution to the {terms.margin}")
    bar = figure.colorbar(points, ax=axes, ticks=[0, 1], aspect=40, pad=0.01)
    bar.ax.set_yticklabels(["low value", "high value"])
    axes.grid(visible=False, axis="y")
    return figure


def dependence(name: str, values: Floats | Matrix, contributions: Floats, *, terms: Terms) -> Figure:
    """A feature's value against what it adds; the line is the median of equal-count bins, the mark at 0 is NULL."""
    figure, axes = one_axes(_CARD)
    known = np.isfinite(values)
    axes.scatter(values[known], contributions[known], s=4, color=BLUE, alpha=0.3, rasterized=True, linewidths=0)
    if known.any():
        low, high = np.quantile(values[known], [0.01, 0.99])
        axes.set_xlim(low - 0.02 * (high - low + 1), high + 0.02 * (high - low + 1))
        bins = [part for part in np.array_split(np.argsort(values[known], kind="stable"), BINS) if len(part)]
        axes.plot([np.median(values[known][part]) for part in bins],
                  [np.median(contributions[known][part]) for part in bins], color=ORANGE)  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=1)
    missing = "" if known.all() else f"  (NULL for {np.mean(~known):.0%}: {np.median(contributions[~known]):+.2f})"
    axes.set(ylabel=f"adds to {terms.margin}", xlabel=f"{name}{missing}")
    return figure


def partial_dependence(
    name: str, matrix: Matrix, at: int, predict: Callable[[Matrix], Floats], *, terms: Terms
) -> Figure:  # fmt: skip
    """Mean forecast of all rows if they had this value, at quantiles of the feature (Friedman 2001)."""
    figure, axes = one_axes(_CARD)
    known = matrix[np.isfinite(matrix[:, at]), at]
    grid = np.unique(np.quantile(known, np.linspace(0.02, 0.98, 15))) if len(known) else np.empty(0)
    means = []
    for value in grid:
        other = matrix.copy()
        other[:, at] = value
        means.append(float(predict(other).mean()))
    axes.plot(grid, means, "o-", color=GREEN, markersize=3)
    axes.set(xlabel=name, ylabel=f"mean {terms.forecast}")
    return figure


def _ranks(values: Floats | Matrix) -> Floats:
    """Share of known values at or below each, for a colour; NULL is drawn as the middle."""
    known = np.sort(values[np.isfinite(values)])
    if len(known) == 0:
        return np.full(len(values), 0.5)
    return np.where(np.isfinite(values), np.searchsorted(known, values, side="right") / len(known), 0.5)
