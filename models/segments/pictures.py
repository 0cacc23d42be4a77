"""The segments drawn, as PNG bytes: how k was chosen, clusters, RFM cells, behaviour, flows.

Colours are Okabe and Ito's (2008), which people with any colour vision tell apart; shades are of one hue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from models.logistic import Floats
from models.segments.choose_k import Candidate
from models.segments.record import SegmentModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
GREY, SHADES = "#666666", "Blues"
MARKS = "os^DvPX*"
DOTS = 150
NO_PERSONAS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Cell:
    """One RFM cell: its scores, name, customers and their mean order value."""

    r_score: int
    fm_score: int
    name: str
    customers: int
    mean_value: float | None


def choice_of_k(candidates: Sequence[Candidate], k: int | None) -> bytes:
    """Elbow, silhouette beside noise, and agreement by number of clusters; the chosen one is marked."""
    figure, axes = _figure(13, 4.6, columns=3)
    ks = [one.k for one in candidates]
    elbow, apart, agree = axes
    elbow.plot(ks, [one.cost for one in candidates], "o-", color=COLOURS[0])
    elbow.set(title="Elbow", ylabel="mean squared distance, sd²")
    apart.plot(ks, [one.silhouette for one in candidates], "o-", color=COLOURS[0], label="customers")
    apart.plot(ks, [one.noise_silhouette for one in candidates], "s--", color=GREY, label="noise, same covariance")
    apart.set(title="Silhouette", ylabel="mean over a sample")
    agree.plot(ks, [one.over_seeds for one in candidates], "o-", color=COLOURS[0], label="over seeds")
    agree.plot(ks, [one.over_time for one in candidates], "s--", color=COLOURS[3], label="over time")
    agree.set(title="Agreement", ylabel="adjusted Rand index", ylim=(None, 1.02))
    for axis in axes:
        axis.set(xlabel="clusters k", xticks=ks)
        if k is not None:
            axis.axvline(k, color=GREY, linewidth=8, alpha=0.2, label=f"chosen: {k}")
        lines = len(axis.get_legend_handles_labels()[1])
        if lines:
            axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=min(lines, 2))
    return _png(figure)


def cluster_map(measures: Floats, ids: np.ndarray, model: SegmentModel) -> bytes:
    """Sampled customers (n, 3) by recency and order days, and by recency and value, coloured by cluster.

    The large marks are the centroids.
    """
    figure, axes = _figure(14, 6.2, columns=2)
    chance = np.random.default_rng(0)
    for place, one in enumerate(model.clusters):
        here = measures[ids == one.id].copy()
        look: dict[str, Any] = {"color": COLOURS[place % len(COLOURS)], "marker": MARKS[place % len(MARKS)]}
        # Order days are whole: a little aside, equal ones do not hide each other.
        here[:, 1] *= np.exp(chance.uniform(-0.08, 0.08, len(here)))
        said = f"{one.id}  {one.persona}: {one.customers:,} customers, order value {one.measures[2]:,.0f}"
        for axis, shown in zip(axes, (1, 2), strict=True):
            axis.scatter(here[:, 0] + 1, here[:, shown], s=7, alpha=0.35, linewidths=0, **look)
            axis.scatter(one.measures[0] + 1, one.measures[shown], s=190, edgecolor="white", linewidth=1.8, zorder=3,
                         label=said, **look)  # fmt: skip
    for axis, name in zip(axes, ("days with an order", "mean value of an order"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="1 + days since the last order", ylabel=name)
        _plain_ticks(axis)
    figure.suptitle(f"Clusters at {model.as_of}, {len(measures):,} of {model.customers:,} customers")
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=2)
    return _png(figure)


def rfm_grid(cells: Sequence[Cell], *, day: str) -> bytes:
    """The RFM cells: shaded by customers, with their number and mean order value."""
    figure, (axis,) = _figure(11, 6.2)
    counts = np.zeros((5, 5))
    for one in cells:
        counts[one.r_score - 1, one.fm_score - 1] = one.customers
    axis.imshow(counts, cmap=SHADES, origin="lower", aspect="auto", vmax=max(counts.max(), 1) * 1.1)
    for one in cells:
        value = "-" if one.mean_value is None else f"{one.mean_value:,.0f}"
        axis.text(one.fm_score - 1, one.r_score - 1, f"{one.name}\n{one.customers:,}\nvalue {value}", fontsize=9,
                  ha="center", va="center", color=_on(counts[one.r_score - 1, one.fm_score - 1], counts))  # fmt: skip
    axis.set(xticks=range(5), yticks=range(5), xticklabels=range(1, 6), yticklabels=range(1, 6),
             xlabel="mean of frequency and value score (5: most)", ylabel="recency score (5: most recent)",
             title=f"RFM cells at {day}: customers and their mean order value")  # fmt: skip
    return _png(_bare(figure))


def segment_bars(customers: Mapping[str, int], *, title: str) -> bytes:
    """Customers by segment in the order given, the first on top, with their shares."""
    figure, (axis,) = _figure(9, 0.6 + 0.42 * max(len(customers), 2))
    total = max(sum(customers.values()), 1)
    places = range(len(customers))
    axis.barh(places, list(customers.values()), color=COLOURS[0], height=0.7)
    for place, count in zip(places, customers.values(), strict=True):
        axis.text(count, place, f"  {count:,} ({count / total:.1%})", va="center")
    axis.set(yticks=places, yticklabels=_words(list(customers)), title=title,
             xlabel="customers", xlim=(0, max([*customers.values(), 1]) * 1.2))  # fmt: skip
    axis.invert_yaxis()
    return _png(figure)


def flow_grid(
    moves: Mapping[tuple[str, str], int], order: Sequence[str], *, title: str, dates: tuple[str, str],
    personas: Mapping[str, str] = NO_PERSONAS,
) -> bytes:  # fmt: skip
    """Where the customers of each segment went: a row sums to 100 %.

    `order` names the segments from the first on; rows say the persona of those that have one.
    """
    rows = [name for name in order if any(one == name for one, _ in moves)]
    columns = [name for name in order if any(other == name for _, other in moves)]
    counts = np.array([[moves.get((one, other), 0) for other in columns] for one in rows], dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    figure, (axis,) = _figure(4.5 + 0.95 * len(columns), 2.6 + 0.5 * len(rows))
    axis.imshow(shares, cmap=SHADES, aspect="auto", vmin=0, vmax=1.1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        share = shares[row, column]
        axis.text(column, row, f"{share:.0%}" if share >= 0.005 else "<1%", ha="center", va="center", fontsize=9,
                  color=_on(share, shares))  # fmt: skip
    named = [f"{name}  {personas[name]}" if name in personas else name for name in rows]
    counted = [f"{name}  ({int(total):,})" for name, total in zip(_words(named), totals[:, 0], strict=True)]
    axis.set(xticks=range(len(columns)), yticks=range(len(rows)), xlabel=f"at {dates[1]}", ylabel=f"at {dates[0]}",
             yticklabels=counted, title=title)  # fmt: skip
    axis.set_xticklabels(_words(columns), rotation=35, ha="right", rotation_mode="anchor")
    return _png(_bare(figure))


def _figure(width: float, height: float, *, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure that no global state of pyplot knows, so that a job may draw on any thread without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(np.ravel(figure.subplots(1, columns)))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_fontweight("bold")
    return figure, axes


def _words(names: Sequence[str]) -> list[str]:
    return [name.replace("_", " ") for name in names]


def _bare(figure: Figure) -> Figure:
    for axis in figure.axes:
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
    return figure


def _plain_ticks(axis: Axes) -> None:
    """Numbers of a logarithmic axis written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for one in (axis.xaxis, axis.yaxis):
        one.set_major_locator(LogLocator(subs=(1, 3)))
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        one.set_minor_formatter(NullFormatter())


def _on(value: float, values: np.ndarray) -> str:
    """A colour that can be read on the shade of a value."""
    return "white" if value > 0.6 * max(float(values.max()), 1e-12) else "black"


def _png(figure: Figure) -> bytes:
    file = BytesIO()
    # The same figure gives the same bytes: no time of making is written into it.
    figure.savefig(file, format="png", dpi=DOTS, metadata={"Software": None})
    return file.getvalue()
