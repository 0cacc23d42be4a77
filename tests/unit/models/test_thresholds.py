"""Profit by threshold, and intervals by resampled customers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluate import evaluate
from models.intervals import intervals, paired_intervals
from models.thresholds import Values, best_threshold, profit_at

VALUES = Values(saved=100, save_rate=0.1, contact=1, offer=5, redeemed_anyway=0.2, assumed=True)
RNG = np.random.default_rng(3)


@given(
    rows=st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.4, 0.7])), max_size=30),
    saved=st.sampled_from([0.0, 20.0, 100.0]),
)
def test_no_threshold_earns_more_than_the_chosen_one(rows: list[tuple[bool, float]], saved: float) -> None:
    labels, p = np.array([float(y) for y, _ in rows]), np.array([p for _, p in rows])
    values = VALUES.model_copy(update={"saved": saved})
    found = best_threshold(labels, p, values)
    by_hand = {}
    for at in {0.1, 0.2, 0.4, 0.7} & set(p.tolist()):
        by_hand[at] = sum(float(values.profit(np.array([y]))[0]) for y, q in zip(labels, p, strict=True) if q >= at)
    most = max([0.0, *by_hand.values()])
    assert found.profit * max(len(rows), 1) == pytest.approx(most)
    assert profit_at(labels, p, found, values) == pytest.approx(found.profit)
    if found.probability is not None:
        assert by_hand[found.probability] == pytest.approx(most)
        assert found.contacted == np.mean(p >= found.probability)
        assert [point[0] for point in found.curve] == sorted(set(p.tolist()), reverse=True)


def test_true_probabilities_put_the_threshold_at_the_break_even() -> None:
    p = RNG.uniform(0, 1, 200_000)
    labels = (RNG.random(200_000) < p).astype(float)
    found = best_threshold(labels, p, VALUES)
    assert VALUES.break_even == pytest.approx(2 / 10.5)
    assert found.probability == pytest.approx(VALUES.break_even, abs=0.03)
    assert len(found.curve) == 101 and found.curve[-1][1] == 1.0


def test_an_offer_that_never_pays_is_made_to_nobody() -> None:
    poor = VALUES.model_copy(update={"saved": 1.0})
    found = best_threshold(np.array([1.0, 0.0]), np.array([0.9, 0.1]), poor)
    assert (found.probability, found.profit, found.contacted, poor.break_even) == (None, 0.0, 0.0, None)
    assert profit_at(np.array([1.0]), np.array([0.9]), found, poor) == 0


def test_intervals_hold_the_figures_that_evaluate_gives() -> None:
    p = RNG.uniform(0.05, 0.95, 600).round(2)
    labels, who = (RNG.random(600) < p).astype(float), np.arange(600).astype(object)
    found, figures = intervals(labels, p, who, draws=200), evaluate(labels, p)
    for name in ("auc", "log_loss", "brier"):
        assert found[name].figure == pytest.approx(getattr(figures, name), abs=1e-12)
        assert found[name].low < found[name].figure < found[name].high
    assert found == intervals(labels, p, who, draws=200)
    assert intervals(np.ones(5), p[:5], who[:5]) == {} and intervals(np.array([]), np.array([]), who[:0]) == {}


def test_the_width_is_that_of_theory_and_rows_of_a_customer_go_together() -> None:
    p = RNG.uniform(0.05, 0.95, 1500)
    labels = (RNG.random(1500) < p).astype(float)
    alone = intervals(labels, p, np.arange(1500).astype(object), draws=300)["brier"]
    error = np.std((p - labels) ** 2) / np.sqrt(1500)
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * error, rel=0.2)
    four = intervals(np.tile(labels, 4), np.tile(p, 4), np.tile(np.arange(1500), 4).astype(object), draws=300)["brier"]
    assert four.high - four.low == pytest.approx(alone.high - alone.low, rel=0.25)


def test_paired_gains_are_narrower_than_the_figures_and_have_their_sign() -> None:
    p = RNG.uniform(0.05, 0.95, 800)
    labels, who = (RNG.random(800) < p).astype(float), np.arange(800).astype(object)
    worse = np.clip(p + RNG.normal(0, 0.15, 800), 0.01, 0.99)
    gains, alone = paired_intervals(labels, p, worse, who, draws=200), intervals(labels, p, who, draws=200)
    for name in ("auc", "log_loss", "brier"):
        gain = gains[f"{name}_gain"]
        assert gain.low > 0 and gain.high - gain.low < alone[name].high - alone[name].low
    same = paired_intervals(labels, p, p, who, draws=20)["auc_gain"]
    assert (same.low, same.figure, same.high) == (0, 0, 0)
