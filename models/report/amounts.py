"""The page of a head of amounts: what it expects beside what came, by customer, by tenth and in sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from models.amounts import AmountMetrics, evaluate_amounts
from models.calibrate import UNCALIBRATED
from models.report import amount_figures, figures
from models.report.asked import AMOUNTS
from models.report.base import Report
from models.report.card import amount_limits
from models.report.rendering import Picture, drawn
from models.report.tenths import Tenth, tenths
from models.scale_backtest import errors_by_weight
from models.train_amounts import TrainedAmounts


class AmountReport(Report[TrainedAmounts]):
    """A trained head of amounts, ready to be shown."""

    template, terms, judge = "amounts.html.j2", AMOUNTS, evaluate_amounts

    @property
    def limits(self) -> list[str]:
        return amount_limits(self.trained, plan=self.plan, groups=self.groups, tenths=self.tenths,
                             asked=self.asked)  # fmt: skip

    @cached_property
    def tenths(self) -> tuple[Tenth, ...]:
        """The test by tenths of the forecast."""
        return tenths(self.test.labels, self.tested, self.test.customers)

    @property
    def outcomes(self) -> dict[str, AmountMetrics]:
        """By split, its outcomes as if each were its own forecast: their mean, and how few customers they are of."""
        return {split: evaluate_amounts(one.labels, one.labels) for split, one in self.trained.samples.items()}

    @cached_property
    def blends(self) -> dict[float, dict[str, float]]:
        """By share of the trees and earlier date, the error of a blend."""
        return errors_by_weight(self.trained.backtests)

    @property
    def blended_at(self) -> list[str]:
        """The earlier dates of `blends`."""
        return sorted({day for errors in self.blends.values() for day in errors})

    def own_pictures(self) -> Mapping[str, list[Picture]]:
        return {"ranking": [*self._ranking()], "calibration": [*self._calibration()]}

    def _ranking(self) -> Iterator[Picture]:
        labels, unit = self.test.labels, self.asked.unit
        ranked = {"model": self.tested} | {one.name: one.forecast for one in self.trained.rivals[:1]}
        yield drawn("gains", "Gains", "Read: this share of the customers holds that share of all that came.",
                    lambda: figures.gains(labels, ranked, first="the highest forecast",
                                          share="share of all that came"))  # fmt: skip
        yield drawn("customers", "Single customers",
                    "Darker is more customers; on the line the forecast is exact, at the bottom nothing came.",
                    lambda: amount_figures.customers(labels, self.tested, unit=unit))  # fmt: skip

    def _calibration(self) -> Iterator[Picture]:
        unit, whole = self.asked.unit, self.trained.test_intervals.get("sum_ratio")
        yield drawn("sums", "Sums by tenth", "Forecast and came should be level, and the bars should fall.",
                    lambda: amount_figures.sums(self.tenths, unit=unit))  # fmt: skip
        yield drawn("ratios", "Sum ratio by tenth", "At 1 a tenth's forecasts sum to what came; 95 % over customers.",
                    lambda: amount_figures.ratios(self.tenths, whole=whole))  # fmt: skip
        tried = [(one.method, one.as_of, one.sum_ratio) for one in self.trained.backtests
                 if one.weight == self.trained.bundle.weight and one.status != UNCALIBRATED
                 and one.sum_ratio is not None]  # fmt: skip
        if tried:
            yield drawn("scale_backtests", "Scales at earlier dates",
                        "The recipe fitted again as if each date were the present; 1 is exact.",
                        lambda: figures.backtests(tried, figure=amount_figures.SUM_RATIO, aim=1.0))  # fmt: skip
