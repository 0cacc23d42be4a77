"""The page: all that a training found, in one HTML file without a link to anything outside it."""

from __future__ import annotations

from models.report.amounts import AmountReport
from models.report.asked import Asked
from models.report.probabilities import ProbabilityReport
from models.splits import SplitPlan
from models.train_amounts import TrainedAmounts
from models.trained import TrainedHead

PAGE = "report.html"


def report_files(trained: TrainedHead | TrainedAmounts, *, plan: SplitPlan, asked: Asked) -> dict[str, bytes]:
    """`report.html` and its pictures by file name; {} where the test has nothing to draw: one outcome, or no amount."""
    if isinstance(trained, TrainedAmounts):
        return {} if trained.test.sum_ratio is None else _files(AmountReport(trained, plan, asked))
    return {} if trained.test.auc is None else _files(ProbabilityReport(trained, plan, asked))


def _files(report: AmountReport | ProbabilityReport) -> dict[str, bytes]:
    pictures = [one for section in report.pictures.values() for one in section]
    return {PAGE: report.html().encode(), **{f"figures/{one.name}.svg": one.svg for one in pictures}}
