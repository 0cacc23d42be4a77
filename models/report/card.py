"""What a model is for and where it ends, in sentences that follow from its record (Mitchell et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from models.bundle import NOT_GUARDED, UNGATED, Bundle
from models.calibrate import SEASONAL, UNCALIBRATED
from models.heads import gate_of, head_named
from models.logistic import Floats
from models.promotion.rivals import RIVAL
from models.promotion.rule import shortfalls
from models.report.asked import Asked
from models.report.groups import Group
from models.report.tenths import Tenth
from models.splits import CALIBRATE, FIT, TEST, SplitPlan
from models.thresholds import Values
from models.train_amounts import TrainedAmounts
from models.trained import Evidenced, TrainedHead

_OFF = 0.03
_OFF_SHARE = 0.1
_NO_CAUSE = "not what would change it: nothing here is a cause."


def limits(trained: TrainedHead, *, plan: SplitPlan, groups: Sequence[Group], values: Values | None) -> list[str]:
    """Sentences on a model of probabilities, each true of this one, the general ones first."""
    return [
        f"It says how likely an outcome is for customers like these, {_NO_CAUSE}",
        *_of_the_dates(plan, moves="both the base rate and the ranking"),
        *_of_the_rank(trained),
        *_of_the_calibration(trained),
        *_of_the_rows(trained),
        *_of_the_confidence(trained),
        *_of_groups(one for one in groups if one.off_by_more_than(_OFF)),
        *_of_the_gate(trained.bundle),
        *_of_the_values(values),
    ]


def amount_limits(
    trained: TrainedAmounts, *, plan: SplitPlan, groups: Sequence[Group], tenths: Sequence[Tenth], asked: Asked
) -> list[str]:  # fmt: skip
    """Sentences on a model of amounts, each true of this one, the general ones first."""
    far = [one for one in groups if one.off_by_more_than(_OFF_SHARE * one.happened)]
    return [
        f"It says what customers like these come to on average, {_NO_CAUSE}",
        *_of_the_dates(plan, moves="both the sum and the order"),
        *_of_single_customers(trained, asked),
        *_of_the_rival(trained, digits=asked.digits),
        *_of_the_blend(trained.bundle),
        *_of_the_scale(trained.bundle),
        *_of_tenths(tenths),
        *_of_the_rows(trained),
        *_of_groups(far, unit=f" {asked.unit} a customer", digits=asked.digits),
        *_of_the_gate(trained.bundle),
    ]


def _of_the_dates(plan: SplitPlan, *, moves: str) -> Iterator[str]:
    yield (f"It was tested on one date, {plan.test}, and on customers of the label's population alone; another season "
           f"moves {moves}.")  # fmt: skip
    yield (f"The newest rows that it learned from are of {plan.fitted[-1]}, those that calibrated it of "
           f"{plan.calibration}; it knows nothing of what changed since.")  # fmt: skip
    if plan.by_customer:
        yield "The history is too short for a stopping date of its own: a tenth of the customers stopped the fit."


def _of_the_rank(trained: TrainedHead) -> Iterator[str]:
    best = trained.best_baseline
    ours, theirs = trained.test.auc, None if best is None else best.metrics.auc
    if best is not None and ours is not None and theirs is not None and ours <= theirs:
        yield f"It ranks no better than the feature {best.name} alone on the test rows."


def _of_the_calibration(trained: TrainedHead) -> Iterator[str]:
    calibrator = trained.bundle.calibrator
    if calibrator.status == UNCALIBRATED:
        yield f"Its probabilities are not calibrated ({calibrator.reason}): read them as an order only."
    elif calibrator.status != SEASONAL:
        yield "Its calibration knows one date and no season: expect the level to be off where the season turns."
    if trained.excess is not None and trained.excess > _OFF:
        yield (f"On the test its probabilities are off by {trained.excess:.3f} more on average than chance explains, "
               f"above the {_OFF} that counts as calibrated.")  # fmt: skip


def _of_single_customers(trained: TrainedAmounts, asked: Asked) -> Iterator[str]:
    digits, test, labels = asked.digits, trained.test, trained.samples[TEST].labels
    if test.mean and test.mae is not None:
        yield (f"A single customer's forecast is off by {test.mae:,.{digits}f} {asked.unit} on average, the mean "
               f"amount being {test.mean:,.{digits}f}: read sums of many customers, and the order.")  # fmt: skip
        yield (f"A hundredth of the customers are {100 * _top_hundredth(labels):.0f} % of the sum of the test: "
               "whether they come again decides every sum that they are in.")  # fmt: skip


def _top_hundredth(amounts: Floats) -> float:
    """Their share of the sum."""
    return float(np.sort(amounts)[-math.ceil(len(amounts) / 100) :].sum() / amounts.sum())


def _of_the_rival(trained: TrainedAmounts, *, digits: int) -> Iterator[str]:
    gain = trained.test_intervals.get("mae_gain")
    if gain is not None and gain.low <= 0:
        yield (f"Its error is not surely lower than that of {trained.rivals[-1].name}, a forecast without a model: "
               f"{gain.figure:+,.{digits}f} a customer, 95 %: {gain.low:+,.{digits}f} to "
               f"{gain.high:+,.{digits}f}.")  # fmt: skip
    for one in trained.rivals[:1]:
        ours, theirs = trained.test.spearman, one.metrics.spearman
        if ours is not None and theirs is not None and ours <= theirs:
            yield f"It orders customers no better than {one.name} on the test rows."


def _of_the_blend(bundle: Bundle) -> Iterator[str]:
    if bundle.weight < 1:
        yield (f"{100 * (1 - bundle.weight):.0f} % of its sum repeats the last year's ({bundle.last_year}), whatever "
               "else is known of a customer, such as a long silence.")  # fmt: skip


def _of_the_scale(bundle: Bundle) -> Iterator[str]:
    if bundle.calibrator.status == UNCALIBRATED:
        yield (f"Its amounts are not scaled ({bundle.calibrator.reason}): the square of an expected root is too low, "
               "read them as an order only.")  # fmt: skip
    elif bundle.calibrator.status != SEASONAL:
        yield "Its scale knows one date and no season: expect sums to be off where the season turns."


def _of_tenths(tenths: Sequence[Tenth]) -> Iterator[str]:
    """Those that are off whichever customers had been drawn: a factor moves all sums at once."""
    known = [(one.place, one.ratio) for one in tenths if one.ratio is not None]
    low = [str(place) for place, ratio in known if ratio.high < 1 - _OFF_SHARE]
    high = [str(place) for place, ratio in known if ratio.low > 1 + _OFF_SHARE]
    for way, places in (("less", low), ("more", high)):
        if places:
            which = f"tenth{'s' * (len(places) > 1)} {', '.join(places)}"
            yield (f"It expects {way} than came of {which} of its own ranking (1 is the highest): "
                   "take no sums of such customers alone.")  # fmt: skip


def _of_the_rows(trained: Evidenced) -> Iterator[str]:
    for split, sample in trained.samples.items():
        if len(sample.labels) < sample.rows_total and split in (CALIBRATE, TEST):
            yield f"Of {sample.rows_total:,} rows of split '{split}', {len(sample.labels):,} were read, by customer."
    learned, there = trained.fit.rows, trained.counts[FIT].rows
    if learned < there:
        yield f"It learned from {learned:,} of {there:,} fitted rows: {trained.bundle.algorithm} runs on one machine."


def _of_the_confidence(trained: TrainedHead) -> Iterator[str]:
    drawn, there = trained.bundle.resamples, trained.counts[FIT].rows
    if drawn:
        yield (f"The confidence of a risk level says how many of {len(drawn)} models of other draws of its customers "
               "agree with it, and not how likely the level is to be right.")  # fmt: skip
        if drawn[0].rows < there:
            yield (f"Those learned from {drawn[0].rows:,} of {there:,} fitted rows and differ more than others like it "
                   "would: its confidence is rather too low.")  # fmt: skip


def _of_groups(far: Sequence[Group] | Iterator[Group], *, unit: str = "", digits: int = 2) -> Iterator[str]:
    for one in far:
        way = "too high" if one.forecast > one.happened else "too low"
        yield (f"For '{one.name}' it is {way}: forecast {one.forecast:,.{digits}f}, happened "
               f"{one.happened:,.{digits}f}{unit} (n {one.metrics.n:,}).")  # fmt: skip


def _of_the_gate(bundle: Bundle) -> Iterator[str]:
    for one in shortfalls(bundle.metrics, gate_of(head_named(bundle.head))):
        yield f"It falls short of its task: {one}."
    if bundle.gate.startswith(UNGATED):
        yield f"No rule compared it with a rival before it was used ({bundle.gate})."
    if bundle.gate.startswith(RIVAL):
        yield f"It did not clearly beat a simple model, which was registered in its place ({bundle.gate})."
    if bundle.guard == NOT_GUARDED:
        yield "The leakage guard was not asked."


def _of_the_values(values: Values | None) -> Iterator[str]:
    if values is None:
        yield "Nobody said what contacting a customer costs and brings: there is no threshold, only probabilities."
    elif values.assumed:
        yield ("The threshold rests on assumed costs and an assumed share of customers whom an offer keeps; only an "
               "experiment with a hold-out can replace them.")  # fmt: skip
