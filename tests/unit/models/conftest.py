"""A seeded generator and a small real model for the tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.bundle import Bundle
from models.registry import Registry
from models.tracking import open_store
from tests.unit.models.bundles import registry_in, small_bundle


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20111209)


@pytest.fixture
def bundle() -> Bundle:
    return small_bundle()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables made once: MLflow takes seconds for them."""
    folder = tmp_path_factory.mktemp("empty")
    open_store(registry_in(folder).tracking_uri)
    return folder


@pytest.fixture
def registry(empty_store: Path, tmp_path: Path) -> Registry:
    shutil.copytree(empty_store, tmp_path / "my lake")
    return registry_in(tmp_path / "my lake")
