"""What the pages of all heads share: dates, what a model looks at, groups of customers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Generic, TypeVar

from models.logistic import Floats
from models.report import figures, importance_figures
from models.report.asked import Asked, Terms
from models.report.groups import Group, Judge, by_name
from models.report.importance import Importances, importances
from models.report.rendering import Picture, drawn, rendered
from models.splits import CALIBRATE, SPLITS, TEST, SplitPlan
from models.trained import Evidenced
from models.training_rows import Sample

DEPENDENCES = 4
TrainedT = TypeVar("TrainedT", bound=Evidenced)


@dataclass(frozen=True)
class Report(ABC, Generic[TrainedT]):
    """One trained head with what was asked of it, ready to be shown.

    A kind of head has its `template`, which extends `page.html.j2` by the sections of its own, its `terms`, the figures
    by which it judges a group (`judge`), its limits in words, and the pictures of its sections.
    """

    trained: TrainedT
    plan: SplitPlan
    asked: Asked

    template: ClassVar[str]
    terms: ClassVar[Terms]
    judge: ClassVar[Judge]

    @property
    @abstractmethod
    def limits(self) -> list[str]:
        """Sentences on what the model is for and where it ends."""

    @abstractmethod
    def own_pictures(self) -> Mapping[str, list[Picture]]:
        """By section, the pictures that only this kind of head has."""

    def html(self) -> str:
        """The page."""
        return rendered(self.template, report=self, trained=self.trained, bundle=self.trained.bundle, plan=self.plan,
                        asked=self.asked, pictures=self.pictures, splits=SPLITS)  # fmt: skip

    @property
    def test(self) -> Sample:
        return self.trained.samples[TEST]

    @cached_property
    def tested(self) -> Floats:
        """Calibrated forecasts of the test rows."""
        return self.trained.bundle.at(self.plan.test).predict(self.test.matrix)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The test by segment of customers; () where rows carry none."""
        segments = self.test.segments
        return () if segments is None else by_name(segments, self.test.labels, self.tested, judge=type(self).judge)

    @cached_property
    def dates(self) -> tuple[Group, ...]:
        """The dates after the fit: the one that calibrated, and the test."""
        then, judge = self.trained.samples[CALIBRATE], type(self).judge
        forecast = self.trained.bundle.at(self.plan.calibration).predict(then.matrix)
        calibrated = by_name(then.days.astype(str), then.labels, forecast, judge=judge)
        return (*calibrated, *by_name(self.test.days.astype(str), self.test.labels, self.tested, judge=judge))

    @cached_property
    def importances(self) -> Importances:
        return importances(self.trained.bundle.at(self.plan.test), self.test.matrix, self.test.labels,
                           families=self.asked.families, seed=self.asked.seed)  # fmt: skip

    @cached_property
    def pictures(self) -> dict[str, list[Picture]]:
        """By section of the page."""
        return {"splits": [*self._splits()], **self.own_pictures(), "importance": [*self._importance()],
                "groups": [*self._groups()]}  # fmt: skip

    def _splits(self) -> Iterator[Picture]:
        yield drawn("timeline", "Dates", "No label reaches into the next period.",
                    lambda: figures.timeline(self.plan))  # fmt: skip
        fit, loss = self.trained.fit, self.terms.fit_loss
        if fit.history:
            yield drawn("learning_curve", "Fit", "The fit ends where the stopping rows gain nothing more.",
                        lambda: figures.learning(fit.history, fit.best_iteration, loss=loss))  # fmt: skip

    def _importance(self) -> Iterator[Picture]:
        found, names, terms = self.importances, list(self.trained.bundle.features), self.terms
        yield drawn("families", "Families of features", "Shuffled together, since they stand for one another.",
                    lambda: importance_figures.importance(found.families, title="By family", terms=terms))  # fmt: skip
        yield drawn("features", "Features", "The fifteen that contribute most.",
                    lambda: importance_figures.importance(found.features, title="By feature", terms=terms))  # fmt: skip
        if found.contributions is not None:
            yield drawn("contributions", "Contributions to single customers",
                        f"A dot is a customer; right {terms.raises}.",
                        lambda: importance_figures.summary(found, names, terms=terms))  # fmt: skip
        for one in found.features[:DEPENDENCES]:
            yield from self._dependence(one.name, names.index(one.name))

    def _dependence(self, name: str, at: int) -> Iterator[Picture]:
        found, terms = self.importances, self.terms
        if found.contributions is not None:
            values, adds = found.matrix[:, at], found.contributions[:, at]
            yield drawn(f"dependence_{name}", f"{name}: contribution", "The line is the median.",
                        lambda: importance_figures.dependence(name, values, adds, terms=terms))  # fmt: skip
        predict = self.trained.bundle.at(self.plan.test).predict
        yield drawn(f"partial_{name}", f"{name}: partial dependence", "Mean over all rows, had they this value.",
                    lambda: importance_figures.partial_dependence(
                        name, found.matrix[:1000], at, predict, terms=terms))  # fmt: skip

    def _groups(self) -> Iterator[Picture]:
        happened = self.terms.happened
        if self.groups:
            yield drawn("segments", "By segment", "Forecast beside what happened.",
                        lambda: figures.forecast_by_group(self.groups, happened=happened))  # fmt: skip
        yield drawn("dates", "By date", "The first date chose the calibration, the last is the test.",
                    lambda: figures.forecast_by_group(self.dates, happened=happened))  # fmt: skip
