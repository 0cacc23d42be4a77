"""Scores: digit for digit what the model says natively, however rows are cut; coherent; refused if unfit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from models.bundle import NO_MEANINGS, Bundle, Resample
from models.calibrate import Calibrator
from models.confidence import confidence
from models.errors import OtherFeatures
from models.heads import ACTIVE, CHURN, DECLINE, HEADS, PURCHASE
from models.lifetime.scoring import score_lifetime
from models.matrix import feature_matrix
from models.reasons.reasons import REASONS_SQL, reasons_of
from models.reasons.why import Why
from models.registry import Registered
from models.scale import Scale
from models.score import Scorers, risk_level, score_frame
from models.segments.measures import MEASURES
from tests.unit.models.bundles import small_bundle
from tests.unit.models.lifetime.fits import MODEL as WORTH
from tests.unit.models.reasons.catalogue import worded
from tests.unit.models.segments.models import MODEL as CLUSTERS

FEATURES = ("ratio", "money", "orders_count_180d")
MODELS = {
    "churn": Registered(small_bundle(CHURN, features=FEATURES), "3"),
    "purchase": Registered(small_bundle(PURCHASE, features=FEATURES[::-1]), "5"),
}
N = 1_003
COLUMNS = [
    ("customer_id", "string"),
    ("as_of_date", "date"),
    ("churn_probability", "double"),
    ("churn_risk_level", "string"),
    ("lifecycle", "string"),
    ("active_probability_90d", "double"),
    ("decline_probability_90d", "double"),
    ("expected_orders_90d", "double"),
    ("purchase_probability_30d", "double"),
    ("expected_spend_90d", "double"),
    ("p_alive", "double"),
    ("clv_12m", "double"),
    ("clv_36m", "double"),
    ("clv_status", "string"),
    ("behavior_segment", "int"),
    ("persona", "string"),
    ("r_score", "int"),
    ("f_score", "int"),
    ("m_score", "int"),
    ("rfm_segment", "string"),
    ("confidence", "double"),
    ("reasons", REASONS_SQL),
    ("calibration_status", "map<string,string>"),
    ("model_versions", "map<string,string>"),
    ("feature_fingerprint", "string"),
    ("inputs_hash", "bigint"),
    ("run_id", "string"),
    ("scored_at", "timestamp"),
]


def _table() -> pa.Table:
    rng = np.random.default_rng(11)
    recent = rng.integers(0, 4, N)
    lifetime = recent + rng.integers(0, 2, N)
    score = pa.array(rng.integers(1, 6, N))
    return pa.table(
        {
            "customer_id": [f"c{at:05d}" for at in range(N)],
            "ratio": pa.array(rng.normal(size=N), mask=rng.random(N) < 0.2),
            "money": pa.array(
                [Decimal(int(cents)).scaleb(-2) for cents in rng.integers(-200, 200, N)], pa.decimal128(18, 2)
            ),
            "orders_count_180d": pa.array(recent, mask=rng.random(N) < 0.05),
            "orders_count_90d": pa.array(rng.integers(0, 4, N), mask=rng.random(N) < 0.05),
            "amount_sum_90d": pa.array([Decimal(int(cents)).scaleb(-2) for cents in rng.integers(-99, 200, N)]),
            "orders_count_lifetime": pa.array(lifetime),
            "r_score": score,
            "f_score": score,
            "m_score": score,
            "rfm_segment": pa.array(["loyal"] * N),
        }
    )


@pytest.fixture(scope="module")
def features(spark) -> DataFrame:
    return spark.createDataFrame(_table()).cache()


def _score(
    features: DataFrame, *, models=MODELS, fingerprint: str = "features-1", observation=None, meanings=NO_MEANINGS,
    **others,
) -> DataFrame:  # fmt: skip
    return score_frame(
        features,
        models=Scorers(models, **others),
        feature_fingerprint=fingerprint,
        as_of_date=date(2011, 12, 9),
        run_id="run-1",
        scored_at=datetime(2011, 12, 9, 1, 2, 3, tzinfo=UTC),
        observation=observation,
        meanings=meanings,
    )


def _scores(features: DataFrame, **options) -> pa.Table:
    return _score(features, **options).toArrow().sort_by("customer_id")


def _native(bundle: Bundle, rows: pa.Table, *, column: str) -> np.ndarray:
    """The probability of every row in the population, in one process and one batch; NaN outside."""
    inside = rows[column].fill_null(0).to_numpy() >= 1
    return np.where(inside, bundle.predict(feature_matrix(rows, bundle.features)), np.nan)


def test_columns_and_constants(features: DataFrame) -> None:
    found = _score(features)
    assert found.dtypes == COLUMNS
    row = found.first()
    assert (row.as_of_date, row.run_id, row.feature_fingerprint) == (date(2011, 12, 9), "run-1", "features-1")
    assert row.model_versions == {"churn": "3", "purchase": "5"}
    assert row.calibration_status == {"churn": "unseasonal", "purchase": "unseasonal"}
    assert row.rfm_segment == "loyal"


@pytest.mark.parametrize(("partitions", "batch"), [(1, 10_000), (3, 10_000), (7, 17)])
def test_scores_are_the_native_ones_digit_for_digit_however_rows_are_cut(
    spark, features: DataFrame, partitions: int, batch: int
) -> None:
    rows = _table()
    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(batch))
    try:
        found = _scores(features.repartition(partitions))
    finally:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", before)
    churn = _native(MODELS["churn"].bundle, rows, column="orders_count_180d")
    purchase = _native(MODELS["purchase"].bundle, rows, column="orders_count_lifetime")
    lowered = np.where(purchase > 1 - churn, 1 - churn, purchase)
    np.testing.assert_array_equal(found["churn_probability"].to_numpy(), churn)
    np.testing.assert_array_equal(found["purchase_probability_30d"].to_numpy(), lowered)
    assert found.num_rows == N


def test_reasons_and_confidence_are_those_of_one_process_for_whom_churn_is_scored(features: DataFrame) -> None:
    own = MODELS["churn"].bundle
    churn = replace(own, resamples=(Resample(own.model, own.calibrator, 9), Resample(own.model, Calibrator(0.1), 9)))
    models, rows = {**MODELS, "churn": Registered(churn, "3")}, _table()
    found = _scores(features.repartition(3), models=models, why=Why(worded()))
    inside = np.flatnonzero(rows["orders_count_180d"].fill_null(0).to_numpy() >= 1)
    chosen = rows.take(inside)
    matrix = feature_matrix(chosen, FEATURES)
    native = reasons_of(churn, matrix, wording=worded())
    assert native[0].as_py()[0]["text"]
    assert found["reasons"].take(inside).to_pylist() == native.to_pylist()
    np.testing.assert_array_equal(found["confidence"].take(inside).to_numpy(), confidence(churn, matrix))
    assert found["reasons"].null_count == found["confidence"].null_count == N - len(inside)
    without, told = _scores(features, models=models), ["reasons", "confidence", "inputs_hash"]
    assert found.drop(told).equals(without.drop(told)) and without["reasons"].null_count == N


def test_purchase_never_exceeds_what_churn_leaves_and_the_lowered_are_counted(features: DataFrame) -> None:
    observation = Observation("scores")
    scored = _score(features, observation=observation)
    found = scored.toArrow()
    rows = _table()
    churn = _native(MODELS["churn"].bundle, rows, column="orders_count_180d")
    purchase = _native(MODELS["purchase"].bundle, rows, column="orders_count_lifetime")
    violations = int((purchase > 1 - churn).sum())
    assert 0 < violations < N
    assert observation.get == {
        "rows": N,
        "coherence_violations": violations,
        "purchase_lowered": violations,
        "decline_raised": 0,
        "scored_churn": int(np.isfinite(churn).sum()),
        "scored_purchase": int(np.isfinite(purchase).sum()),
    }
    both = found["churn_probability"].to_numpy() + found["purchase_probability_30d"].to_numpy()
    assert np.nanmax(both) <= 1.0 + 1e-12


def test_decline_asks_two_conditions_and_is_no_less_than_what_activity_leaves(features: DataFrame) -> None:
    """And amounts: NULL outside their population, else the scaled square of what the model says."""
    spend = HEADS["spend"]
    models = {
        "active": Registered(small_bundle(ACTIVE, features=FEATURES), "1"),
        "decline": Registered(small_bundle(DECLINE, features=FEATURES[::-1]), "2"),
        "spend": Registered(replace(small_bundle(spend, features=FEATURES), kind="amount", calibrator=Scale(9.0)), "7"),
    }
    observation = Observation("ninety days")
    found, rows = _score(features, models=models, observation=observation).toArrow().sort_by("customer_id"), _table()
    active = _native(models["active"].bundle, rows, column="orders_count_lifetime")
    lost = models["decline"].bundle.predict(feature_matrix(rows, FEATURES[::-1]))
    asked = (rows["orders_count_90d"].fill_null(0).to_numpy() >= 2) & (
        rows["amount_sum_90d"].cast(pa.float64()).to_numpy() > 0
    )
    raised = np.where(lost < 1 - active, 1 - active, lost)
    np.testing.assert_array_equal(found["decline_probability_90d"].to_numpy(), np.where(asked, raised, np.nan))
    np.testing.assert_array_equal(found["active_probability_90d"].to_numpy(), active)
    assert 0 < observation.get["decline_raised"] == observation.get["coherence_violations"] < asked.sum() < N
    expected = _native(models["spend"].bundle, rows, column="orders_count_lifetime")
    np.testing.assert_array_equal(found["expected_spend_90d"].to_numpy(), expected)
    assert np.nanmax(expected) > 1 and dict(found["calibration_status"][0].as_py())["spend"] == "uncalibrated"


def test_worth_and_cluster_are_what_their_own_jobs_say_in_the_same_pass(spark) -> None:
    """And `frequency`, which the lifetime model has another meaning for, stays the feature that heads read."""
    rng, rows = np.random.default_rng(3), _table()
    days = rows["orders_count_lifetime"].to_numpy()
    some = {"order_days_lifetime": pa.array(days), "recency_days": pa.array(rng.uniform(1, 300, N), mask=days == 0),
            "gap_days_mean_lifetime": pa.array(rng.uniform(1, 60, N), mask=days < 2),
            "order_value_mean_lifetime": pa.array(rng.uniform(-9, 200, N), mask=days == 0),
            "amount_sum_365d": pa.array(rng.uniform(-5, 900, N)), "value_days": pa.array(days),
            "value_total": pa.array(days * 4321), "frequency": pa.array(100 + days)}  # fmt: skip
    for name, values in some.items():
        rows = rows.append_column(name, values)
    reads = ("frequency", "money", "ratio")
    frame, churn = spark.createDataFrame(rows), Registered(small_bundle(CHURN, features=reads), "3")
    others = {"lifetime": Registered(WORTH, "4"), "segments": Registered(CLUSTERS, "6")}
    found = _scores(frame, models={"churn": churn}, **others)
    alone = score_lifetime(frame, WORTH).toArrow().sort_by("customer_id")
    for name in ("p_alive", "clv_12m", "clv_36m", "clv_status"):
        assert found[name].to_pylist() == alone[name].to_pylist() and 0 < found[name].null_count < N
    measures = np.column_stack([rows[name].cast(pa.float64()).to_numpy() for name in MEASURES])
    known = (measures[:, 2] > 0) & np.isfinite(measures).all(axis=1)
    ids = np.where(known, CLUSTERS.ids(np.where(known[:, None], measures, 1.0)), 0)
    assert found["behavior_segment"].fill_null(0).to_pylist() == ids.tolist() and set(ids) == {0, 2, 5}
    names = {0: None, **{one.id: one.persona for one in CLUSTERS.clusters}}
    assert found["persona"].to_pylist() == [names[one] for one in ids]
    expected = _native(churn.bundle, rows, column="orders_count_180d")
    np.testing.assert_array_equal(found["churn_probability"].to_numpy(), expected)
    assert dict(found["model_versions"][0].as_py()) == {"churn": "3", "lifetime": "4", "segments": "6"}
    statuses = {"churn": "unseasonal", "lifetime": "backtested", "segments": "stable"}
    assert dict(found["calibration_status"][0].as_py()) == statuses


def test_populations_and_lifecycle(features: DataFrame) -> None:
    rows, found = _table(), _scores(features)
    recent, lifetime = (
        rows["orders_count_180d"].fill_null(0).to_numpy(),
        rows["orders_count_lifetime"].to_numpy(),
    )
    expected = np.where(recent >= 1, "active", np.where(lifetime == 0, "no_orders", "inactive"))
    assert found["lifecycle"].to_pylist() == expected.tolist()
    assert set(expected) == {"active", "inactive", "no_orders"}
    np.testing.assert_array_equal(found["churn_probability"].is_valid().to_numpy(), recent >= 1)
    np.testing.assert_array_equal(found["churn_risk_level"].is_valid().to_numpy(), recent >= 1)
    np.testing.assert_array_equal(found["purchase_probability_30d"].is_valid().to_numpy(), lifetime >= 1)


def test_risk_levels_at_their_edges(spark) -> None:
    edges = {
        1.0: "CRITICAL",
        0.8: "CRITICAL",
        0.79: "HIGH",
        0.6: "HIGH",
        0.59: "MEDIUM",
        0.4: "MEDIUM",
        0.39: "LOW",
    }
    rows = spark.createDataFrame([(p,) for p in [*edges, None]], "p double")
    found = {row.p: row.level for row in rows.select("p", risk_level(F.col("p")).alias("level")).toLocalIterator()}
    assert found == {**edges, None: None}


def test_a_head_without_a_model_is_null_and_not_listed(features: DataFrame) -> None:
    found = _score(features, models={"purchase": MODELS["purchase"]})
    assert found.dtypes == COLUMNS
    scores = found.toArrow()
    assert scores["churn_probability"].null_count == scores["churn_risk_level"].null_count == N
    assert scores["purchase_probability_30d"].null_count < N
    assert dict(scores["model_versions"][0].as_py()) == {"purchase": "5"}


def test_a_snapshot_without_customers_gives_no_scores(features: DataFrame) -> None:
    observation = Observation("none")
    assert _score(features.limit(0), observation=observation).toArrow().num_rows == 0
    assert observation.get["coherence_violations"] == 0


def test_models_of_other_features_are_refused_before_a_row_is_read(features: DataFrame) -> None:
    with pytest.raises(OtherFeatures, match="features-1.*features-2"):
        _score(features, fingerprint="features-2")
    with pytest.raises(OtherFeatures, match="'money' is missing"):
        _score(features.withColumnRenamed("money", "moneys"))
    with pytest.raises(OtherFeatures, match="'m_score' is missing"):
        _score(features.drop("m_score"))
    older = {
        "churn": replace(MODELS["churn"], bundle=replace(MODELS["churn"].bundle, feature_fingerprint="features-0"))
    }
    with pytest.raises(OtherFeatures, match="features-0"):
        _score(features, models={**MODELS, **older})


def test_definitions_that_differ_are_refused_by_name_and_others_may_differ(features: DataFrame) -> None:
    meanings = dict.fromkeys(FEATURES, "1")
    models = {name: replace(one, bundle=replace(one.bundle, meanings=meanings)) for name, one in MODELS.items()}
    changed = {**meanings, "money": "2"}
    with pytest.raises(OtherFeatures, match="head 'churn' was fitted on other definitions of 1 of its features: money"):
        _score(features, models=models, fingerprint="features-2", meanings=changed)
    _score(features, models=models, fingerprint="features-2", meanings={**meanings, "r_score": "2"})
