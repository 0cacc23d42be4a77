"""Which calibration to trust: each method fitted and judged again at earlier dates, as if each were the present."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.algorithms.contract import Algorithm, Fitted, Rows
from models.calibrate import (
    ISOTONIC,
    METHODS,
    NONE,
    PLATT,
    SEASON,
    SEASONAL,
    SEASONAL_PLATT,
    UNCALIBRATED,
    Calibrator,
    fit_isotonic,
    fit_platt,
    fit_season,
    fit_seasonal_platt,
)
from models.evaluate import evaluate, expected_error
from models.logistic import Floats
from models.seasons import season_rates, shifts_within
from models.splits import is_stopping_customer
from models.training_rows import Sample, drawn

log = logging.getLogger(__name__)

NO_HANDICAPS: Mapping[str, float] = MappingProxyType({})
TIES = 0.001
"""Log loss that steps must gain: customers on one step cannot be ranked any more, which log loss hardly sees."""


@dataclass(frozen=True)
class Backtest:
    """One method at one as-of that stood in for the present; `excess` is ece10 less what chance alone shows."""

    as_of: str
    method: str
    status: str
    rows: int
    log_loss: float
    ece10: float
    excess: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a table or JSON."""
        return asdict(self)


def backtest(
    rows: Sample, *, features: Sequence[str], algorithm: Algorithm, horizon_days: int, at_most: int, trial_rows: int,
    seed: int, categorical: tuple[int, ...] = (),
) -> list[Backtest]:  # fmt: skip
    """All methods at up to `at_most` rolling as-ofs t of `rows`, the newest first.

    At each t the recipe is fitted on as-ofs <= t - 2h or earlier and calibrated on the newest one <= t - h, so that no
    label is read that was not known at t; a tenth of the customers stops the fit, which learns from at most
    `trial_rows`. `rows` must hold no test row. Platt's line that follows the season is there only where a season moves
    it. Dates without a calibration and a fitted date before them are left out: an empty list where all are.
    """
    found = []
    horizon = timedelta(days=horizon_days)
    for present, calibrating, fitted in rolling_dates(rows.days, horizon, at_most=at_most):
        margins = margins_at(rows, fitted, (calibrating, present), features=features, algorithm=algorithm,
                             categorical=categorical, seed=seed, trial_rows=trial_rows)  # fmt: skip
        if margins is None:
            continue
        then, now = rows.days == np.datetime64(calibrating), rows.days == np.datetime64(present)
        rates = season_rates(rows, features, until=present - horizon)
        for method in METHODS:
            one = fitted_by(method, margins[calibrating], rows.labels[then], rates=rates, fitted=fitted,
                            calibrating=calibrating, home=present)  # fmt: skip
            if method != SEASONAL_PLATT or one.status == SEASONAL:  # else it is Platt's line once more
                found.append(_judged(method, one, margins[present], rows.labels[now], present))
    return found


def rolling_dates(
    days: np.ndarray, horizon: timedelta, *, at_most: int
) -> Iterator[tuple[date, date, list[date]]]:  # fmt: skip
    """(present, calibrating, fitted) dates, newest present first, no label of one reaching into the next."""
    known = sorted(day.item() for day in np.unique(days))
    # Only the first dates can lack an earlier one: what is left out is at the end.
    for present in known[: -at_most - 1 : -1]:
        calibrating = max((day for day in known if day <= present - horizon), default=None)
        fitted = [day for day in known if calibrating is not None and day <= calibrating - horizon]
        if calibrating is None or not fitted:
            return
        yield present, calibrating, fitted


def fitted_by(
    method: str, margins: Floats, labels: Floats, *, rates: Mapping[str, float], fitted: Sequence[date],
    calibrating: date, home: date,
) -> Calibrator:  # fmt: skip
    """The calibrator of `method`, from margins and labels of the rows of `calibrating`, rates of seasons, or both."""
    if method == SEASONAL_PLATT:
        return fit_seasonal_platt(margins, labels, rates=rates, calibrating=calibrating, home=home)
    if method == PLATT:
        return fit_platt(margins, labels)
    if method == ISOTONIC:
        return fit_isotonic(margins, labels)
    return fit_season(rates, fitted=fitted, home=home) if method == SEASON else Calibrator(reason="asked for")


def chosen(found: Sequence[Backtest], *, is_season_known: bool = False) -> str:
    """The method of least mean log loss over the as-ofs at which all compared methods could be fitted; Platt without.

    Steps must gain `TIES` over the others. A method that could be fitted nowhere is out, but for Platt's line that
    follows the season: where that is known now and was at no as-of, it is taken unjudged (docs/adr/0035).
    """
    losses: dict[str, dict[str, float]] = {}
    for one in found:
        if one.method == NONE or one.status != UNCALIBRATED:
            losses.setdefault(one.method, {})[one.as_of] = one.log_loss
    if is_season_known and SEASONAL_PLATT not in losses:
        return SEASONAL_PLATT
    return least(losses, order=METHODS, handicaps={ISOTONIC: TIES}) or PLATT


def least(
    losses: dict[str, dict[str, float]], *, order: Sequence[str], handicaps: Mapping[str, float] = NO_HANDICAPS
) -> str | None:
    """The method of least mean loss, by as-of, over the as-ofs that all methods have; the first in `order` of equals.

    Where no as-of is common, the method with the fewest is out, of equals that whose newest lies furthest back (what is
    near the present decides), and so on; None where there is none at all.

    >>> least({"a": {"2011": 0.2, "2010": 0.9}, "b": {"2011": 0.3}}, order=["a", "b"])
    'a'
    >>> least({"a": {"2011": 0.2, "2010": 0.9}, "b": {"2011": 0.3}, "c": {"2010": 0.1}}, order=["a", "b", "c"])
    'a'
    """
    left = dict(losses)
    while left:
        common = set.intersection(*(set(by_date) for by_date in left.values()))
        if common:
            means = {method: float(np.mean([by_date[day] for day in common])) + handicaps.get(method, 0.0)
                     for method, by_date in left.items()}  # fmt: skip
            return min(means, key=lambda method: (means[method], order.index(method)))
        del left[min(left, key=lambda method: (len(left[method]), max(left[method]), -order.index(method)))]
    return None


def margins_at(
    rows: Sample, fitted: Sequence[date], wanted: Sequence[date], *, features: Sequence[str],
    algorithm: Algorithm, categorical: tuple[int, ...], seed: int, trial_rows: int, shifted: bool = True,
) -> dict[date, Floats] | None:  # fmt: skip
    """The margins of all rows at the `wanted` dates, from a fit on `fitted` ones; None where that is impossible."""
    model = fitted_on(rows, fitted, features=features, algorithm=algorithm, categorical=categorical, seed=seed,
                      trial_rows=trial_rows, shifted=shifted)  # fmt: skip
    if model is None:
        return None
    return {day: model.margins(rows.matrix[rows.days == np.datetime64(day)]) for day in wanted}


def fitted_on(
    rows: Sample, days: Sequence[date], *, features: Sequence[str], algorithm: Algorithm,
    categorical: tuple[int, ...], seed: int, trial_rows: int, shifted: bool = True,
) -> Fitted | None:  # fmt: skip
    """A fit on at most `trial_rows` of the rows of these days, a tenth of the customers to stop it.

    Labels that are outcomes are `shifted` by their season. None where fitted or stopping rows have one outcome.
    """
    inside = np.flatnonzero(np.isin(rows.days, np.array(days, dtype="datetime64[D]")))
    chosen_rows = drawn(rows, inside, at_most=trial_rows, seed=seed)
    stops = np.array([is_stopping_customer(one) for one in rows.customers[chosen_rows]])
    learned, stopping = chosen_rows[~stops], chosen_rows[stops]
    if min(len(set(rows.labels[learned])), len(set(rows.labels[stopping]))) < 2:
        return None
    given = rows_at(rows, learned, stopping, features=tuple(features), categorical=categorical, shifted=shifted)
    return algorithm.fit(given, seed=seed).model


def rows_at(
    rows: Sample, learned: NDArray[np.intp], stopping: NDArray[np.intp], *, features: tuple[str, ...],
    categorical: tuple[int, ...], shifted: bool = True,
) -> Rows:  # fmt: skip
    """The rows at these positions to learn from and to stop by, each with the shift of its season where asked for."""
    given = Rows(rows.matrix[learned], rows.labels[learned], rows.matrix[stopping], rows.labels[stopping], features,
                 categorical)  # fmt: skip
    if not shifted:
        return given
    shifts = shifts_within(rows, np.concatenate([learned, stopping]), features)
    return replace(given, offsets=shifts[: len(learned)], stop_offsets=shifts[len(learned) :])


def _judged(method: str, calibrator: Calibrator, margins: Floats, labels: Floats, present: date) -> Backtest:
    probabilities = calibrator.apply(margins)
    figures = evaluate(labels, probabilities)
    ece = figures.ece10 or 0.0
    excess = ece - expected_error(probabilities)
    log.info("calibration %s at %s: log loss %.4f, ece10 %.3f", method, present, figures.log_loss, ece)
    return Backtest(present.isoformat(), method, calibrator.status, figures.n, figures.log_loss or 0.0, ece, excess)
