"""Pictures: whole PNG files, the same bytes for the same figures, also of the least there can be."""

from __future__ import annotations

import numpy as np
import pytest

from models.segments.counts import ABSENT, NONE
from models.segments.pictures import Cell, choice_of_k, cluster_map, flow_grid, rfm_grid, segment_bars
from tests.unit.models.segments.models import CANDIDATE, MODEL

MEASURES = np.array([[6.0, 4, 150], [60, 1, 90], [0, 300, 5]])
MOVES = {("1", "1"): 9, ("1", "2"): 1, ("2", NONE): 3, (ABSENT, "2"): 2}
DRAWN = {
    "choice": lambda: choice_of_k([CANDIDATE], 3),
    "no choice": lambda: choice_of_k([CANDIDATE], None),
    "map": lambda: cluster_map(MEASURES, MODEL.ids(MEASURES), MODEL),
    "cells": lambda: rfm_grid([Cell(5, 1, "New", 3, 20.0), Cell(1, 5, "Lost", 1, None)], day="2024-01-01"),
    "no cells": lambda: rfm_grid([], day="2024-01-01"),
    "bars": lambda: segment_bars({"won_back": 3, "lost": 0}, title="Segments"),
    "flows": lambda: flow_grid(MOVES, ["1", "2", NONE, ABSENT], title="Flows", dates=("2023-12-04", "2024-01-01")),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_a_whole_png_and_the_same_again(name):
    found = DRAWN[name]()
    assert found.startswith(b"\x89PNG") and found.rstrip().endswith(b"IEND\xaeB`\x82")
    assert len(found) > 5_000
    assert found == DRAWN[name]()
