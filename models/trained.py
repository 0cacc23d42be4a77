"""What a training leaves: the model, its figures, and the tables that are kept beside it as evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from models.algorithms.contract import Fit
from models.baselines import BaselineResult
from models.bundle import NOT_GUARDED, Bundle
from models.calibration_backtest import Backtest
from models.evaluate import Metrics
from models.guard.findings import Verdict
from models.intervals import Interval, ends
from models.thresholds import Threshold
from models.training_rows import Sample, SplitCount


@dataclass(frozen=True)
class TrainedHead:
    """A model that was fitted, calibrated and tested, and the evidence.

    `test` are the figures of the calibrated probabilities, `test_raw` those before calibration, `calibration`
    those on the rows that the calibrator was fitted on; `baselines` are judged on exactly the test rows;
    `excess` is the ECE10 of the test less what chance alone shows, `backtests` are those of the calibrations;
    `test_intervals` resample the test's customers; `threshold` is the best on the calibration rows and `test_profit`
    what it earns a customer of the test, in currency;
    `verdict` is that of the leakage guard, None where none was asked. `samples` are the rows of each split that the
    driver read.
    """

    bundle: Bundle
    fit: Fit
    counts: Mapping[str, SplitCount]
    test: Metrics
    test_raw: Metrics
    calibration: Metrics
    baselines: Sequence[BaselineResult]
    excess: float | None = None
    backtests: Sequence[Backtest] = ()
    test_intervals: Mapping[str, Interval] = field(default_factory=dict)
    threshold: Threshold | None = None
    test_profit: float | None = None
    verdict: Verdict | None = None
    samples: Mapping[str, Sample] = field(default_factory=dict, repr=False)

    @property
    def best_baseline(self) -> BaselineResult | None:
        """The best single feature, or None where no feature has two values."""
        return self.baselines[0] if self.baselines else None

    def logged_metrics(self) -> dict[str, float]:
        """All figures flat, `test_auc` and so on: what a run logs."""
        groups = {"test": self.test, "test_raw": self.test_raw, "calibrate": self.calibration}
        if self.best_baseline is not None:
            groups["baseline"] = self.best_baseline.metrics
        found = flat(self, groups)
        if self.threshold is not None and self.threshold.probability is not None:
            found["threshold"] = self.threshold.probability
        known = {"test_ece10_excess": self.excess, "test_profit_per_customer": self.test_profit}
        return {**found, **{name: value for name, value in known.items() if value is not None}}

    def documents(self) -> dict[str, Any]:
        """Tables that are kept beside the model, by file name, as plain values."""
        return {
            **tables(self),
            "baselines.json": [result.to_dict() for result in self.baselines],
            "profit_curve.json": self.threshold.to_dict() if self.threshold else {},
        }


class Evidenced(Protocol):
    """What every training leaves as evidence, whatever its head learns."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def fit(self) -> Fit: ...

    @property
    def counts(self) -> Mapping[str, SplitCount]: ...

    @property
    def test_intervals(self) -> Mapping[str, Interval]: ...

    @property
    def backtests(self) -> Sequence[Backtested]: ...

    @property
    def verdict(self) -> Verdict | None: ...

    @property
    def samples(self) -> Mapping[str, Sample]: ...


class Backtested(Protocol):
    """One way to calibrate or to scale, judged at an earlier date."""

    def to_dict(self) -> dict[str, Any]: ...


class Figures(Protocol):
    """Figures of one set of rows."""

    def figures(self) -> dict[str, float]: ...


def flat(trained: Evidenced, groups: Mapping[str, Figures]) -> dict[str, float]:
    """Figures by name: of the fit, the guard, each group (`test_auc`), the ends of intervals, and rows by split."""
    found = {**trained.fit.figures(), **(trained.verdict.figures if trained.verdict else {})}
    for group, metrics in groups.items():
        found.update({f"{group}_{name}": value for name, value in metrics.figures().items()})
    found.update({f"test_{name}": end for name, end in ends(trained.test_intervals).items()})
    for split, count in trained.counts.items():
        found[f"rows_{split}"], found[f"positives_{split}"] = float(count.rows), float(count.positives)
    return found


def tables(trained: Evidenced) -> dict[str, Any]:
    """By file name, what is kept beside every model as plain values."""
    return {
        "features.json": list(trained.bundle.features),
        "calibration_backtests.json": [one.to_dict() for one in trained.backtests],
        "guard.json": trained.verdict.to_dict() if trained.verdict else {"status": NOT_GUARDED},
    }
