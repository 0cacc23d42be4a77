"""The pictures of a head of amounts: single customers, sums by tenth of the forecast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from models.intervals import Interval
from models.logistic import Floats
from models.report.figures import BLUE, GREY, ORANGE, SMALL, one_axes
from models.report.tenths import Tenth

SUM_RATIO = "sum ratio, forecast over what came"
_BAR = 0.4


def customers(labels: Floats, forecasts: Floats, *, unit: str) -> Figure:
    """What came against what was forecast, customers counted in cells; amounts below 1 are drawn at 1."""
    figure, axes = one_axes(SMALL)
    came, expected = np.log10(np.maximum(labels, 1)), np.log10(np.maximum(forecasts, 1))
    top = float(np.ceil(max(came.max(), expected.max(), 1)))
    # A few thousand cells whatever the number of customers.
    cells = axes.hexbin(expected, came, gridsize=45, bins="log", mincnt=1, cmap="viridis_r", extent=(0, top, 0, top),
                        linewidths=0)  # fmt: skip
    axes.plot([0, top], [0, top], ":", color=ORANGE)
    powers = np.arange(top + 1)
    names = ["≤ 1", *[EngFormatter(sep="")(10**power) for power in powers[1:]]]
    axes.set_xticks(powers, names)
    axes.set_yticks(powers, names)
    axes.set(xlabel=f"forecast, {unit}", ylabel=f"came, {unit}")
    figure.colorbar(cells, ax=axes, label="customers", pad=0.01)
    return figure


def sums(tenths: Sequence[Tenth], *, unit: str) -> Figure:
    """What each tenth was forecast beside what came."""
    figure, axes = one_axes(SMALL)
    places = np.array([one.place for one in tenths])
    axes.bar(places - _BAR / 2, [one.forecast for one in tenths], _BAR, color=BLUE, label="forecast")
    axes.bar(places + _BAR / 2, [one.happened for one in tenths], _BAR, color=ORANGE, label="came")
    axes.set(xlabel="tenth of customers, the highest forecast first", ylabel=f"sum, {unit}", xticks=places)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="best")
    return figure


def ratios(tenths: Sequence[Tenth], *, whole: Interval | None) -> Figure:
    """Forecast sum over what came, by tenth, with half as far from 1 as double; the band is that of all."""
    figure, axes = one_axes(SMALL)
    shown = [(one.place, one.ratio) for one in tenths if one.ratio is not None and one.ratio.low > 0]
    if whole is not None:
        axes.axhspan(whole.low, whole.high, color=BLUE, alpha=0.15, linewidth=0, label="all customers, 95 %")
    for place, ratio in shown:
        axes.plot([place, place], [ratio.low, ratio.high], color=BLUE)
        axes.plot(place, ratio.figure, "o", color=BLUE)
    axes.axhline(1, linestyle=":", color=GREY)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="tenth of customers, the highest forecast first", ylabel=SUM_RATIO,
             xticks=[one.place for one in tenths])  # fmt: skip
    axes.legend(loc="best")
    return figure
