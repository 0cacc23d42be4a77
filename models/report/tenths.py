"""Amounts by tenths of their forecast: what was expected of each, and what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluate import BINS, shared_by_ties
from models.intervals import Interval, Weighed, summaries
from models.logistic import Floats


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers, 1 that of the highest forecasts.

    `least` is its lowest forecast; `forecast` and `happened` are sums, `share` that of all that came; `ratio` is the
    forecast sum over what came, with its interval over resampled customers, None where nothing came.
    """

    place: int
    n: int
    least: float
    forecast: float
    happened: float
    share: float
    ratio: Interval | None


def tenths(labels: Floats, forecasts: Floats, customers: NDArray[np.object_], *, seed: int = 0) -> tuple[Tenth, ...]:
    """Ten equal parts of rows by falling forecast, fewer of fewer rows; equal forecasts share what came of them.

    labels, forecasts: (n,), one unit, some of the labels above 0; customers: ids (n,).

    >>> first, *_ = tenths(np.arange(10.0), np.arange(10.0), np.arange(10).astype(object))
    >>> first.happened, first.ratio.figure, first.share
    (9.0, 1.0, 0.2)
    """
    came, order = shared_by_ties(labels, forecasts), np.argsort(-forecasts, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    known = {str(at): _ratio(came, forecasts, part) for at, part in enumerate(parts) if came[part].sum() > 0}
    spread = summaries(known, customers, seed=seed)
    return tuple(
        Tenth(at + 1, len(part), float(forecasts[part].min()), float(forecasts[part].sum()), float(came[part].sum()),
              float(came[part].sum() / labels.sum()), spread.get(str(at)))
        for at, part in enumerate(parts)
    )  # fmt: skip


def _ratio(came: Floats, forecasts: Floats, part: NDArray[np.intp]) -> Weighed:
    ours, theirs = forecasts[part], came[part]

    def ratio(weights: Floats) -> float:
        total = weights[part] @ theirs
        return float(weights[part] @ ours / total) if total > 0 else float("nan")

    return ratio
