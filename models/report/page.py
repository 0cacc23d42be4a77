"""The page: all that a training found, in one HTML file without a link to anything outside it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np

from models.logistic import Floats, sigmoid
from models.report import figures, importance_figures
from models.report.card import limits
from models.report.groups import Confusion, Group, by_name, confusion
from models.report.importance import Importances, importances
from models.splits import CALIBRATE, SPLITS, TEST, SplitPlan
from models.thresholds import Values
from models.train import TrainedHead
from models.training_rows import Sample

PAGE = "report.html"
DEPENDENCES = 4


@dataclass(frozen=True)
class Asked:
    """What was asked of a training, as people say it: what a model's own record does not hold.

    `meaning` are lines on the label; `families` those of the features; `parameters` what the run logs; `made_from`
    the training set's name and fingerprint.
    """

    meaning: tuple[str, ...]
    as_of: date
    currency: str
    made_from: str
    seed: int
    families: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: Values | None = None


@dataclass(frozen=True)
class Picture:
    """A figure with its name (its file is `<name>.svg`) and what one sees in it."""

    name: str
    title: str
    caption: str
    svg: bytes

    @property
    def source(self) -> str:
        """As a data URI: its ids cannot meet those of another picture."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()


def report_files(trained: TrainedHead, *, plan: SplitPlan, asked: Asked) -> dict[str, bytes]:
    """`report.html` and its pictures by file name; {} where no test row has an outcome to draw."""
    if trained.test.auc is None:
        return {}
    report = Report(trained, plan, asked)
    pictures = [one for section in report.pictures.values() for one in section]
    return {PAGE: report.html().encode(), **{f"figures/{one.name}.svg": one.svg for one in pictures}}


@dataclass(frozen=True)
class Report:
    """One trained head with what was asked of it, ready to be shown."""

    trained: TrainedHead
    plan: SplitPlan
    asked: Asked

    def html(self) -> str:
        """The page."""
        from jinja2 import Environment

        source = (files("models.report") / "page.html.j2").read_text(encoding="utf-8")
        page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
        return page.render(
            trained=self.trained, bundle=self.trained.bundle, plan=self.plan, asked=self.asked, groups=self.groups,
            pictures=self.pictures, confusion=self.confusion, importances=self.importances, dates=self.dates,
            splits=SPLITS, limits=limits(self.trained, plan=self.plan, groups=self.groups, values=self.asked.values),
        )  # fmt: skip

    @property
    def test(self) -> Sample:
        return self.trained.samples[TEST]

    @cached_property
    def tested(self) -> Floats:
        """Calibrated probabilities of the test rows."""
        return self.trained.bundle.at(self.plan.test).predict(self.test.matrix)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The test by segment of customers; () where rows carry none."""
        segments = self.test.segments
        return () if segments is None else by_name(segments, self.test.labels, self.tested)

    @cached_property
    def dates(self) -> tuple[Group, ...]:
        """The dates after the fit: the one that calibrated, and the test."""
        then = self.trained.samples[CALIBRATE]
        forecast = self.trained.bundle.at(self.plan.calibration).predict(then.matrix)
        calibrated = by_name(then.days.astype(str), then.labels, forecast)
        return (*calibrated, *by_name(self.test.days.astype(str), self.test.labels, self.tested))

    @cached_property
    def importances(self) -> Importances:
        return importances(self.trained.bundle.at(self.plan.test), self.test.matrix, self.test.labels,
                           families=self.asked.families, seed=self.asked.seed)  # fmt: skip

    @property
    def confusion(self) -> Confusion | None:
        """The test at the threshold that the calibration rows chose."""
        threshold = self.trained.threshold
        if threshold is None or threshold.probability is None:
            return None
        return confusion(self.test.labels, self.tested, threshold.probability)

    @cached_property
    def pictures(self) -> dict[str, list[Picture]]:
        """By section of the page, in its order."""
        return {"splits": [*self._splits()], "ranking": [*self._ranking()], "calibration": [*self._calibration()],
                "decision": [*self._decision()], "importance": [*self._importance()],
                "groups": [*self._groups()]}  # fmt: skip

    def _splits(self) -> Iterator[Picture]:
        yield _drawn("timeline", "Dates", "No label reaches into the next period.",
                     lambda: figures.timeline(self.plan))  # fmt: skip
        fit = self.trained.fit
        if fit.history:
            yield _drawn("learning_curve", "Fit", "The fit ends where the stopping rows gain nothing more.",
                         lambda: figures.learning(fit.history, fit.best_iteration))  # fmt: skip

    def _ranking(self) -> Iterator[Picture]:
        labels, ranked = self.test.labels, {"model": self.tested, **self._rival()}
        yield _drawn("roc", "ROC", "Higher is better; the diagonal is chance.", lambda: figures.roc(labels, ranked))
        yield _drawn("precision_recall", "Precision and recall", "Every point is a threshold.",
                     lambda: figures.precision_recall(labels, ranked))  # fmt: skip
        yield _drawn("gains", "Gains", "Read: contacting this share reaches that share of the outcomes.",
                     lambda: figures.gains(labels, ranked))  # fmt: skip
        yield _drawn("lift", "Lift", "The first bar should tower, and the bars should fall.",
                     lambda: figures.lift(labels, self.tested))  # fmt: skip

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
        yield _drawn("reliability", "Reliability", "On the diagonal, a forecast of 30 % happens to 30 %.",
                     lambda: figures.reliability(self.test.labels, shown))  # fmt: skip
        if self.trained.backtests:
            yield _drawn("calibration_backtests", "Calibrations at earlier dates",
                         "The recipe fitted again as if each date were the present.",
                         lambda: figures.backtests(self.trained.backtests))  # fmt: skip

    def _decision(self) -> Iterator[Picture]:
        threshold = self.trained.threshold
        if threshold is not None and threshold.curve:
            yield _drawn("profit", "Profit", "On the calibration rows, by the share that is contacted.",
                         lambda: figures.profit(threshold, currency=self.asked.currency))  # fmt: skip

    def _importance(self) -> Iterator[Picture]:
        found, names = self.importances, list(self.trained.bundle.features)
        yield _drawn("families", "Families of features", "Shuffled together, since they stand for one another.",
                     lambda: importance_figures.importance(found.families, title="By family"))  # fmt: skip
        yield _drawn("features", "Features", "The fifteen that contribute most.",
                     lambda: importance_figures.importance(found.features, title="By feature"))  # fmt: skip
        if found.contributions is not None:
            yield _drawn("contributions", "Contributions to single customers",
                         "A dot is a customer; right raises the odds of the outcome.",
                         lambda: importance_figures.summary(found, names))  # fmt: skip
        for one in found.features[:DEPENDENCES]:
            yield from self._dependence(one.name, names.index(one.name))

    def _dependence(self, name: str, at: int) -> Iterator[Picture]:
        found = self.importances
        if found.contributions is not None:
            adds = found.contributions[:, at]
            yield _drawn(f"dependence_{name}", f"{name}: contribution", "The line is the median.",
                         lambda: importance_figures.dependence(name, found.matrix[:, at], adds))  # fmt: skip
        predict = self.trained.bundle.at(self.plan.test).predict
        yield _drawn(f"partial_{name}", f"{name}: partial dependence", "Mean over all rows, had they this value.",
                     lambda: importance_figures.partial_dependence(name, found.matrix[:1000], at, predict))  # fmt: skip

    def _groups(self) -> Iterator[Picture]:
        if self.groups:
            yield _drawn("segments", "By segment", "Forecast beside what happened.",
                         lambda: figures.forecast_by_group(self.groups))  # fmt: skip
        yield _drawn("dates", "By date", "The first date chose the calibration, the last is the test.",
                     lambda: figures.forecast_by_group(self.dates))  # fmt: skip


def _drawn(name: str, title: str, caption: str, draw: Callable[[], Any]) -> Picture:
    return Picture(name, title, caption, figures.svg(draw))
