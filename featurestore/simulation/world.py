"""Everything that fixes one simulation, and what a wrong argument is answered."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from zoneinfo import available_timezones

from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.simulation.process import Process

MOST_CUSTOMERS = 10**8
MOST_DAYS = 20_000


@dataclass(frozen=True)
class Dirt:
    """Rates of added rows, as shares of a source's clean rows; the last four concern order lines only.

    `missing_customer`: a row without customer. `duplicate`: the same row once more. `unparsable_time`:
    a row whose times are no times. `cancellation`: an extra line of an order and, at the same instant,
    the line that cancels it. `negative_amount`: a negative quantity on an order that is no
    cancellation. `free_gift`: a line of amount zero. `late`: an extra line and its cancellation, both
    exported 35 to 90 days after the others.
    """

    missing_customer: float = 0.002
    duplicate: float = 0.005
    unparsable_time: float = 0.001
    cancellation: float = 0.02
    negative_amount: float = 0.001
    free_gift: float = 0.01
    late: float = 0.005

    def __post_init__(self) -> None:
        for rate in fields(self):
            value = getattr(self, rate.name)
            if not 0 <= value <= 1:
                raise ConfigurationError(f"dirt rate '{rate.name}' is {value}; expected a share from 0 to 1.")

    @classmethod
    def none(cls) -> Dirt:
        """No dirt at all.

        >>> Dirt.none().late
        0.0
        """
        return cls(**{rate.name: 0.0 for rate in fields(cls)})


@dataclass(frozen=True)
class World:
    """`customers` customers over `days` days from midnight UTC of `start`, drawn with `seed`.

    `time_zone` is the clock of the shop, on which orders, tickets and profiles are dated.
    Raises ConfigurationError for numbers out of range and unknown zones.
    """

    customers: int
    days: int
    seed: int
    start: date = date(2022, 1, 1)
    time_zone: str = "Europe/London"
    process: Process = field(default_factory=Process)
    dirt: Dirt = field(default_factory=Dirt)

    def __post_init__(self) -> None:
        if not 0 <= self.customers <= MOST_CUSTOMERS:
            raise ConfigurationError(f"customers is {self.customers}; expected 0 to {MOST_CUSTOMERS}.")
        if not 1 <= self.days <= MOST_DAYS:
            raise ConfigurationError(f"days is {self.days}; expected 1 to {MOST_DAYS}.")
        if self.time_zone not in available_timezones():
            hint = did_you_mean(self.time_zone, available_timezones())
            raise ConfigurationError(f"unknown time zone '{self.time_zone}'. {hint}")

    @property
    def epoch(self) -> int:
        """Seconds from 1970 to the start of day 0.

        >>> World(customers=1, days=1, seed=0).epoch
        1640995200
        """
        return int(datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC).timestamp())

    @property
    def truth_day(self) -> int:
        """The day at which the truth is asked for by default: 9/11 of the days, well after the last birth."""
        return self.days * 9 // 11
