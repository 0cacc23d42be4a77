"""What the season of an as-of does to an outcome: its rate among customers who ordered of late, and shifts of log-odds.

The same rates do two things. A seasonal calibrator moves a forecast by them (`models.calibrate.fit_season`), and a fit
is told them beforehand: how many leave at Christmas is no knowledge about a customer, and trees that have to find it
out from whatever goes with the date rank customers of another season worse (docs/adr/0034).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F

from models.calibrate import log_odds
from models.logistic import Floats
from models.training_rows import AS_OF, Sample

RECENCY, RECENT_DAYS = "recency_days", 90


def season_rates(rows: Sample, features: Sequence[str], *, until: date | None = None) -> dict[str, float]:
    """By ISO as-of (up to `until`), the outcome's mean among those who ordered within 90 days; {} without recency."""
    if RECENCY not in features:
        return {}
    recent = rows.matrix[:, list(features).index(RECENCY)] <= RECENT_DAYS
    found = {}
    for day in np.unique(rows.days[recent]):
        labels = rows.labels[recent & (rows.days == day)]
        if until is None or day.item() <= until:
            found[day.item().isoformat()] = float(labels.mean())
    return found


def season_shifts(rates: Mapping[str, float], *, fitted: Iterable[date]) -> dict[date, float]:
    """By as-of, the log-odds of its rate less their mean over the `fitted` as-ofs; {} where none of those is known.

    As-ofs at which all or none had the outcome have no log-odds, and no shift.

    >>> found = season_shifts({"2011-01-01": 0.5, "2011-02-01": 0.8}, fitted=[date(2011, 1, 1)])
    >>> {str(day): round(shift, 3) for day, shift in found.items()}
    {'2011-01-01': 0.0, '2011-02-01': 1.386}
    """
    levels = {date.fromisoformat(day): level for day, level in log_odds(rates).items()}
    known = [levels[day] for day in fitted if day in levels]
    return {day: level - float(np.mean(known)) for day, level in levels.items()} if known else {}


def shifts_at(days: NDArray[np.datetime64], shifts: Mapping[date, float]) -> Floats:
    """The shift of each row's as-of, float64 (n,), of `days` datetime64[D] (n,); 0 where it is not known."""
    found = np.zeros(len(days))
    for day, shift in shifts.items():
        found[days == np.datetime64(day)] = shift
    return found


def shift_column(shifts: Mapping[date, float], *, as_of_date: str = AS_OF) -> Column:
    """`shifts_at` as a column."""
    known = F.create_map(*(F.lit(value) for one in shifts.items() for value in one))
    return F.coalesce(F.try_element_at(known, F.col(as_of_date)), F.lit(0.0))


def shifts_within(rows: Sample, at: NDArray[np.intp], features: Sequence[str]) -> Floats:
    """The shifts of the rows at these positions by what they themselves tell of their as-ofs, float64 (len(at),)."""
    own = Sample(rows.split, rows.matrix[at], rows.labels[at], len(at), rows.customers[at], rows.days[at])
    days = [day.item() for day in np.unique(own.days)]
    return shifts_at(own.days, season_shifts(season_rates(own, features), fitted=days))
