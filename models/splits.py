"""Which as-of dates are learned from, stop the learning, calibrate and test: labels never overlap.

Counting back from the date of scoring with horizon h: test = as_of - h, calibrate = test - h, stop =
calibrate - h, fitted as-ofs from stop - h in steps. A label over [t, t + h) thus ends before the next period
begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from featurestore.customer_draw import SHARES, draw
from models.errors import BadTrainingSetting, HistoryTooShort

FIT, STOP, CALIBRATE, TEST = SPLITS = ("fit", "stop", "calibrate", "test")
STOPPING_PURPOSE = "stopping rows"
STOPPING_SHARE = SHARES // 10


@dataclass(frozen=True)
class SplitPlan:
    """The as-of dates of a training set and what each is for.

    `by_customer` says that history was too short for a stopping period of its own: the stopping rows are then
    a tenth of the customers, by a stable hash of the id, of the fitted dates.
    """

    horizon_days: int
    fitted: tuple[date, ...]
    stopping: date | None
    calibration: date
    test: date

    @property
    def by_customer(self) -> bool:
        return self.stopping is None

    @property
    def as_ofs(self) -> tuple[date, ...]:
        """All dates, earliest first."""
        return tuple(sorted(self.dates))

    @property
    def dates(self) -> Mapping[date, str]:
        """Split by date; under `by_customer` the fitted dates hold the stopping rows too."""
        found = {**dict.fromkeys(self.fitted, FIT), self.calibration: CALIBRATE, self.test: TEST}
        if self.stopping is not None:
            found[self.stopping] = STOP
        return MappingProxyType(found)

    def split_of(self, as_of_date: date, customer_id: str | None = None) -> str | None:
        """The split of a row; None for a date outside the plan.

        Under `by_customer` the id decides between "fit" and "stop"; a row without id is fitted.
        """
        split = self.dates.get(as_of_date)
        if split == FIT and self.by_customer and customer_id is not None and is_stopping_customer(customer_id):
            return STOP
        return split

    def describe(self) -> dict[str, str]:
        """What a run's parameters and a bundle record: ISO dates by split.

        >>> plan_splits(date(2011, 12, 9), horizon_days=30, source_start=date(2009, 12, 1)).describe()["test"]
        '2011-11-09'
        """
        stopping = "a tenth of the customers" if self.stopping is None else self.stopping.isoformat()
        return {
            FIT: f"{self.fitted[0]} to {self.fitted[-1]}, {len(self.fitted)} dates",
            STOP: stopping,
            CALIBRATE: self.calibration.isoformat(),
            TEST: self.test.isoformat(),
        }


def plan_splits(
    as_of: date,
    *,
    horizon_days: int,
    source_start: date,
    first_after_days: int = 180,
    step_days: int = 28,
    minimum_fitted: int = 3,
) -> SplitPlan:
    """The plan whose last label ends at `as_of`, after `first_after_days` of history at least.

    Fewer than `minimum_fitted` dates before a stopping period: the stopping rows become a customer-disjoint
    part of the fitted dates, which then reach up to the calibration date less the horizon. Raises
    HistoryTooShort, with the days that are missing, if not even one fitted date is left.

    >>> plan = plan_splits(date(2011, 12, 9), horizon_days=60, source_start=date(2009, 12, 1))
    >>> [str(day) for day in (plan.test, plan.calibration, plan.stopping, plan.fitted[-1])]
    ['2011-10-10', '2011-08-11', '2011-06-12', '2011-04-13']
    """
    _check(horizon_days=horizon_days, step_days=step_days, minimum_fitted=minimum_fitted)
    horizon = timedelta(days=horizon_days)
    first = source_start + timedelta(days=first_after_days)
    test, calibration, stopping = as_of - horizon, as_of - 2 * horizon, as_of - 3 * horizon
    fitted = _back_from(stopping - horizon, first=first, step_days=step_days)
    if len(fitted) >= minimum_fitted:
        return SplitPlan(horizon_days, fitted, stopping, calibration, test)
    fitted = _back_from(stopping, first=first, step_days=step_days)
    if not fitted:
        raise HistoryTooShort.days(
            (first - stopping).days,
            source_start=source_start,
            as_of=as_of,
            horizon_days=horizon_days,
            first_after_days=first_after_days,
        )
    return SplitPlan(horizon_days, fitted, None, calibration, test)


def recorded_plan(as_ofs: Mapping[str, str], *, horizon_days: int) -> SplitPlan:
    """The plan that gave these splits, by ISO date.

    >>> plan = plan_splits(date(2011, 12, 9), horizon_days=60, source_start=date(2009, 12, 1))
    >>> recorded_plan({str(day): split for day, split in plan.dates.items()}, horizon_days=60) == plan
    True
    """
    by_split: dict[str, list[date]] = {}
    for day, split in sorted(as_ofs.items()):
        by_split.setdefault(split, []).append(date.fromisoformat(day))
    [calibration], [test] = by_split[CALIBRATE], by_split[TEST]
    stopping = by_split.get(STOP, [None])[0]
    return SplitPlan(horizon_days, tuple(by_split[FIT]), stopping, calibration, test)


def is_stopping_customer(customer_id: str) -> bool:
    """Whether a customer's rows stop the learning when no period is left for it: a stable tenth."""
    return draw(customer_id, purpose=STOPPING_PURPOSE) < STOPPING_SHARE


def _back_from(last: date, *, first: date, step_days: int) -> tuple[date, ...]:
    """Dates every `step_days` back from `last`, none before `first`, earliest first."""
    steps = (last - first).days // step_days
    return tuple(last - timedelta(days=step_days * back) for back in range(steps, -1, -1))


def _check(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise BadTrainingSetting.value(name, value, expected="a whole number of at least 1")
