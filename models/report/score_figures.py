"""The pictures of a scored date: groups now beside before, and how each score is spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.publication.portrait import PROBABILITIES, Distribution, bin_edges
from models.report.figures import BLUE, GREY, ORANGE, one_axes

SPREAD = (5.2, 3.1)
MOST_TICKS = 6
"""Named bins of an amount: more of their numbers would run into one another."""


def bars(now: Mapping[str, float], before: Mapping[str, float] | None, *, across: str, dates: Sequence[str]) -> Figure:
    """A bar a group, the first on top; behind each, where it was before."""
    names = list(now)
    figure = Figure(figsize=(5.2, 1.1 + 0.36 * max(len(names), 2)))
    axes = figure.subplots()
    rows = range(len(names))
    if before is not None:
        axes.barh(rows, [before.get(name, 0) for name in names], color="none", edgecolor=GREY, height=0.78,
                  label=dates[1])  # fmt: skip
    axes.barh(rows, list(now.values()), color=BLUE, height=0.5, label=dates[0])
    axes.set_yticks(rows, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.set(xlabel=across)
    axes.grid(visible=False, axis="y")
    if before is not None:
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def spread(name: str, now: Distribution, before: Distribution | None, *, dates: Sequence[str]) -> Figure:
    """Shares of the scored customers by bin: filled now, a line before."""
    figure, axes = one_axes(SPREAD)
    places = sorted({*now.counts, *(before.counts if before else ())})
    ends = _ends([bin_edges(name, place) for place in range(places[0], places[-1] + 1)], axes, name)
    axes.stairs(_shares(now, places), ends, fill=True, color=BLUE, alpha=0.55, label=dates[0])
    if before is not None and before.scored:
        axes.stairs(_shares(before, places), ends, color=ORANGE, linewidth=1.8, label=dates[1])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(ylabel="share of customers", ylim=(0, None))
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _shares(one: Distribution, places: Sequence[int]) -> np.ndarray:
    counts = [one.counts.get(place, 0) for place in range(places[0], places[-1] + 1)]
    return np.array(counts, dtype=float) / max(one.scored, 1)


def _ends(edges: Sequence[tuple[float, float]], axes: Axes, name: str) -> np.ndarray:
    """Where bins end on the axis: probabilities as they are, amounts a step each, named by what they begin with."""
    if name in PROBABILITIES:
        axes.set(xlabel=name, xlim=(0, 1))
        return np.array([edges[0][0], *(high for _, high in edges)])
    ends = np.arange(len(edges) + 1, dtype=float)
    starts = [edges[0][0], *(high for _, high in edges)]
    shown = range(0, len(starts), -(-len(starts) // MOST_TICKS))
    said = [f"{starts[place]:,.0f}" if starts[place] >= 1 else f"{starts[place]:g}" for place in shown]
    axes.set_xticks([float(place) for place in shown], said)
    axes.set(xlabel=f"{name} (each bin twice the one before)")
    return ends
