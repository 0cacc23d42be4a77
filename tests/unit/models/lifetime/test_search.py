"""The search: ends that differ, and data that say less than the penalty, are told apart from a good fit."""

from __future__ import annotations

import numpy as np

from models.lifetime.search import best_of

STARTS = [(0.2, 1.0), (1.0, 1.0), (3.0, 2.0), (8.0, 1.0), (0.05, 0.3)]


def peaks(*places: float, heights: tuple[float, ...] = (), sharp: float = 50.0):
    """A log-likelihood with a parabola around each place of the first log-parameter; the second peaks at 0."""
    tops = np.array(heights or [0.0] * len(places))

    def likelihood(logs):
        each = tops - sharp * (logs[0] - np.array(places)) ** 2
        best = int(each.argmax())
        slope = np.array([-2 * sharp * (logs[0] - places[best]), -2 * sharp * logs[1]])
        return float(each[best] - sharp * logs[1] ** 2), slope

    return likelihood


def test_one_peak_is_identified():
    found = best_of(peaks(0.5), STARTS, customers=10, spread=3.0)
    assert found.doubt == "" and found.starts == 5
    np.testing.assert_allclose(np.log(found.parameters), [0.5, 0.0], atol=0.01)


def test_equally_good_ends_more_than_twice_apart_are_not():
    assert "starts end" in best_of(peaks(-0.5, 0.5), STARTS, customers=10, spread=3.0).doubt
    close = best_of(peaks(0.0, 0.6), STARTS, customers=10, spread=3.0)
    assert close.doubt == ""
    lower = best_of(peaks(-0.5, 0.5, heights=(0.0, 3.0)), STARTS, customers=10, spread=3.0)
    assert lower.doubt == ""


def test_a_penalty_does_not_hide_that_it_decides():
    far = best_of(peaks(5.0, sharp=0.1), STARTS, customers=10, spread=2.0)
    assert "without the penalty" in far.doubt
    assert best_of(peaks(5.0), STARTS, customers=10, spread=2.0).doubt == ""


def test_data_that_say_less_than_the_penalty_decide_nothing():
    assert "penalty" in best_of(peaks(0.5, sharp=0.05), STARTS, customers=10, spread=3.0).doubt
    assert best_of(peaks(0.5, sharp=0.06), STARTS, customers=10, spread=3.0).doubt == ""
