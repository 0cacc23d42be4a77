"""How the lifetime models are fitted and judged: declared parameters, checked where they are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from models.errors import BadTrainingSetting


@dataclass(frozen=True)
class LifetimeParameters:
    """`spread`: standard deviation that the penalty grants a log-parameter. `cells`: most counts on the driver.

    `winsorised_percent` of order-day totals count in full. `correlation_warning`: of log frequency and log value, above
    which a fit warns. `discount` is a year's. `first_backtest_after_days`: history that a backtest needs before its
    date. `max_evaluation_rows` bounds what a backtest reads.
    """

    spread: float = 3.0
    cells: int = 50_000
    winsorised_percent: float = 99.5
    correlation_warning: float = 0.2
    discount: float = 0.1
    first_backtest_after_days: int = 180
    max_evaluation_rows: int = 1_000_000

    def __post_init__(self) -> None:
        self._require("spread", self.spread > 0, "a number above 0")
        self._require("cells", self.cells >= 1_000, "a number of cells of at least 1,000")
        self._require("winsorised_percent", 50 <= self.winsorised_percent <= 100, "a percentage of 50 to 100")
        self._require("correlation_warning", 0 <= self.correlation_warning <= 1, "a correlation of 0 to 1")
        self._require("discount", 0 <= self.discount < 1, "a yearly rate of 0 to below 1")
        self._require("first_backtest_after_days", self.first_backtest_after_days >= 1, "days, at least 1")
        self._require("max_evaluation_rows", self.max_evaluation_rows >= 1, "a number of rows of at least 1")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise BadTrainingSetting.value(f"lifetime.{name}", getattr(self, name), expected=expected)

    @property
    def hundredths_of_percent(self) -> int:
        """The winsorised share as a whole number, so that a quantile is exact.

        >>> LifetimeParameters().hundredths_of_percent
        9950
        """
        return round(self.winsorised_percent * 100)

    def describe(self) -> dict[str, Any]:
        """All parameters by name: what a run records and what a training fingerprint covers."""
        return asdict(self)
