"""The pictures of a report, each a matplotlib figure of its own; nothing here knows where they are shown."""

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

from models.calibration_backtest import Backtest
from models.evaluate import BINS
from models.logistic import Floats
from models.report.groups import Group
from models.splits import CALIBRATE, FIT, SPLITS, STOP, TEST, SplitPlan
from models.thresholds import Threshold

# Okabe and Ito's colours, which people with any colour vision tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#8A4F7D", "#8C8C8C"
OF_SPLIT = {FIT: BLUE, STOP: PURPLE, CALIBRATE: GREEN, TEST: ORANGE}
IN_WORDS = {FIT: "fitted", STOP: "stops the fit", CALIBRATE: "calibrates", TEST: "test"}
STYLE: dict[Any, Any] = {
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#E6E6E6",
    "axes.axisbelow": True, "axes.titlesize": 11, "axes.titlelocation": "left", "legend.frameon": False,
    "svg.hashsalt": "tessera", "svg.fonttype": "path", "figure.constrained_layout.use": True,
}  # fmt: skip
_SMALL, _WIDE = (5.2, 4.2), (9.6, 3.2)
_CHANCES = 200


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


def roc(labels: Floats, ranked: Mapping[str, Floats]) -> Figure:
    """Hits against false alarms, of each named score on the same rows."""
    from sklearn.metrics import roc_curve

    figure, axes = one_axes(_SMALL)
    for (name, scores), colour in zip(ranked.items(), (BLUE, ORANGE, GREEN), strict=False):
        false_alarms, hits, _ = roc_curve(labels, scores)
        axes.plot(false_alarms, hits, color=colour, label=name)
    axes.plot([0, 1], [0, 1], ":", color=GREY, label="chance")
    return _square(figure, axes, "share of the others ranked as high", "share of those with the outcome found")


def precision_recall(labels: Floats, ranked: Mapping[str, Floats]) -> Figure:
    """How many of those above a threshold have the outcome, against how many are found."""
    from sklearn.metrics import precision_recall_curve

    figure, axes = one_axes(_SMALL)
    for (name, scores), colour in zip(ranked.items(), (BLUE, ORANGE, GREEN), strict=False):
        precision, recall, _ = precision_recall_curve(labels, scores)
        axes.plot(recall, precision, color=colour, label=name)
    axes.axhline(labels.mean(), linestyle=":", color=GREY, label="base rate")
    return _square(figure, axes, "share of those with the outcome found", "share of the found who have it")


def gains(labels: Floats, ranked: Mapping[str, Floats]) -> Figure:
    """Share of all outcomes among the customers ranked highest."""
    figure, axes = one_axes(_SMALL)
    for (name, scores), colour in zip(ranked.items(), (BLUE, ORANGE, GREEN), strict=False):
        found = np.cumsum(labels[np.argsort(-scores, kind="stable")]) / labels.sum()
        axes.plot(np.arange(1, len(found) + 1) / len(found), found, color=colour, label=name)
    best = np.clip(np.linspace(0, 1, 101) / labels.mean(), 0, 1)
    axes.plot(np.linspace(0, 1, 101), best, "--", color=GREY, linewidth=1, label="perfect order")
    axes.plot([0, 1], [0, 1], ":", color=GREY, label="chance")
    return _square(figure, axes, "share of customers, the likeliest first", "share of those with the outcome")


def lift(labels: Floats, probabilities: Floats) -> Figure:
    """Rate of the outcome by tenths of the ranking, as a multiple of the base rate."""
    figure, axes = one_axes(_SMALL)
    tenths = np.array_split(labels[np.argsort(-probabilities, kind="stable")], BINS)
    heights = [part.mean() / labels.mean() if len(part) else 0.0 for part in tenths]
    axes.bar(range(1, BINS + 1), heights, color=BLUE)
    axes.axhline(1, linestyle=":", color=GREY)
    axes.set(xlabel="tenth of customers, the likeliest first", ylabel="rate, as a multiple of all",
             xticks=range(1, BINS + 1))  # fmt: skip
    return figure


def reliability(labels: Floats, shown: Mapping[str, Floats], *, seed: int = 0) -> Figure:
    """Forecast against outcome in ten equal-count bins; the band is what exact probabilities would show.

    The last of `shown` is the one whose band and histogram are drawn.
    """
    figure = Figure(figsize=(5.2, 5.0))
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    *_, final = shown.values()
    forecast, low, high = _band(final, seed=seed)
    axes.fill_between(forecast, low, high, color=BLUE, alpha=0.15, linewidth=0, label="95 % if exact")
    axes.plot([0, 1], [0, 1], ":", color=GREY)
    for (name, probabilities), colour in zip(shown.items(), _last_blue(len(shown)), strict=True):
        bins = _bins(probabilities)
        axes.plot([probabilities[part].mean() for part in bins], [labels[part].mean() for part in bins], "o-",
                  color=colour, markersize=4, linewidth=1, label=name)  # fmt: skip
    axes.set(ylabel="share with the outcome")
    axes.legend(loc="upper left")
    below.hist(final, bins=40, color=BLUE, alpha=0.6)
    below.set(xlabel="probability", ylabel="customers")
    below.grid(visible=False)
    return figure


def backtests(found: Sequence[Backtest]) -> Figure:
    """Log loss of each calibration at earlier dates that stood in for the present."""
    figure, axes = one_axes(_SMALL)
    methods = list(dict.fromkeys(one.method for one in found))
    days = sorted({one.as_of for one in found})
    for at, (method, colour) in enumerate(zip(methods, (BLUE, ORANGE, GREEN, GREY), strict=False)):
        losses = {one.as_of: one.log_loss for one in found if one.method == method}
        places = [days.index(day) + (at - 1.5) * 0.12 for day in losses]
        axes.plot(places, list(losses.values()), "o", color=colour, label=method)
    axes.set_xticks(range(len(days)), days)
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set(ylabel="log loss, lower is better")
    axes.legend(loc="best")
    return figure


def profit(threshold: Threshold, *, currency: str) -> Figure:
    """What a customer of the calibration rows would have earned by the share that is contacted."""
    figure, axes = one_axes(_SMALL)
    _, contacted, earned = (np.array(column) for column in zip(*threshold.curve, strict=True))
    axes.plot(contacted, earned, color=BLUE)
    axes.axhline(0, color=GREY, linewidth=1)
    if threshold.probability is not None:
        axes.plot(threshold.contacted, threshold.profit, "o", color=ORANGE)
        axes.annotate(f"from {threshold.probability:.2f} on", (threshold.contacted, threshold.profit), xytext=(8, -14),
                      textcoords="offset points", color=ORANGE)  # fmt: skip
    axes.set(xlabel="share of customers contacted, the likeliest first", ylabel=f"{currency} a customer")
    return figure


def learning(history: Mapping[str, Sequence[float]], best: int | None) -> Figure:
    """Log loss by iteration, on the rows learned from and on those that stop the fit."""
    figure, axes = one_axes(_SMALL)
    for (name, values), colour in zip(history.items(), (BLUE, ORANGE), strict=False):
        axes.plot(range(1, len(values) + 1), values, color=colour, label=IN_WORDS.get(name, name))
    if best is not None:
        axes.axvline(best + 1, linestyle=":", color=GREY, label=f"kept: {best + 1} trees")
    axes.set(xlabel="trees", ylabel="log loss")
    axes.legend()
    return figure


def forecast_by_group(groups: Sequence[Group]) -> Figure:
    """Forecast beside outcome of each group."""
    figure = Figure(figsize=(5.2, 1.2 + 0.34 * len(groups)))
    axes = figure.subplots()
    rows = range(len(groups))
    actual = [one.metrics.base_rate or 0.0 for one in groups]
    error = [1.96 * np.sqrt(rate * (1 - rate) / one.metrics.n) for rate, one in zip(actual, groups, strict=True)]
    axes.errorbar(actual, rows, xerr=error, fmt="o", color=ORANGE, markersize=5, label="happened, 95 %")
    axes.plot([one.forecast for one in groups], rows, "D", color=BLUE, markersize=5, label="forecast")
    axes.set_yticks(rows, [f"{one.name} ({one.metrics.n:,})" for one in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set(xlabel="share with the outcome")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def one_axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """A figure of that size in inches with one set of axes."""
    figure = Figure(figsize=size)
    return figure, figure.subplots()


def _square(figure: Figure, axes: Axes, across: str, up: str) -> Figure:
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel=across, ylabel=up)
    axes.legend(loc="best")
    return figure


def _number(day: date) -> float:
    return float(mdates.date2num(day))


def _bins(probabilities: Floats) -> list[np.ndarray]:
    return [part for part in np.array_split(np.argsort(probabilities, kind="stable"), BINS) if len(part)]


def _band(probabilities: Floats, *, seed: int) -> tuple[Floats, Floats, Floats]:
    """Mean forecast of each bin, and the middle 95 % of its outcomes if every probability were exact."""
    chance, bins = np.random.default_rng(seed), _bins(probabilities)
    drawn = np.array([[np.mean(chance.random(len(part)) < probabilities[part]) for part in bins]
                      for _ in range(_CHANCES)])  # fmt: skip
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return np.array([probabilities[part].mean() for part in bins]), low, high


def _last_blue(count: int) -> list[str]:
    return [*[ORANGE, GREEN, PURPLE][: count - 1], BLUE]
