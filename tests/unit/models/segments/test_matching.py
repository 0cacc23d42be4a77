"""Ids over refits: kept where a centroid has hardly moved, new where it has, never used twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.segments.matching import matched

OLD = np.array([[0.0, 0, 0], [2, 0, 0], [0, 2, 0]])
IDS = (4, 1, 7)


def test_clusters_keep_their_ids_in_any_order_of_the_refit():
    found = matched(OLD[[2, 0, 1]] + 0.1, OLD, old_ids=IDS, next_id=8, within=0.5)
    assert found.ids == (7, 4, 1) and found.next_id == 8
    np.testing.assert_allclose(np.array(found.moved, dtype=float), 0.1 * np.sqrt(3))


def test_one_that_has_moved_too_far_is_new_and_so_is_one_too_many():
    moved = np.array([[0.0, 0, 0.5], [2, 0, 0.49], [0, 2, 0], [9, 9, 9]])
    found = matched(moved, OLD, old_ids=IDS, next_id=8, within=0.5)
    assert found.ids == (8, 1, 7, 9) and found.next_id == 10
    assert found.moved[3] is None


def test_the_closest_pairing_of_all_counts_not_the_first_pair():
    # The nearest old centroid of both is the first; one of them must take the second.
    old = np.array([[0.0, 0, 0], [0.4, 0, 0]])
    found = matched(np.array([[0.1, 0, 0], [-0.2, 0, 0]]), old, old_ids=(1, 2), next_id=3, within=0.5)
    assert found.ids == (2, 1)


@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 3), min_size=1, max_size=6), st.integers(1, 3))
def test_no_id_is_given_twice(new, old):
    found = matched(np.array(new), OLD[:old], old_ids=IDS[:old], next_id=8, within=0.5)
    assert len(set(found.ids)) == len(new)
    assert all(one < found.next_id for one in found.ids)
