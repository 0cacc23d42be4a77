"""Log-odds of a model turned into probabilities that a later period agrees with: a line, steps, or a season's shift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from models.logistic import Floats, fit_line, logit, sigmoid

UNSEASONAL = "unseasonal"
UNCALIBRATED = "uncalibrated"
STEPPED = "isotonic"
SEASONAL = "seasonal"
PLATT, SEASONAL_PLATT, ISOTONIC, SEASON, NONE = METHODS = ("platt", "seasonal_platt", "isotonic", "seasonal", "none")
"""What backtests choose from, of equals the first."""
YEAR_OF_WEEKS = 364
_NEAR_DAYS = 14
FEWEST_FOR_STEPS = 1000
"""Rows below which steps follow chance more than the model: what practice has settled on."""


@dataclass(frozen=True, kw_only=True)
class Seasonal:
    """What moves with the season: `seasons` by ISO as-of, on a scale on which shifts add, the `level` that shifts are
    counted from, and `home`, the as-of whose shift counts: that of the next scoring. `resting` is the status where no
    season is known for it.
    """

    seasons: Mapping[str, float] = field(default_factory=dict)
    level: float = 0.0
    home: str = ""
    resting: str = UNCALIBRATED

    @property
    def shift(self) -> float:
        """What the season of `home` adds; 0 where no as-of lies near a year before it."""
        season = a_year_before(self.seasons, date.fromisoformat(self.home)) if self.home else None
        return 0.0 if season is None else season - self.level

    def moved_to(self, as_of: date) -> dict[str, Any]:
        """`home`, `status` and `reason` for rows of another as-of."""
        known = a_year_before(self.seasons, as_of) is not None
        reason = "" if known else f"no as-of about a year before {as_of} is known"
        return {"home": as_of.isoformat(), "status": SEASONAL if known else self.resting, "reason": reason}


def following(seasons: Mapping[str, float], *, since: date, home: date, resting: str) -> dict[str, Any]:
    """The fields of what is fitted on the rows of `since` and moves from there as the season did a year before.

    Its status is `resting` where the season of `home` is not known; no fields where that of `since` is not.
    """
    level = a_year_before(seasons, since)
    if level is None or resting == UNCALIBRATED:
        return {}
    moving = Seasonal(seasons=seasons, level=level, resting=resting)
    return {"seasons": seasons, "level": level, "resting": resting, **moving.moved_to(home)}


@dataclass(frozen=True)
class Calibrator(Seasonal):
    """probability = sigmoid(slope x margin + intercept), with margins in log-odds.

    `status`: "unseasonal" (Platt on the last mature as-of), "isotonic" (`steps`, pairs of margin and probability,
    straight between them), "seasonal" (the model's own log-odds, or Platt's, moved by the shift of a date) or
    "uncalibrated" (identity; `reason` says why). `seasons` are the log-odds of the outcome.
    """

    slope: float = 1.0
    intercept: float = 0.0
    status: str = UNCALIBRATED
    reason: str = "not fitted"
    rows: int = 0
    steps: tuple[tuple[float, float], ...] = ()

    def at(self, as_of: date) -> Calibrator:
        """The calibrator for rows of another as-of: only a seasonal one differs, by what happened a year before."""
        return replace(self, **self.moved_to(as_of)) if self.seasons else self

    def apply(self, margins: Floats) -> Floats:
        """Probabilities, float64 of the shape of `margins`.

        >>> Calibrator().apply(np.array([0.0])).tolist()
        [0.5]
        """
        margins = np.asarray(margins, dtype=np.float64)
        if self.steps:
            places, values = np.array(self.steps).T
            return np.interp(margins, places, values)
        return sigmoid(self.slope * margins + (self.intercept + self.shift))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON keeps digit for digit."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibrator:
        """The calibrator that `to_dict` described."""
        steps = tuple((float(place), float(value)) for place, value in values.get("steps", ()))
        return cls(**{**values, "steps": steps})


def method_of(calibrator: Calibrator, *, asked: str) -> str:
    """The method that a calibrator is of; Platt's for one that its method `asked` for could not give.

    >>> method_of(Calibrator(status=UNSEASONAL), asked="backtested")
    'platt'
    """
    if calibrator.seasons:
        return SEASON if calibrator.resting == UNCALIBRATED else SEASONAL_PLATT
    if calibrator.steps:
        return ISOTONIC
    return NONE if calibrator.status != UNSEASONAL and asked == NONE else PLATT


def fit_platt(margins: Floats, labels: Floats) -> Calibrator:
    """Platt's sigmoid fitted on margins (log-odds) and 0/1 labels, both of shape (n,).

    Targets are (N+ + 1)/(N+ + 2) and 1/(N- + 2) instead of 1 and 0 (Platt 1999, eq. 4), so that separable
    rows still give finite odds. No rows, one class, or a slope that would turn the order round: identity,
    "uncalibrated".
    """
    margins, labels = np.asarray(margins, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    rows = len(labels)
    if reason := _why_not(margins, labels):
        return Calibrator(reason=reason, rows=rows)
    slope, intercept = fit_line(margins, _targets(labels))
    if slope <= 0:
        return Calibrator(reason=f"the slope {slope:.3g} would reverse the order", rows=rows)
    return Calibrator(slope, intercept, UNSEASONAL, "", rows)


def fit_seasonal_platt(
    margins: Floats, labels: Floats, *, rates: Mapping[str, float], calibrating: date, home: date
) -> Calibrator:  # fmt: skip
    """Platt's sigmoid of the as-of `calibrating`, moved by logit b(t*) - logit b(c*): the season from there on.

    rates: as those of `fit_season`; t* and c* are the as-ofs nearest `home` and `calibrating` less 364 days. Platt's
    alone where one of them is not known: what the level was is measured a month or two ago, how it goes on from there a
    year ago.
    """
    line = fit_platt(margins, labels)
    return replace(line, **following(log_odds(rates), since=calibrating, home=home, resting=line.status))


def fit_isotonic(margins: Floats, labels: Floats) -> Calibrator:
    """The rising step function nearest to the labels (pool adjacent violators; Zadrozny & Elkan 2002).

    margins: float64 (n,) in log-odds; labels: 0/1 (n,). The labels are Platt's targets, so that no step says 0 or 1.
    The steps are few: one place where each pool of rows begins and one where it ends. Fewer than `FEWEST_FOR_STEPS`
    rows, one class or one margin: identity.
    """
    margins, labels = np.asarray(margins, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if reason := _why_not(margins, labels):
        return Calibrator(reason=reason, rows=len(labels))
    if len(labels) < FEWEST_FOR_STEPS:
        return Calibrator(reason=f"{len(labels)} calibration rows, steps need {FEWEST_FOR_STEPS}", rows=len(labels))
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(margins, _targets(labels))
    steps = tuple(zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True))
    return Calibrator(status=STEPPED, reason="", rows=len(labels), steps=steps)


def fit_season(rates: Mapping[str, float], *, fitted: Iterable[date], home: date) -> Calibrator:
    """The seasonal intercept: log-odds move by logit b(t*) - mean over `fitted` of logit b.

    rates: by ISO as-of the share b of those with the outcome among customers who ordered within 90 days; t* is the
    as-of nearest `home` - 364 days. Uncalibrated where none lies within 14 days of that, or no fitted one is known.
    """
    seasons = log_odds(rates)
    levels = [seasons[day.isoformat()] for day in fitted if day.isoformat() in seasons]
    if a_year_before(seasons, home) is None or not levels:
        return Calibrator(reason=f"no as-of about a year before {home} is known")
    return Calibrator(1.0, 0.0, SEASONAL, "", len(levels), seasons=seasons, level=float(np.mean(levels)),
                      home=home.isoformat())  # fmt: skip


def is_season_known(rates: Mapping[str, float], *days: date) -> bool:
    """Whether there is a rate about a year before each of these as-ofs.

    >>> is_season_known({"2010-12-09": 0.5}, date(2011, 12, 9)), is_season_known({"2010-12-09": 0.5}, date(2011, 6, 1))
    (True, False)
    """
    return all(a_year_before(rates, day) is not None for day in days)


def log_odds(rates: Mapping[str, float]) -> dict[str, float]:
    """Those of the rates strictly between 0 and 1; the others have none."""
    return {day: logit(rate) for day, rate in rates.items() if 0 < rate < 1}


def a_year_before(seasons: Mapping[str, float], day: date) -> float | None:
    """The value of the as-of nearest `day` - 364 days, at most 14 days off; None where there is none.

    >>> a_year_before({"2010-12-09": 0.5, "2010-11-11": 0.1}, date(2011, 12, 9))
    0.5
    """
    wanted = day - timedelta(days=YEAR_OF_WEEKS)
    near = {abs((date.fromisoformat(one) - wanted).days): one for one in sorted(seasons, reverse=True)}
    return seasons[near[min(near)]] if near and min(near) <= _NEAR_DAYS else None


def _targets(labels: Floats) -> Floats:
    """What a fit aims at instead of 1 and 0: (N+ + 1)/(N+ + 2) and 1/(N- + 2) (Platt 1999, eq. 4)."""
    positives = int(labels.sum())
    return np.where(labels > 0, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))


def _why_not(margins: Floats, labels: Floats) -> str:
    """Why rows allow no calibration; "" where they do."""
    if len(labels) == 0:
        return "no calibration rows"
    if labels.sum() in (0, len(labels)):
        return f"all {len(labels)} calibration rows have one class"
    return "the model gives all calibration rows one margin" if np.ptp(margins) == 0 else ""
