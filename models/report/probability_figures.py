"""The pictures of a head of probabilities: ranking, reliability, profit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from models.evaluate import BINS
from models.logistic import Floats
from models.report.figures import BLUE, COLOURS, GREEN, GREY, ORANGE, PURPLE, SMALL, one_axes, square
from models.thresholds import Threshold

_CHANCES = 200


def roc(labels: Floats, ranked: Mapping[str, Floats]) -> Figure:
    """Hits against false alarms, of each named score on the same rows."""
    from sklearn.metrics import roc_curve

    figure, axes = one_axes(SMALL)
    for (name, scores), colour in zip(ranked.items(), COLOURS, strict=False):
        false_alarms, hits, _ = roc_curve(labels, scores)
        axes.plot(false_alarms, hits, color=colour, label=name)
    axes.plot([0, 1], [0, 1], ":", color=GREY, label="chance")
    return square(figure, axes, "share of the others ranked as high", "share of those with the outcome found")


def precision_recall(labels: Floats, ranked: Mapping[str, Floats]) -> Figure:
    """How many of those above a threshold have the outcome, against how many are found."""
    from sklearn.metrics import precision_recall_curve

    figure, axes = one_axes(SMALL)
    for (name, scores), colour in zip(ranked.items(), COLOURS, strict=False):
        precision, recall, _ = precision_recall_curve(labels, scores)
        axes.plot(recall, precision, color=colour, label=name)
    axes.axhline(labels.mean(), linestyle=":", color=GREY, label="base rate")
    return square(figure, axes, "share of those with the outcome found", "share of the found who have it")


def lift(labels: Floats, probabilities: Floats) -> Figure:
    """Rate of the outcome by tenths of the ranking, as a multiple of the base rate."""
    figure, axes = one_axes(SMALL)
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


def profit(threshold: Threshold, *, currency: str) -> Figure:
    """What a customer of the calibration rows would have earned by the share that is contacted."""
    figure, axes = one_axes(SMALL)
    _, contacted, earned = (np.array(column) for column in zip(*threshold.curve, strict=True))
    axes.plot(contacted, earned, color=BLUE)
    axes.axhline(0, color=GREY, linewidth=1)
    if threshold.probability is not None:
        axes.plot(threshold.contacted, threshold.profit, "o", color=ORANGE)
        axes.annotate(f"from {threshold.probability:.2f} on", (threshold.contacted, threshold.profit), xytext=(8, -14),
                      textcoords="offset points", color=ORANGE)  # fmt: skip
    axes.set(xlabel="share of customers contacted, the likeliest first", ylabel=f"{currency} a customer")
    return figure


def _band(probabilities: Floats, *, seed: int) -> tuple[Floats, Floats, Floats]:
    """Mean forecast of each bin, and the middle 95 % of its outcomes if every probability were exact."""
    chance, bins = np.random.default_rng(seed), _bins(probabilities)
    drawn = np.array([[np.mean(chance.random(len(part)) < probabilities[part]) for part in bins]
                      for _ in range(_CHANCES)])  # fmt: skip
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return np.array([probabilities[part].mean() for part in bins]), low, high


def _last_blue(count: int) -> list[str]:
    return [*[ORANGE, GREEN, PURPLE][: count - 1], BLUE]


def _bins(probabilities: Floats) -> list[np.ndarray]:
    return [part for part in np.array_split(np.argsort(probabilities, kind="stable"), BINS) if len(part)]
