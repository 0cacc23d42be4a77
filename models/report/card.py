"""What a model is for and where it ends, in sentences that follow from its record (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.bundle import NOT_GUARDED, UNGATED
from models.calibrate import SEASONAL, UNCALIBRATED
from models.promotion.rivals import RIVAL
from models.report.groups import Group
from models.splits import CALIBRATE, FIT, TEST, SplitPlan
from models.thresholds import Values
from models.train import TrainedHead

_OFF = 0.03
_SURE = 2.0


def limits(trained: TrainedHead, *, plan: SplitPlan, groups: Sequence[Group], values: Values | None) -> list[str]:
    """Sentences, each true of this model, the general ones first."""
    return [
        "It says how likely an outcome is for customers like these, not what would change it: nothing here is a cause.",
        *_of_the_test(trained, plan),
        *_of_the_calibration(trained),
        *_of_the_rows(trained),
        *_of_groups(groups),
        *_of_the_gate(trained),
        *_of_the_values(values),
    ]


def _of_the_test(trained: TrainedHead, plan: SplitPlan) -> Iterator[str]:
    yield (f"It was tested on one date, {plan.test}, and on customers of the label's population alone; another season "
           "moves both the base rate and the ranking.")  # fmt: skip
    yield (f"The newest rows that it learned from are of {plan.fitted[-1]}, those that calibrated it of "
           f"{plan.calibration}; it knows nothing of what changed since.")  # fmt: skip
    if plan.by_customer:
        yield "The history is too short for a stopping date of its own: a tenth of the customers stopped the fit."
    if trained.best_baseline is not None and _no_better(trained):
        yield f"It ranks no better than the feature {trained.best_baseline.name} alone on the test rows."


def _no_better(trained: TrainedHead) -> bool:
    best = trained.best_baseline
    ours, theirs = trained.test.auc, None if best is None else best.metrics.auc
    return ours is not None and theirs is not None and ours <= theirs


def _of_the_calibration(trained: TrainedHead) -> Iterator[str]:
    calibrator = trained.bundle.calibrator
    if calibrator.status == UNCALIBRATED:
        yield f"Its probabilities are not calibrated ({calibrator.reason}): read them as an order only."
    elif calibrator.status != SEASONAL:
        yield "Its calibration knows one date and no season: expect the level to be off where the season turns."
    if trained.excess is not None and trained.excess > _OFF:
        yield (f"On the test its probabilities are off by {trained.excess:.3f} more on average than chance explains, "
               f"above the {_OFF} that counts as calibrated.")  # fmt: skip


def _of_the_rows(trained: TrainedHead) -> Iterator[str]:
    for split, sample in trained.samples.items():
        if len(sample.labels) < sample.rows_total and split in (CALIBRATE, TEST):
            yield f"Of {sample.rows_total:,} rows of split '{split}', {len(sample.labels):,} were read, by customer."
    learned, there = trained.fit.rows, trained.counts[FIT].rows
    if learned < there:
        yield f"It learned from {learned:,} of {there:,} fitted rows: {trained.bundle.algorithm} runs on one machine."


def _of_groups(groups: Sequence[Group]) -> Iterator[str]:
    for one in groups:
        rate = one.metrics.base_rate or 0.0
        error = max((rate * (1 - rate) / one.metrics.n) ** 0.5, 1e-9)
        if abs(one.forecast - rate) > max(_SURE * error, _OFF):
            way = "too high" if one.forecast > rate else "too low"
            yield (f"For '{one.name}' it is {way}: forecast {one.forecast:.2f}, happened {rate:.2f} "
                   f"(n {one.metrics.n:,}).")  # fmt: skip


def _of_the_gate(trained: TrainedHead) -> Iterator[str]:
    gate = trained.bundle.gate
    if gate.startswith(UNGATED):
        yield f"No rule compared it with a rival before it was used ({gate})."
    if gate.startswith(RIVAL):
        yield f"It did not clearly beat a simple model, which was registered in its place ({gate})."
    if trained.bundle.guard == NOT_GUARDED:
        yield "The leakage guard was not asked."


def _of_the_values(values: Values | None) -> Iterator[str]:
    if values is None:
        yield "Nobody said what contacting a customer costs and brings: there is no threshold, only probabilities."
    elif values.assumed:
        yield ("The threshold rests on assumed costs and an assumed share of customers whom an offer keeps; only an "
               "experiment with a hold-out can replace them.")  # fmt: skip
