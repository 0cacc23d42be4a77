"""A head from its training rows: fit, calibrate on a later period, test on one later still."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.algorithms.boosted import XGBoost
from models.algorithms.contract import Algorithm, Fit, FrameRows, Rows, SparkAlgorithm
from models.baselines import BaselineResult, compare_baselines
from models.bundle import NO_MEANINGS, NOT_GUARDED, Bundle
from models.calibrate import Calibrator, is_season_known
from models.calibration_backtest import Backtest, backtest, chosen, fitted_by
from models.confidence import Calibrate, resamples
from models.errors import CannotTrain
from models.evaluate import evaluate, expected_error
from models.guard.evidence import Evidence, Guard, Part
from models.guard.findings import LeakageFound, Verdict
from models.guard.guard import judge
from models.guard.rows import too_good
from models.heads import CHURN, Head
from models.inputs import Inputs
from models.intervals import ends, intervals
from models.logistic import Floats, sigmoid
from models.parameters import BACKTESTED, TrainingParameters
from models.promotion.recipes import described
from models.seasons import season_rates, season_shifts, shift_column, shifts_at
from models.splits import CALIBRATE, FIT, SPLITS, STOP, TEST, SplitPlan
from models.thresholds import Values, best_threshold, profit_at
from models.trained import TrainedHead
from models.training_rows import (
    KEY,
    SPLIT,
    Sample,
    SplitCount,
    count_splits,
    joined,
    labelled_rows,
)
from models.vocabulary import learn_words

log = logging.getLogger(__name__)

_STOPS, _OFFSET = "is_stopping_row", "season_offset"
NO_SHIFTS: Mapping[date, float] = MappingProxyType({})


def train_head(
    training_set: DataFrame,
    *,
    head: Head,
    features: Sequence[str],
    feature_fingerprint: str,
    training_fingerprint: str,
    plan: SplitPlan,
    parameters: TrainingParameters,
    seed: int,
    guard: Guard | None = None,
    values: Values | None = None,
    meanings: Mapping[str, str] = NO_MEANINGS,
) -> TrainedHead:
    """Fit and judge one head on a frame of `customer_id, as_of_date, split`, features and the label.

    Rows whose label or split is NULL are left out. Raises CannotTrain where a fit or stopping row is lacking,
    all fitted rows have one outcome, or a feature is no number. Missing calibration or test rows do not
    raise: the model is then "uncalibrated", its figures None with a reason. The text columns that
    `parameters.words` names are inputs after `features`. `guard` is asked before the fit, and once more about the
    test: LeakageFound where a finding blocks. `values` are what contacting a customer costs and brings, `meanings`
    fingerprints of definitions by feature, of which the bundle keeps those of its own.
    """
    inputs = inputs_of(training_set, head, features=features, parameters=parameters)
    algorithm = parameters.algorithm_of()
    samples = {split: read_split(inputs, split, parameters=parameters) for split in SPLITS}
    verdict = None if guard is None else passed(head, evidence_of(inputs, samples, guard))
    rates = known_rates(samples, inputs.features, plan)
    shifts = season_shifts(rates, fitted=plan.fitted)
    fit = fit_inputs(inputs, algorithm, parameters=parameters, seed=seed, shifts=shifts)
    made = unjudged(fit, inputs, head=head, algorithm=algorithm.name, plan=plan, verdict=verdict, meanings=meanings,
                    feature_fingerprint=feature_fingerprint, training_fingerprint=training_fingerprint)  # fmt: skip
    raw = replace(made, recipe=described(parameters, seed=seed))
    tried = _backtests(inputs, samples, algorithm, head=head, parameters=parameters, seed=seed)
    known = is_season_known(rates, plan.calibration, plan.test)
    method = chosen(tried, is_season_known=known) if parameters.calibration == BACKTESTED else parameters.calibration
    calibrate, then = _calibration(method, rates, plan), samples[CALIBRATE]
    calibrator = calibrate(raw.margins(then.matrix), then.labels)
    if head == CHURN and isinstance(algorithm, XGBoost) and parameters.confidence_boosters:
        raw = _with_resamples(replace(raw, calibrator=calibrator), samples, fit=fit, algorithm=algorithm,
                              calibrate=calibrate, shifts=shifts, parameters=parameters, seed=seed)  # fmt: skip
    judged = _judged(raw, calibrator, fit=fit, counts=inputs.counts, samples=samples, plan=plan)
    trained = replace(_valued(judged, samples, values, plan), backtests=tried, verdict=verdict, samples=samples)
    if guard is not None and (found := too_good(evidence_of(inputs, samples, guard), trained.test.auc)):
        raise LeakageFound.findings(head.name, found)
    return trained


def unjudged(
    fit: Fit, inputs: Inputs, *, head: Head, algorithm: str, plan: SplitPlan, verdict: Verdict | None,
    meanings: Mapping[str, str], feature_fingerprint: str, training_fingerprint: str,
) -> Bundle:  # fmt: skip
    """The bundle of a fit, before anything is calibrated or tested."""
    return Bundle(
        head=head.name, label=head.label, horizon_days=head.horizon_days, features=inputs.features,
        feature_fingerprint=feature_fingerprint, training_fingerprint=training_fingerprint, model=fit.model.save(),
        algorithm=algorithm, words=inputs.words, calibrator=Calibrator(), dates=plan.describe(), metrics={},
        guard=verdict.status if verdict else NOT_GUARDED,
        meanings={name: meanings[name] for name in inputs.features if name in meanings},
    )  # fmt: skip


def inputs_of(
    training_set: DataFrame, head: Head, *, features: Sequence[str], parameters: TrainingParameters
) -> Inputs:
    """The labelled rows of a training set as a model reads them; CannotTrain where they allow no fit."""
    rows = labelled_rows(training_set, label=head.label)
    counts = count_splits(rows, label=head.label)
    _require_both_classes(head, counts)
    words = learn_words(rows.where(F.col(SPLIT) == FIT), parameters.words, at_most=parameters.max_words)
    return Inputs(rows, head.label, (*features, *parameters.words), words, counts)


def evidence_of(inputs: Inputs, samples: Mapping[str, Sample], guard: Guard) -> Evidence:
    """What the leakage guard looks at."""
    parts = {split: Part(one.matrix, one.labels, one.customers, one.days) for split, one in samples.items()}
    found = {split: part for split, part in parts.items() if len(part.labels)}
    return Evidence(inputs.features, found, guard.settings, guard.rebuilt, guard.families)


def passed(head: Head, evidence: Evidence) -> Verdict:
    """The verdict on a training set, if nothing in it blocks; LeakageFound otherwise."""
    verdict = judge(evidence)
    for one in verdict.findings:
        log.warning("head '%s': %s", head.name, one)
    if verdict.blocking:
        raise LeakageFound.findings(head.name, verdict.blocking)
    return verdict


def _valued(
    trained: TrainedHead, samples: Mapping[str, Sample], values: Values | None, plan: SplitPlan
) -> TrainedHead:  # fmt: skip
    """With intervals of the test, and the threshold that calibration rows chose judged on the test."""
    then, test = samples[CALIBRATE], samples[TEST]
    tested = trained.bundle.at(plan.test).predict(test.matrix)
    found = intervals(test.labels, tested, test.customers)
    metrics = {**trained.bundle.metrics, **ends(found)}
    trained = replace(trained, bundle=replace(trained.bundle, metrics=metrics), test_intervals=found)
    if values is None:
        return trained
    threshold = best_threshold(then.labels, trained.bundle.at(plan.calibration).predict(then.matrix), values)
    return replace(trained, threshold=threshold, test_profit=profit_at(test.labels, tested, threshold, values))


def _backtests(
    inputs: Inputs, samples: Mapping[str, Sample], algorithm: Algorithm, *, head: Head,
    parameters: TrainingParameters, seed: int,
) -> list[Backtest]:  # fmt: skip
    """The calibrations at as-ofs before the test, where the settings ask for that."""
    if parameters.calibration != BACKTESTED:
        return []
    rows = before_the_test(samples)
    return backtest(rows, features=inputs.features, algorithm=algorithm, horizon_days=head.horizon_days,
                    at_most=parameters.calibration_backtests, trial_rows=parameters.trial_rows,
                    seed=seed, categorical=inputs.categorical)  # fmt: skip


def _calibration(method: str, rates: Mapping[str, float], plan: SplitPlan) -> Calibrate:
    """Margins and labels of calibration rows to the calibrator of `method`.

    Its season is that of the day on which the test's labels end, the next to score.
    """

    def calibrate(margins: Floats, labels: Floats) -> Calibrator:
        found = fitted_by(method, margins, labels, rates=rates, fitted=plan.fitted, calibrating=plan.calibration,
                          home=plan.test)  # fmt: skip
        return found.at(plan.test + timedelta(days=plan.horizon_days))

    return calibrate


def _with_resamples(
    bundle: Bundle, samples: Mapping[str, Sample], *, fit: Fit, algorithm: XGBoost, calibrate: Calibrate,
    shifts: Mapping[date, float], parameters: TrainingParameters, seed: int,
) -> Bundle:  # fmt: skip
    """With what other draws of the customers give: risk levels are reported with a confidence."""
    found = resamples(samples[FIT], samples[CALIBRATE], bundle=bundle, algorithm=algorithm, calibrate=calibrate,
                      trees=(fit.best_iteration or 0) + 1, draws=parameters.confidence_boosters,
                      at_most=parameters.confidence_rows, seed=seed,
                      offsets=_offsets(samples[FIT], shifts))  # fmt: skip
    return replace(bundle, resamples=found)


def _judged(
    raw: Bundle, calibrator: Calibrator, *, fit: Fit, counts: Mapping[str, SplitCount],
    samples: Mapping[str, Sample], plan: SplitPlan,
) -> TrainedHead:  # fmt: skip
    calibrate, test = samples[CALIBRATE], samples[TEST]
    bundle = replace(raw, calibrator=calibrator)
    probabilities = bundle.at(plan.test).predict(test.matrix)
    tested = evaluate(test.labels, probabilities)
    baselines = _baselines(samples[FIT], test, features=bundle.features)
    return TrainedHead(
        bundle=replace(bundle, metrics=tested.figures(), baselines=_summaries(baselines)),
        fit=fit,
        counts=counts,
        test=tested,
        test_raw=evaluate(test.labels, sigmoid(raw.margins(test.matrix))),
        calibration=evaluate(calibrate.labels, bundle.at(plan.calibration).predict(calibrate.matrix)),
        baselines=baselines,
        excess=None if tested.ece10 is None else tested.ece10 - expected_error(probabilities),
    )


def fit_inputs(
    inputs: Inputs, algorithm: Algorithm, *, parameters: TrainingParameters, seed: int,
    shifts: Mapping[date, float] = NO_SHIFTS,
) -> Fit:  # fmt: skip
    """Fit on all rows where the algorithm runs in Spark, else a sample by a draw that the seed decides.

    `shifts` are what the season of an as-of does to the log-odds of its rows.
    """
    sample = partial(_rows_in_memory, inputs, algorithm, parameters=parameters, seed=seed, shifts=shifts)
    if isinstance(algorithm, SparkAlgorithm):
        learned = inputs.rows.where(F.col(SPLIT).isin(FIT, STOP)).withColumn(_STOPS, F.col(SPLIT) == STOP)
        count, offset = inputs.counts[FIT], None
        if shifts:
            learned, offset = learned.withColumn(_OFFSET, shift_column(shifts)), _OFFSET
        rows = FrameRows(learned, inputs.features, inputs.words, inputs.label, stopping=_STOPS, key=KEY,
                         learned=count.rows, sample=sample, offset=offset,
                         mean=count.positives / count.rows if shifts else None)  # fmt: skip
        return algorithm.fit_frame(rows, seed=seed)
    return algorithm.fit(sample(), seed=seed)


def _rows_in_memory(
    inputs: Inputs, algorithm: Algorithm, *, parameters: TrainingParameters, seed: int, shifts: Mapping[date, float]
) -> Rows:  # fmt: skip
    most = algorithm.sample_rows or parameters.max_baseline_rows
    fitted, stopping = (
        inputs.sample(split, at_most=most, by=parameters.sample_by, purpose=f"fit {split} seed {seed}")
        for split in (FIT, STOP)
    )
    log.info("%s reads %d of %d rows, drawn by %s", algorithm.name, len(fitted.labels), fitted.rows_total,
             parameters.sample_by)  # fmt: skip
    return Rows(fitted.matrix, fitted.labels, stopping.matrix, stopping.labels, inputs.features, inputs.categorical,
                offsets=_offsets(fitted, shifts), stop_offsets=_offsets(stopping, shifts))  # fmt: skip


def _offsets(rows: Sample, shifts: Mapping[date, float]) -> Floats | None:
    return shifts_at(rows.days, shifts) if shifts else None


def before_the_test(samples: Mapping[str, Sample]) -> Sample:
    """The rows whose outcomes may decide how a model is made."""
    return joined([samples[split] for split in (FIT, STOP, CALIBRATE)])


def known_rates(samples: Mapping[str, Sample], features: Sequence[str], plan: SplitPlan) -> dict[str, float]:
    """The season's rates that a fit and its calibration may know."""
    return season_rates(before_the_test(samples), features, until=plan.calibration)


def read_split(inputs: Inputs, split: str, *, parameters: TrainingParameters) -> Sample:
    """The rows of a split that the driver may read, by the settings."""
    at_most = parameters.max_baseline_rows if split in (FIT, STOP) else parameters.max_evaluation_rows
    return inputs.sample(split, at_most=at_most)


def _baselines(fit: Sample, test: Sample, *, features: Sequence[str]) -> list[BaselineResult]:
    return compare_baselines(fit.matrix, fit.labels, test=test.matrix, test_labels=test.labels, features=features)


def _summaries(baselines: Sequence[BaselineResult]) -> tuple[dict[str, str | float], ...]:
    return tuple({"name": one.name, **one.metrics.figures()} for one in baselines)


def _require_both_classes(head: Head, counts: Mapping[str, SplitCount]) -> None:
    for split in (FIT, STOP):
        if split not in counts:
            found = {name: count.rows for name, count in counts.items()}
            raise CannotTrain.no_rows(head.name, split=split, label=head.label, found=found)
    fitted = counts[FIT]
    every = () if head.is_amount else (fitted.rows,)
    if fitted.positives in (0, *every):
        raise CannotTrain.one_class(head.name, label=head.label, rows=fitted.rows, value=int(fitted.positives > 0))
