"""What a worker makes of a batch of rows: each head's scores inside its population, without Spark."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa

from models.heads import DECLINE, HEADS
from models.scale import LAST_YEAR, Scale
from models.score import _Scorer
from tests.unit.models.bundles import small_bundle

FEATURES = ("a", "b", "c")
ROWS = pa.RecordBatch.from_pydict(
    {
        "customer_id": [f"c{at}" for at in range(6)],
        "orders_count_180d": pa.array([2, 2, 2, 2, 2, 0]),
        "orders_count_lifetime": pa.array([2, 2, 2, 2, 2, 0]),
        "orders_count_90d": pa.array([2, 1, 2, None, 3, 0]),
        "amount_sum_90d": pa.array([*map(Decimal, ("0.01", "9.00", "0.00", "9.00")), None, None], pa.decimal128(18, 2)),
        "r_score": [1] * 6,
        "f_score": [1] * 6,
        "m_score": [1] * 6,
        "rfm_segment": ["Lost"] * 6,
        **{name: np.linspace(-1, 1, 6) for name in FEATURES},
    }
)


def test_all_conditions_of_a_population_must_hold_and_a_missing_one_is_outside() -> None:
    bundle = small_bundle(DECLINE)
    found = _Scorer(((DECLINE, bundle),)).score(ROWS).column(DECLINE.output)
    assert found.is_valid().to_pylist() == [True, False, False, False, False, False]
    assert found[0].as_py() == bundle.predict(bundle.matrix(ROWS))[0]


def test_amounts_are_scaled_squares_beside_probabilities() -> None:
    spend = HEADS["spend"]
    amounts = replace(small_bundle(spend), kind="amount", calibrator=Scale(9.0))
    found = _Scorer(((DECLINE, small_bundle(DECLINE)), (spend, amounts))).score(ROWS)
    assert found.column(spend.output).to_pylist()[:5] == amounts.predict(amounts.matrix(ROWS))[:5].tolist()
    assert found.column(spend.output).is_valid().to_pylist() == [True] * 5 + [False]
    assert max(found.column(spend.output).to_pylist()[:5]) > 1


def test_a_blend_scores_as_its_bundle_predicts_and_unknown_spend_is_none() -> None:
    spend, bought = HEADS["spend"], pa.array([*map(Decimal, ("40.10", "-3.00", "0.00")), None, Decimal("8.00"), None])
    rows = ROWS.append_column(LAST_YEAR, bought)
    features = ("a", LAST_YEAR, "b")
    trees = replace(small_bundle(spend, features=features), kind="amount", calibrator=Scale(9.0))
    blend = replace(trees, calibrator=Scale(9.0, weight=0.5, per_spent=2.0))
    scores = _Scorer(((spend, blend),)).score(rows).column(spend.output).to_pylist()
    assert scores[:5] == blend.predict(blend.matrix(rows))[:5].tolist() and scores[5] is None
    spent = np.float32([40.10, 0, 0, 0, 8]).astype(np.float64)
    np.testing.assert_allclose(scores[:5], trees.predict(trees.matrix(rows))[:5] / 2 + 9 * spent, rtol=1e-12)
