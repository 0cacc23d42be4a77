"""What a worker makes of a batch of rows: each head's scores inside its population, without Spark."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa

from models.heads import DECLINE, HEADS
from models.matrix import feature_matrix
from models.one_pass import INPUTS, OnePass
from models.scale import Scale
from models.score_parts import HeadPart, SegmentPart
from tests.unit.models.bundles import small_bundle
from tests.unit.models.segments.models import MODEL as CLUSTERS

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


def scored(rows: pa.RecordBatch, *parts: HeadPart) -> pa.RecordBatch:
    """What a worker makes of rows whose numbers come packed, as Spark packs them."""
    of = OnePass((), parts)
    matrix = feature_matrix(rows, of.packed)
    ends = pa.array(np.arange(len(matrix) + 1) * matrix.shape[1], pa.int32())
    return of.score(rows.append_column(INPUTS, pa.ListArray.from_arrays(ends, pa.array(matrix.ravel()))))


def test_heads_of_other_inputs_find_theirs_among_all_that_are_packed_and_text_beside_them() -> None:
    rows = ROWS.append_column("region", pa.array(["North", "West", None, "South", "North", "East"]))
    words = {"region": ("North", "South")}
    placed = replace(small_bundle(HEADS["purchase"], features=("b", "region", "a")), words=words)
    other = small_bundle(HEADS["active"], features=("c", "a", "b"))
    found = scored(rows, HeadPart(HEADS["purchase"], placed), HeadPart(HEADS["active"], other))
    for bundle, output in ((placed, "purchase_probability_30d"), (other, "active_probability_90d")):
        assert found.column(output).to_pylist() == [*bundle.predict(bundle.matrix(rows))[:5].tolist(), None]
    assert len(set(found.column("purchase_probability_30d").to_pylist())) == 6


def test_all_conditions_of_a_population_must_hold_and_a_missing_one_is_outside() -> None:
    bundle = small_bundle(DECLINE)
    found = scored(ROWS, HeadPart(DECLINE, bundle)).column(DECLINE.output)
    assert found.is_valid().to_pylist() == [True, False, False, False, False, False]
    assert found[0].as_py() == bundle.predict(bundle.matrix(ROWS))[0]


def test_amounts_are_scaled_squares_beside_probabilities() -> None:
    spend = HEADS["spend"]
    amounts = replace(small_bundle(spend), kind="amount", calibrator=Scale(9.0))
    found = scored(ROWS, HeadPart(DECLINE, small_bundle(DECLINE)), HeadPart(spend, amounts))
    assert found.column(spend.output).to_pylist()[:5] == amounts.predict(amounts.matrix(ROWS))[:5].tolist()
    assert found.column(spend.output).is_valid().to_pylist() == [True] * 5 + [False]
    assert max(found.column(spend.output).to_pylist()[:5]) > 1


def test_a_blend_scores_as_its_bundle_predicts_and_unknown_spend_is_none() -> None:
    spend, bought = HEADS["spend"], pa.array([*map(Decimal, ("40.10", "-3.00", "0.00")), None, Decimal("8.00"), None])
    rows = ROWS.append_column(spend.last_year, bought)
    features = ("a", spend.last_year, "b")
    trees = replace(small_bundle(spend, features=features), kind="amount", calibrator=Scale(9.0),
                    last_year=spend.last_year)  # fmt: skip
    blend = replace(trees, calibrator=Scale(9.0, weight=0.5, per_spent=2.0))
    scores = scored(rows, HeadPart(spend, blend)).column(spend.output).to_pylist()
    assert scores[:5] == blend.predict(blend.matrix(rows))[:5].tolist() and scores[5] is None
    spent = np.float32([40.10, 0, 0, 0, 8]).astype(np.float64)
    np.testing.assert_allclose(scores[:5], trees.predict(trees.matrix(rows))[:5] / 2 + 9 * spent, rtol=1e-12)


def test_clusters_are_for_those_with_all_three_measures_and_there_may_be_none() -> None:
    measures = {"recency_days": [6.0, 50.0, None, 9.0], "order_days_lifetime": [4, 1, 2, 3],
                "order_value_mean_lifetime": [148.0, 148.0, 20.0, -1.0]}  # fmt: skip
    rows = pa.RecordBatch.from_pydict(measures)
    found = OnePass((), (SegmentPart(CLUSTERS),)).score(rows).to_pydict()
    assert found["behavior_segment"] == [2, 5, None, None]
    names = ["Loyal regulars, medium baskets", "One-time visitors, medium baskets", None, None]
    assert found["persona"] == names
    nowhere = OnePass((), (SegmentPart(replace(CLUSTERS, clusters=())),)).score(rows)
    assert nowhere.column("behavior_segment").null_count == nowhere.column("persona").null_count == 4
    assert nowhere.schema.types == [pa.int32(), pa.string()]
