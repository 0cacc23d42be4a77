"""A seeded generator and a small real model for the tests of this folder."""

from __future__ import annotations

import numpy as np
import pytest

from models.bundle import Bundle
from tests.unit.models.bundles import small_bundle


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20111209)


@pytest.fixture
def bundle() -> Bundle:
    return small_bundle()
