"""A distributed fit on synthetic rows whose truth is known: two workers, tiny data, reuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.algorithms.parameters import AlgorithmSettings
from models.algorithms.xgboost_spark import ADAPTIVE, fit_distributed
from models.batch_scorer import batch_scorer
from models.calibration_backtest import rows_at
from models.errors import CannotTrain
from models.fingerprints import training_fingerprint
from models.guard.evidence import Guard, Rebuilt
from models.guard.findings import LeakageFound
from models.guard.settings import GuardSettings
from models.heads import CHURN, HEADS
from models.logistic import sigmoid
from models.matrix import feature_matrix
from models.parameters import TrainingParameters
from models.promotion.rivals import Admission
from models.registration import enter
from models.registry import Registry
from models.splits import CALIBRATE, FIT, STOP, TEST, plan_splits
from models.thresholds import Values
from models.train import fit_inputs, inputs_of, train_head
from models.train_amounts import train_amounts
from models.trained import TrainedHead
from models.training_rows import as_float32, count_splits, labelled_rows, read_sample, split_column

PLAN = plan_splits(date(2011, 12, 9), horizon_days=60, source_start=date(2010, 7, 1))
SHORT_PLAN = plan_splits(date(2011, 12, 9), horizon_days=60, source_start=date(2010, 12, 1))
FEATURES = ("recency_days", "money", "label", "is_new", "noise")
VALUES = Values(saved=100, save_rate=0.1, contact=1, offer=5, redeemed_anyway=0.2, assumed=True)
PARAMETERS = TrainingParameters(trees=60, learning_rate=0.2, early_stopping_rounds=10)


@pytest.fixture(scope="module")
def training_set(spark) -> DataFrame:
    """700 customers at each date; lapse follows recency and money; "label" is a feature all the same."""
    return _training_set(spark, customers=700).cache()


def _training_set(spark, *, customers: int, plan=PLAN) -> DataFrame:
    rng = np.random.default_rng(3)
    days = np.repeat(np.array(plan.as_ofs), customers)
    n = len(days)
    recency, money = rng.exponential(60.0, n), rng.lognormal(3.0, 1.0, n).round(2)
    truth = sigmoid(recency / 40 - 1.5 - 0.8 * np.log(money / 20))
    frame = pd.DataFrame(
        {
            "customer_id": np.tile([f"c{at}" for at in range(customers)], len(plan.as_ofs)),
            "as_of_date": days,
            "recency_days": np.where(rng.random(n) < 0.05, np.nan, recency),
            "money": money,
            "label": rng.integers(0, 9, n),
            "is_new": rng.random(n) < 0.2,
            "noise": rng.normal(size=n),
            "churn_60d": (rng.random(n) < truth).astype(int),
        }
    )
    rows = spark.createDataFrame(frame).withColumn("money", F.col("money").cast("decimal(18,2)"))
    return rows.withColumn("split", split_column(plan))


def _train(
    rows: DataFrame,
    *,
    parameters: TrainingParameters = PARAMETERS,
    plan=PLAN,
    seed: int = 42,
    guard: Guard | None = None,
    values: Values | None = None,
) -> TrainedHead:
    return train_head(
        rows,
        head=CHURN,
        features=FEATURES,
        feature_fingerprint="features-1",
        training_fingerprint="training-1",
        plan=plan,
        parameters=parameters,
        seed=seed,
        guard=guard,
        values=values,
    )


@pytest.fixture(scope="module")
def trained(training_set: DataFrame) -> TrainedHead:
    return _train(training_set)


def test_it_beats_the_best_single_feature_on_the_same_rows(trained: TrainedHead) -> None:
    best = trained.best_baseline
    assert best is not None and best.name == "recency_days"
    assert trained.test.n == best.metrics.n == 700
    assert trained.test.auc > best.metrics.auc > 0.7
    assert trained.test.log_loss < best.metrics.log_loss
    assert trained.bundle.baselines[0]["name"] == "recency_days"
    assert trained.bundle.metrics["auc"] == trained.test.auc


def test_amounts_are_learned_by_all_workers_and_scaled_to_a_later_sum(training_set: DataFrame) -> None:
    spent = F.when(F.col("churn_60d") == 0, F.col("money").cast("double") * 2).otherwise(F.lit(0.0))
    found = train_amounts(
        training_set.withColumn("spend_90d", spent), head=HEADS["spend"], features=FEATURES,
        feature_fingerprint="features-1", training_fingerprint="training-1", plan=PLAN, parameters=PARAMETERS, seed=42,
    )  # fmt: skip
    assert found.fit.workers == 2 and set(found.fit.history) == {"fit", "stop"}
    assert found.fit.history["stop"][-1] < found.fit.history["stop"][0]
    assert found.bundle.calibration_status == "scaled" and 0.85 < found.test.sum_ratio < 1.15
    assert found.test.spearman > 0.4 and found.counts[TEST].rows == 700 > found.counts[TEST].positives > 0
    assert {split: len(one.labels) for split, one in found.samples.items()} == {
        split: count.rows for split, count in found.counts.items()
    }  # fmt: skip


def test_it_is_calibrated_on_a_later_period(trained: TrainedHead) -> None:
    assert trained.bundle.calibration_status == "unseasonal"
    assert trained.bundle.calibrator.rows == 700
    assert trained.test_raw.auc == pytest.approx(trained.test.auc, abs=1e-9)
    assert trained.test.ece10 < 0.08


def test_it_stops_early_and_keeps_only_the_best_iterations(trained: TrainedHead) -> None:
    stop = trained.fit.history["stop"]
    assert trained.fit.workers == 2
    assert trained.fit.best_iteration == int(np.argmin(stop))
    assert len(stop) == trained.fit.best_iteration + 1 + PARAMETERS.early_stopping_rounds
    assert trained.counts[STOP].rows == 700 and trained.counts[FIT].rows == 700 * len(PLAN.fitted)


def test_rows_to_stop_by_that_a_hash_of_the_key_draws_reach_every_worker(spark) -> None:
    """The worker of a row follows from a hash of its key, too: an even hash must not mean the first of two workers."""
    before, numbers = spark.conf.get(ADAPTIVE), spark.range(2_000).withColumn("x", F.rand(1).cast("float"))
    rows = numbers.withColumns({
        "bought": (F.col("x") > 0.5).cast("double"), "is_stop": F.pmod(F.xxhash64("id"), F.lit(10)) == 1,
    })  # fmt: skip
    fit = fit_distributed(rows, features=["x"], label="bought", stopping="is_stop", key=["id"], seed=1,
                          parameters=TrainingParameters(trees=2).boosting())  # fmt: skip
    assert fit.workers == 2
    assert spark.conf.get(ADAPTIVE) == before


def test_the_season_of_a_date_is_told_to_the_trees_and_not_learned(training_set: DataFrame) -> None:
    """All customers of every second date had the outcome thrice as often; the number of the date tells which."""
    place = F.datediff("as_of_date", F.lit(PLAN.fitted[0])) / 28
    moved = F.when(place % 2 >= 1, (F.rand(5) < 0.7).cast("int")).otherwise(F.lit(0))
    rows = training_set.withColumn("churn_60d", F.greatest("churn_60d", moved)).withColumn("noise", place.cast("float"))
    found = _train(rows, parameters=replace(PARAMETERS, num_workers=2))
    inputs = inputs_of(rows, CHURN, features=FEATURES, parameters=PARAMETERS)
    blind = fit_inputs(inputs, PARAMETERS.algorithm_of(), parameters=PARAMETERS, seed=42)
    assert found.fit.workers == blind.workers == 2
    dates = np.array([[30.0, 20.0, 4.0, 0.0, at] for at in range(len(PLAN.fitted))], dtype=np.float32)
    told, learned = found.bundle.margins(dates), blind.model.margins(dates)
    assert np.ptp(told) < 0.5 < 1.0 < np.ptp(learned)
    known = inputs.sample(FIT, at_most=100_000)
    given = rows_at(known, np.arange(len(known.labels)), np.arange(10), features=FEATURES, categorical=())
    forecasts = sigmoid(found.bundle.margins(known.matrix) + given.offsets)
    assert forecasts.mean() == pytest.approx(known.labels.mean(), abs=0.02), "offsets and margins add up to log-odds"


def test_a_second_fit_of_other_partitions_agrees(training_set: DataFrame, trained: TrainedHead) -> None:
    again = _train(training_set.repartition(5, "noise"))
    assert again.test.auc == pytest.approx(trained.test.auc, abs=0.002)
    assert again.test.log_loss == pytest.approx(trained.test.log_loss, abs=0.001)


@pytest.mark.parametrize("customers", [2, 12])
def test_rows_too_few_for_every_worker_still_train(spark, customers: int) -> None:
    found = _train(_training_set(spark, customers=customers), parameters=replace(PARAMETERS, trees=3))
    assert found.fit.workers in (1, 2)
    assert found.test.n == customers


def test_a_short_history_stops_on_customers_of_their_own(spark) -> None:
    rows = _training_set(spark, customers=150, plan=SHORT_PLAN)
    assert SHORT_PLAN.by_customer
    expected = {
        (str(row.as_of_date), row.customer_id): SHORT_PLAN.split_of(row.as_of_date, row.customer_id)
        for row in rows.select("as_of_date", "customer_id").toLocalIterator()
    }
    found = {(str(row.as_of_date), row.customer_id): row.split for row in rows.toLocalIterator()}
    assert found == expected
    trained = _train(rows, plan=SHORT_PLAN, parameters=replace(PARAMETERS, trees=5))
    assert 0 < trained.counts[STOP].rows < trained.counts[FIT].rows
    assert trained.bundle.dates[STOP] == "a tenth of the customers"


def test_labels_that_are_null_and_dates_outside_the_plan_are_left_out(training_set: DataFrame) -> None:
    outside = training_set.withColumn("split", F.when(F.col("split") != CALIBRATE, F.col("split")))
    hidden = outside.withColumn("churn_60d", F.when(F.col("noise") > 0, F.col("churn_60d")))
    counts = count_splits(labelled_rows(hidden, label="churn_60d"), label="churn_60d")
    assert set(counts) == {FIT, STOP, TEST} and counts[TEST].rows < 700


def test_periods_without_rows_leave_figures_with_reasons(training_set: DataFrame) -> None:
    rows = training_set.where(F.col("split").isin(FIT, STOP))
    found = _train(rows, parameters=replace(PARAMETERS, trees=3))
    assert found.bundle.calibration_status == "uncalibrated"
    assert found.test.reason == "no rows" and found.bundle.metrics == {"n": 0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.where(F.col("split") != STOP), r"no row .* in the split 'stop'"),
        (lambda rows: rows.where(F.col("churn_60d") == 1), "all .* fitted rows have churn_60d = 1"),
        (lambda rows: rows.withColumn("noise", F.lit("text")), r"'noise' \(string\)"),
    ],
    ids=["no stopping rows", "one class", "text"],
)
def test_rows_that_allow_no_fit_say_so(
    training_set: DataFrame, change: Callable[[DataFrame], DataFrame], message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        _train(change(training_set))


def test_a_sample_is_cut_by_customer_and_is_the_same_again(training_set: DataFrame) -> None:
    rows = labelled_rows(training_set, label="churn_60d")
    wanted = {"split": TEST, "features": FEATURES, "label": "churn_60d", "total": 700, "at_most": 100}
    one, other = read_sample(rows, **wanted), read_sample(rows.repartition(7), **wanted)
    assert 60 < len(one.labels) <= 100 and one.rows_total == 700
    np.testing.assert_array_equal(one.matrix, other.matrix)


def test_spark_and_arrow_give_a_model_the_same_numbers(training_set: DataFrame) -> None:
    rows = training_set.orderBy("as_of_date", "customer_id").limit(500)
    named = [one.alias(name) for one, name in zip(as_float32(rows.schema, FEATURES), FEATURES, strict=True)]
    np.testing.assert_array_equal(
        feature_matrix(rows.select(*named).toArrow(), FEATURES), feature_matrix(rows.toArrow(), FEATURES)
    )


def test_a_training_is_reused_by_its_fingerprint_unless_refitted(trained: TrainedHead, tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db", str(tmp_path / "artifacts"))
    fingerprint = training_fingerprint(
        CHURN,
        training_set="rows-1",
        features=FEATURES,
        feature_fingerprint="features-1",
        plan=PLAN,
        parameters=PARAMETERS,
        seed=42,
    )
    fits: list[TrainedHead] = []

    def fit() -> TrainedHead:
        fits.append(replace(trained, bundle=replace(trained.bundle, training_fingerprint=fingerprint)))
        return fits[-1]

    def entered(*, refit: bool) -> tuple[str, str, bool]:
        found = enter(registry, CHURN, fingerprint=fingerprint, fit=fit, admit=Admission,
                      parameters=PARAMETERS.describe(), refit=refit)  # fmt: skip
        return found.role, found.model.version, found.reused

    assert [entered(refit=False), entered(refit=False), entered(refit=True)] == [
        ("champion", "1", False),
        ("champion", "1", True),
        ("challenger", "2", False),
    ]
    assert len(fits) == 2
    assert registry.load(CHURN).bundle == fits[0].bundle
    version = registry._client.get_model_version("tessera_churn", "1")
    logged = registry._client.get_run(version.run_id).data
    assert logged.params["trees"] == "60" and logged.params["dates_test"] == "2011-10-10"
    assert logged.metrics["test_auc"] == trained.test.auc
    assert logged.metrics["baseline_auc"] == trained.best_baseline.metrics.auc


@pytest.mark.parametrize("algorithm", ["xgboost", "logistic_regression", "knn"])
def test_words_are_inputs_and_other_algorithms_learn_from_a_sample(
    training_set: DataFrame, algorithm: str, caplog: pytest.LogCaptureFixture
) -> None:
    risk = F.when(F.col("churn_60d") == 1, F.lit("late")).otherwise(F.lit("early"))
    drawn = F.when(F.col("noise") > 0, risk).when(F.col("noise") > -1, F.lit("odd"))
    rows = training_set.withColumn("place", drawn)
    parameters = replace(
        PARAMETERS,
        algorithm=algorithm,
        words=("place",),
        trees=20,
        algorithms=AlgorithmSettings.model_validate(
            {"logistic_regression": {"sample_rows": 1_000}, "knn": {"sample_rows": 1_000}}
        ),
    )
    found = _train(rows, parameters=parameters)
    assert set(found.bundle.words["place"]) == {"odd", "late", "early"}
    assert found.bundle.features == (*FEATURES, "place") and found.bundle.algorithm == algorithm
    assert found.test.auc > 0.85
    fitted = found.counts[FIT].rows
    assert found.fit.rows == fitted if algorithm != "knn" else 500 < found.fit.rows <= 1_000
    assert (f"of {fitted} rows are read, drawn by customer (fit fit seed 42)" in caplog.text) == (
        algorithm != "xgboost"
    )
    one = rows.where("split = 'test'").orderBy("customer_id").limit(50)
    scored = batch_scorer(found.bundle, feature_fingerprint="features-1")(one).select("prediction", *FEATURES, "place")
    table = scored.toArrow()
    np.testing.assert_array_equal(table["prediction"].to_numpy(), found.bundle.predict(found.bundle.matrix(table)))


def test_the_guard_is_asked_before_the_fit_and_its_findings_are_kept(training_set: DataFrame) -> None:
    guard = Guard(GuardSettings(removal_loss=0.4), Rebuilt(compared=dict.fromkeys(FEATURES, 1)))
    found = _train(training_set, parameters=replace(PARAMETERS, trees=3), guard=guard, values=VALUES)
    intervals = found.test_intervals["auc"]
    assert intervals.low < found.test.auc < intervals.high and intervals.figure == pytest.approx(found.test.auc)
    assert found.bundle.guard == found.verdict.status == "passed, 0 reported"
    assert found.logged_metrics()["guard_findings"] == 0 and found.documents()["guard.json"]["findings"] == []
    assert 0 < found.threshold.probability < 1 and found.threshold.profit > 0
    assert found.logged_metrics()["test_profit_per_customer"] == found.test_profit
    known = training_set.withColumn("noise", F.col("churn_60d") + 0.3 * F.col("noise"))
    with pytest.raises(LeakageFound, match=r"(?s)\(\d findings block\).*G6 blocks: the model has an AUC of 0\.9"):
        _train(known, guard=guard)
    with pytest.raises(LeakageFound, match="G1 blocks: 'label' is unverified"):
        _train(training_set, guard=replace(guard, rebuilt=Rebuilt()))
