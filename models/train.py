"""A head from its training rows: fit, calibrate on a later period, test on one later still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.baselines import BaselineResult, compare_baselines
from models.bundle import Bundle
from models.calibrate import Calibrator, fit_platt
from models.errors import CannotTrain
from models.evaluate import Metrics, evaluate
from models.heads import Head
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.splits import CALIBRATE, FIT, STOP, TEST, SplitPlan
from models.training_rows import KEY, SPLIT, Sample, SplitCount, count_splits, labelled_rows, read_sample
from models.xgboost_spark import DistributedFit, fit_distributed

_STOPS = "is_stopping_row"


@dataclass(frozen=True)
class TrainedHead:
    """A model that was fitted, calibrated and tested, and the evidence.

    `test` are the figures of the calibrated probabilities, `test_raw` those before calibration, `calibration`
    those on the rows that the calibrator was fitted on; `baselines` are judged on exactly the test rows.
    """

    bundle: Bundle
    fit: DistributedFit
    counts: Mapping[str, SplitCount]
    test: Metrics
    test_raw: Metrics
    calibration: Metrics
    baselines: Sequence[BaselineResult]

    @property
    def best_baseline(self) -> BaselineResult | None:
        """The best single feature, or None where no feature has two values."""
        return self.baselines[0] if self.baselines else None

    def logged_metrics(self) -> dict[str, float]:
        """All figures flat, `test_auc` and so on: what a run logs."""
        found = {"best_iteration": float(self.fit.best_iteration), "workers": float(self.fit.workers)}
        groups = {"test": self.test, "test_raw": self.test_raw, "calibrate": self.calibration}
        if self.best_baseline is not None:
            groups["baseline"] = self.best_baseline.metrics
        for group, metrics in groups.items():
            found.update({f"{group}_{name}": value for name, value in metrics.figures().items()})
        for split, count in self.counts.items():
            found[f"rows_{split}"], found[f"positives_{split}"] = float(count.rows), float(count.positives)
        return found

    def documents(self) -> dict[str, Any]:
        """Tables that are kept beside the model, by file name, as plain values."""
        return {
            "features.json": list(self.bundle.features),
            "baselines.json": [result.to_dict() for result in self.baselines],
        }


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
) -> TrainedHead:
    """Fit and judge one head on a frame of `customer_id, as_of_date, split`, features and the label.

    Rows whose label or split is NULL are left out. Raises CannotTrain where a fit or stopping row is lacking,
    all fitted rows have one outcome, or a feature is no number. Missing calibration or test rows do not
    raise: the model is then "uncalibrated", its figures None with a reason.
    """
    rows = labelled_rows(training_set, label=head.label)
    counts = count_splits(rows, label=head.label)
    _require_both_classes(head, counts)
    fit = _fit(rows, head=head, features=features, parameters=parameters, seed=seed)
    samples = {
        split: _read(rows, split=split, head=head, features=features, counts=counts, parameters=parameters)
        for split in (FIT, CALIBRATE, TEST)
    }
    raw = Bundle(
        head=head.name,
        label=head.label,
        horizon_days=head.horizon_days,
        features=tuple(features),
        feature_fingerprint=feature_fingerprint,
        training_fingerprint=training_fingerprint,
        booster=fit.booster,
        calibrator=Calibrator(),
        dates=plan.describe(),
        metrics={},
    )
    return _judged(raw, fit=fit, counts=counts, samples=samples)


def _judged(
    raw: Bundle, *, fit: DistributedFit, counts: Mapping[str, SplitCount], samples: Mapping[str, Sample]
) -> TrainedHead:
    calibrate, test = samples[CALIBRATE], samples[TEST]
    calibrator = fit_platt(raw.margins(calibrate.matrix), calibrate.labels)
    bundle = replace(raw, calibrator=calibrator)
    tested = evaluate(test.labels, bundle.predict(test.matrix))
    baselines = _baselines(samples[FIT], test, features=bundle.features)
    return TrainedHead(
        bundle=replace(bundle, metrics=tested.figures(), baselines=_summaries(baselines)),
        fit=fit,
        counts=counts,
        test=tested,
        test_raw=evaluate(test.labels, sigmoid(raw.margins(test.matrix))),
        calibration=evaluate(calibrate.labels, bundle.predict(calibrate.matrix)),
        baselines=baselines,
    )


def _fit(
    rows: DataFrame, *, head: Head, features: Sequence[str], parameters: TrainingParameters, seed: int
) -> DistributedFit:
    learned = rows.where(F.col(SPLIT).isin(FIT, STOP)).withColumn(_STOPS, F.col(SPLIT) == STOP)
    return fit_distributed(
        learned,
        features=features,
        label=head.label,
        stopping=_STOPS,
        key=KEY,
        parameters=parameters,
        seed=seed,
    )


def _read(
    rows: DataFrame,
    *,
    split: str,
    head: Head,
    features: Sequence[str],
    counts: Mapping[str, SplitCount],
    parameters: TrainingParameters,
) -> Sample:
    at_most = parameters.max_baseline_rows if split == FIT else parameters.max_evaluation_rows
    total = counts.get(split, SplitCount()).rows
    return read_sample(rows, split=split, features=features, label=head.label, total=total, at_most=at_most)


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
    if fitted.positives in (0, fitted.rows):
        raise CannotTrain.one_class(head.name, label=head.label, rows=fitted.rows, value=int(fitted.positives > 0))
