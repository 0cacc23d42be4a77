"""A head of amounts from its training rows: fit roots, blend them with last year's amount, scale the sum, test later.

The root is learned because a few customers are most of a sum: on Online Retail II trees on roots, scaled, have a lower
error and a better order than Tweedie trees, two-part models and logarithms; a blend with last year's has a lower
error than either part (docs/adr/0017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.algorithms import XGBOOST
from models.algorithms.boosted import XGBoost
from models.algorithms.contract import Fit
from models.algorithms.objectives import NUMBER
from models.amounts import AmountMetrics, Rival, amount_intervals, evaluate_amounts, rivals
from models.bundle import NO_MEANINGS, Bundle
from models.calibrate import is_season_known
from models.errors import BadTrainingSetting
from models.evaluate import area_under_roc
from models.guard.evidence import Evidence, Guard
from models.guard.findings import LeakageFound, Verdict
from models.guard.rows import too_good
from models.heads import Head
from models.inputs import Inputs
from models.intervals import Interval, ends
from models.parameters import BACKTESTED, TrainingParameters
from models.scale import Scale
from models.scale_backtest import ScaleBacktest, backtest_scales, by_day, chosen_scale, chosen_weight, scale_by
from models.splits import CALIBRATE, FIT, SPLITS, TEST, SplitPlan
from models.tasks import AMOUNT
from models.train import (
    before_the_test,
    evidence_of,
    fit_inputs,
    inputs_of,
    known_rates,
    passed,
    read_split,
    unjudged,
)
from models.trained import flat, tables
from models.training_rows import Sample, SplitCount, joined


@dataclass(frozen=True)
class TrainedAmounts:
    """A model of amounts that was fitted, scaled and tested, and the evidence.

    `test` are the figures of the scaled forecasts, `test_raw` those of the squared ones; `rivals` are judged on
    exactly the test rows; `test_intervals` resample the test's customers, `mae_gain` (what the model has over the
    rival of the same sum) among them; `backtests` are those of blends and scales; `verdict` is the leakage guard's.
    `samples` are the rows of each split that the driver read.
    """

    bundle: Bundle
    fit: Fit
    counts: Mapping[str, SplitCount]
    test: AmountMetrics
    test_raw: AmountMetrics
    rivals: Sequence[Rival]
    backtests: Sequence[ScaleBacktest] = ()
    test_intervals: Mapping[str, Interval] = field(default_factory=dict)
    verdict: Verdict | None = None
    samples: Mapping[str, Sample] = field(default_factory=dict, repr=False)

    def logged_metrics(self) -> dict[str, float]:
        """All figures flat, `test_mae` and so on: what a run logs."""
        return {**flat(self, {"test": self.test, "test_raw": self.test_raw}), "weight": self.bundle.weight}

    def documents(self) -> dict[str, Any]:
        """Tables that are kept beside the model, by file name, as plain values."""
        return {**tables(self), "baselines.json": [one.to_dict() for one in self.rivals]}


def train_amounts(
    training_set: DataFrame, *, head: Head, features: Sequence[str], feature_fingerprint: str,
    training_fingerprint: str, plan: SplitPlan, parameters: TrainingParameters, seed: int, guard: Guard | None = None,
    meanings: Mapping[str, str] = NO_MEANINGS,
) -> TrainedAmounts:  # fmt: skip
    """Fit and judge one head of amounts, as `train_head` does one of probabilities.

    The guard asks its questions about whether there was an amount at all. Raises CannotTrain where no fitted row has
    one, and BadTrainingSetting for another algorithm than XGBoost.
    """
    if parameters.algorithm != XGBOOST:
        raise BadTrainingSetting.value("algorithm", parameters.algorithm, expected=f"{XGBOOST}, to learn amounts")
    inputs = inputs_of(training_set, head, features=features, parameters=parameters)
    algorithm = XGBoost(parameters.boosting(), NUMBER)
    samples = {split: read_split(inputs, split, parameters=parameters) for split in SPLITS}
    verdict = None if guard is None else passed(head, _evidence(inputs, samples, guard))
    fit = fit_inputs(_of_roots(inputs), algorithm, parameters=parameters, seed=seed)
    made = unjudged(fit, inputs, head=head, algorithm=algorithm.name, plan=plan, verdict=verdict, meanings=meanings,
                    feature_fingerprint=feature_fingerprint, training_fingerprint=training_fingerprint)  # fmt: skip
    raw = replace(made, calibrator=Scale(), kind=AMOUNT, last_year=head.last_year)
    tried = _backtests(inputs, samples, algorithm, head=head, parameters=parameters, seed=seed)
    weight = chosen_weight(tried)
    rates = known_rates(samples, raw.features, plan)
    method = chosen_scale([one for one in tried if one.weight == weight],
                          asked="" if parameters.calibration == BACKTESTED else parameters.calibration,
                          is_season_known=is_season_known(rates, plan.calibration, plan.test))  # fmt: skip
    scaled = replace(raw, calibrator=_scale(raw, method, weight, rates, samples, plan))
    trained = _judged(scaled, raw, fit=fit, inputs=inputs, test=samples[TEST], plan=plan)
    if guard is not None and (found := too_good(_evidence(inputs, samples, guard), _auc(scaled, samples[TEST], plan))):
        raise LeakageFound.findings(head.name, found)
    return replace(trained, backtests=tried, verdict=verdict, samples=samples)


def _of_roots(inputs: Inputs) -> Inputs:
    """The same rows, the label its square root."""
    return replace(inputs, rows=inputs.rows.withColumn(inputs.label, F.sqrt(F.greatest(inputs.label, F.lit(0.0)))))


def _evidence(inputs: Inputs, samples: Mapping[str, Sample], guard: Guard) -> Evidence:
    any_amount = {split: replace(one, labels=(one.labels > 0).astype(np.float64)) for split, one in samples.items()}
    return replace(evidence_of(inputs, any_amount, guard), is_classification=False)


def _auc(bundle: Bundle, test: Sample, plan: SplitPlan) -> float | None:
    """How well forecasts tell who has any amount."""
    return area_under_roc((test.labels > 0).astype(np.float64), bundle.at(plan.test).predict(test.matrix))


def _backtests(
    inputs: Inputs, samples: Mapping[str, Sample], algorithm: XGBoost, *, head: Head, parameters: TrainingParameters,
    seed: int,
) -> list[ScaleBacktest]:  # fmt: skip
    if parameters.calibration != BACKTESTED:
        return []
    return backtest_scales(
        before_the_test(samples), features=inputs.features, before=head.last_year,
        algorithm=algorithm, horizon_days=head.horizon_days, at_most=parameters.calibration_backtests,
        trial_rows=parameters.trial_rows, seed=seed, categorical=inputs.categorical,
    )  # fmt: skip


def _scale(
    raw: Bundle, method: str, weight: float, rates: Mapping[str, float], samples: Mapping[str, Sample], plan: SplitPlan
) -> Scale:  # fmt: skip
    """The scale of `method`; its season is that of the day on which the test's labels end, the next to score."""
    fitted, then = samples[FIT], samples[CALIBRATE]
    rows = joined([fitted, then])
    found = scale_by(
        method, by_day(rows, raw.margins(rows.matrix)), by_day(rows, rows.labels),
        calibrating=plan.calibration, fitted=plan.fitted, rates=rates, home=plan.test,
    )  # fmt: skip
    blend = found.blended(weight, margins=raw.margins(then.matrix), spent=raw.last_year_of(then.matrix))
    return blend.at(plan.test + timedelta(days=plan.horizon_days))


def _judged(
    scaled: Bundle, raw: Bundle, *, fit: Fit, inputs: Inputs, test: Sample, plan: SplitPlan
) -> TrainedAmounts:  # fmt: skip
    forecast = scaled.at(plan.test).predict(test.matrix)
    tested, others = (
        evaluate_amounts(test.labels, forecast),
        rivals(test, forecast, features=inputs.features, before=scaled.last_year),
    )
    spread = amount_intervals(test.labels, forecast, test.customers, rival=others[-1].forecast if others else None)
    bundle = replace(
        scaled, metrics={**tested.figures(), **ends(spread)}, baselines=tuple(one.summary() for one in others)
    )
    return TrainedAmounts(bundle, fit, inputs.counts, tested, evaluate_amounts(test.labels, raw.predict(test.matrix)),
                          others, test_intervals=spread)  # fmt: skip
