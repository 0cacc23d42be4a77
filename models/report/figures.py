"""The pictures that the pages of all heads share, each a matplotlib figure of its own, and how all pictures look."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.evaluate import shared_by_ties
from models.logistic import Floats
from models.report.groups import Group
from models.splits import CALIBRATE, FIT, SPLITS, STOP, TEST, SplitPlan

# Okabe and Ito's colours, which people with any colour vision tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#8A4F7D", "#8C8C8C"
COLOURS = (BLUE, ORANGE, GREEN)
OF_SPLIT = {FIT: BLUE, STOP: PURPLE, CALIBRATE: GREEN, TEST: ORANGE}
IN_WORDS = {FIT: "fitted", STOP: "stops the fit", CALIBRATE: "calibrates", TEST: "test"}
STYLE: dict[Any, Any] = {
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#E6E6E6",
    "axes.axisbelow": True, "axes.titlesize": 11, "axes.titlelocation": "left", "legend.frameon": False,
    "svg.hashsalt": "tessera", "svg.fonttype": "path", "figure.constrained_layout.use": True,
}  # fmt: skip
SMALL, _WIDE = (5.2, 4.2), (9.6, 3.2)


def svg(draw: Callable[[], Figure]) -> bytes:
    """The picture that `draw` makes, in the one style, as SVG; the same picture gives the same bytes."""
    with mpl.rc_context(STYLE), io.BytesIO() as out:
        draw().savefig(out, format="svg", metadata={"Date": None}, dpi=110)
        return out.getvalue()


def timeline(plan: SplitPlan) -> Figure:
    """Which as-of dates are learned from, stop, calibrate and test, each with the days that its label reads."""
    figure, axes = one_axes(_WIDE)
    shown = [split for split in SPLITS if split in plan.dates.values()]
    for day, split in plan.dates.items():
        row, start = shown.index(split), _number(day)
        axes.barh(row, plan.horizon_days, left=start, height=0.5, color=OF_SPLIT[split], alpha=0.25)
        axes.plot(start, row, "o", color=OF_SPLIT[split], markersize=5)
    axes.set_yticks(range(len(shown)), [IN_WORDS[split] for split in shown])
    axes.invert_yaxis()
    last = max(plan.as_ofs) + timedelta(days=plan.horizon_days)
    axes.set_xlim(_number(min(plan.as_ofs)) - 10, _number(last) + 10)
    months = mdates.AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(months)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(months))
    axes.set_title(f"As-of dates (dots) and the {plan.horizon_days} days that their labels read (bars)")
    axes.grid(visible=False, axis="y")
    return figure


def learning(history: Mapping[str, Sequence[float]], best: int | None, *, loss: str) -> Figure:
    """The loss by iteration, on the rows learned from and on those that stop the fit."""
    figure, axes = one_axes(SMALL)
    for (name, values), colour in zip(history.items(), (BLUE, ORANGE), strict=False):
        axes.plot(range(1, len(values) + 1), values, color=colour, label=IN_WORDS.get(name, name))
    if best is not None:
        axes.axvline(best + 1, linestyle=":", color=GREY, label=f"kept: {best + 1} trees")
    axes.set(xlabel="trees", ylabel=loss)
    axes.legend()
    return figure


def gains(labels: Floats, ranked: Mapping[str, Floats], *, first: str, share: str) -> Figure:
    """Share of all outcomes, counted or summed, among the customers ranked highest; those ranked alike share theirs."""
    figure, axes = one_axes(SMALL)
    customers = np.arange(len(labels) + 1) / len(labels)
    for (name, scores), colour in zip(ranked.items(), COLOURS, strict=False):
        axes.plot(customers, _found(labels, scores), color=colour, label=name)
    axes.plot(customers, _found(labels, labels), "--", color=GREY, linewidth=1, label="perfect order")
    axes.plot([0, 1], [0, 1], ":", color=GREY, label="chance")
    return square(figure, axes, f"share of customers, {first} first", share)


def backtests(found: Sequence[tuple[str, str, float]], *, figure: str, aim: float | None = None) -> Figure:
    """A figure of each method at earlier dates that stood in for the present, given as (method, as-of, figure)."""
    drawing, axes = one_axes(SMALL)
    methods, days = list(dict.fromkeys(one for one, _, _ in found)), sorted({day for _, day, _ in found})
    for at, (method, colour) in enumerate(zip(methods, (*COLOURS, GREY), strict=False)):
        values = {day: value for one, day, value in found if one == method}
        places = [days.index(day) + (at - (len(methods) - 1) / 2) * 0.12 for day in values]
        axes.plot(places, list(values.values()), "o", color=colour, label=method)
    if aim is not None:
        axes.axhline(aim, linestyle=":", color=GREY)
    axes.set_xticks(range(len(days)), days)
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set(ylabel=figure)
    axes.legend(loc="best")
    return drawing


def forecast_by_group(groups: Sequence[Group], *, happened: str) -> Figure:
    """Mean forecast beside mean outcome of each group."""
    figure = Figure(figsize=(5.2, 1.2 + 0.34 * len(groups)))
    axes = figure.subplots()
    rows = range(len(groups))
    axes.errorbar([one.happened for one in groups], rows, xerr=[1.96 * one.error for one in groups], fmt="o",
                  color=ORANGE, markersize=5, label="happened, 95 %")  # fmt: skip
    axes.plot([one.forecast for one in groups], rows, "D", color=BLUE, markersize=5, label="forecast")
    axes.set_yticks(rows, [f"{one.name} ({one.metrics.n:,})" for one in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set(xlabel=happened)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def one_axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """A figure of that size in inches with one set of axes."""
    figure = Figure(figsize=size)
    return figure, figure.subplots()


def square(figure: Figure, axes: Axes, across: str, up: str) -> Figure:
    """Both axes from 0 to 1, named, with a legend."""
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel=across, ylabel=up)
    axes.legend(loc="best")
    return figure


def _found(labels: Floats, scores: Floats) -> Floats:
    """Share of the labels' sum among none, one, two ... of the rows, the highest scores first; float64 (n + 1,)."""
    return np.cumsum([0, *shared_by_ties(labels, scores)[np.argsort(-scores, kind="stable")]]) / labels.sum()


def _number(day: date) -> float:
    return float(mdates.date2num(day))
