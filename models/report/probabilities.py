"""The page of a head of probabilities: how it ranks, how far its probabilities hold, whom to contact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from models.evaluate import evaluate
from models.logistic import Floats, sigmoid
from models.report import figures, probability_figures
from models.report.asked import PROBABILITIES
from models.report.base import Report
from models.report.card import limits
from models.report.groups import Confusion, confusion
from models.report.rendering import Picture, drawn
from models.trained import TrainedHead


class ProbabilityReport(Report[TrainedHead]):
    """A trained head of probabilities, ready to be shown."""

    template, terms, judge = "probabilities.html.j2", PROBABILITIES, evaluate

    @property
    def limits(self) -> list[str]:
        return limits(self.trained, plan=self.plan, groups=self.groups, values=self.asked.values)

    @property
    def confusion(self) -> Confusion | None:
        """The test at the threshold that the calibration rows chose."""
        threshold = self.trained.threshold
        if threshold is None or threshold.probability is None:
            return None
        return confusion(self.test.labels, self.tested, threshold.probability)

    def own_pictures(self) -> Mapping[str, list[Picture]]:
        return {"ranking": [*self._ranking()], "calibration": [*self._calibration()], "decision": [*self._decision()]}

    def _ranking(self) -> Iterator[Picture]:
        labels, ranked = self.test.labels, {"model": self.tested, **self._rival()}
        yield drawn("roc", "ROC", "Higher is better; the diagonal is chance.",
                    lambda: probability_figures.roc(labels, ranked))  # fmt: skip
        yield drawn("precision_recall", "Precision and recall", "Every point is a threshold.",
                    lambda: probability_figures.precision_recall(labels, ranked))  # fmt: skip
        yield drawn("gains", "Gains", "Read: contacting this share reaches that share of the outcomes.",
                    lambda: figures.gains(labels, ranked, first="the likeliest",
                                          share="share of those with the outcome"))  # fmt: skip
        yield drawn("lift", "Lift", "The first bar should tower, and the bars should fall.",
                    lambda: probability_figures.lift(labels, self.tested))  # fmt: skip

    def _rival(self) -> dict[str, Floats]:
        """The best single feature, as it orders the test rows: in the direction that the fitted rows chose."""
        best = self.trained.best_baseline
        if best is None or best.metrics.auc is None:
            return {}
        values = self.test.matrix[:, self.trained.bundle.features.index(best.name)].astype(np.float64)
        filled = np.where(np.isfinite(values), values, np.nanmin(values, initial=0.0))
        return {best.name: filled if best.rising else -filled}

    def _calibration(self) -> Iterator[Picture]:
        raw = sigmoid(self.trained.bundle.margins(self.test.matrix))
        shown = {"before calibration": raw, "calibrated": self.tested}
        yield drawn("reliability", "Reliability", "On the diagonal, a forecast of 30 % happens to 30 %.",
                    lambda: probability_figures.reliability(self.test.labels, shown))  # fmt: skip
        losses = [(one.method, one.as_of, one.log_loss) for one in self.trained.backtests]
        if losses:
            yield drawn("calibration_backtests", "Calibrations at earlier dates",
                        "The recipe fitted again as if each date were the present.",
                        lambda: figures.backtests(losses, figure="log loss, lower is better"))  # fmt: skip

    def _decision(self) -> Iterator[Picture]:
        threshold = self.trained.threshold
        if threshold is not None and threshold.curve:
            yield drawn("profit", "Profit", "On the calibration rows, by the share that is contacted.",
                        lambda: probability_figures.profit(threshold, currency=self.asked.currency))  # fmt: skip
