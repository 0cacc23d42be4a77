"""What `score` says before it scores: which column stays NULL, and faults of phrases."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from featurestore.errors import ConfigurationError
from jobs.settings import load_settings
from jobs.why import why_of
from models.algorithms.contract import Rows
from models.bundle import Resample
from models.heads import CHURN
from models.parameters import TrainingParameters
from models.registry import Registered
from tests.unit.models.bundles import small_bundle
from tests.unit.models.reasons.catalogue import EVERYTHING


def _run(**settings: object) -> SimpleNamespace:
    chosen = load_settings(assignments=[f"{name.replace('__', '.')}={value}" for name, value in settings.items()])
    return SimpleNamespace(settings=chosen, views={view.name: view for view in EVERYTHING.views},
                           features=lambda: EVERYTHING, progress=Console(file=StringIO(), width=200))  # fmt: skip


def _said(run: SimpleNamespace, bundle: object) -> str:
    why_of(run, {CHURN.name: Registered(bundle, "1")})
    return run.progress.file.getvalue()


def test_a_model_with_both_needs_no_note_and_each_that_lacks_is_named() -> None:
    bundle = small_bundle()
    whole = replace(bundle, resamples=(Resample(bundle.model, bundle.calibrator, 9),))
    assert _said(_run(), whole) == "" and why_of(_run(), {}).wording.features["recency_days"].family == "recency"
    assert "no boosters on other draws: confidence stays NULL" in _said(_run(), bundle)
    rows = Rows(*[small for _ in range(2) for small in _few()], bundle.features)
    tree = TrainingParameters().algorithm_of("decision_tree").fit(rows, seed=1).model.save()
    said = _said(_run(), replace(bundle, algorithm="decision_tree", model=tree))
    assert "no exact contributions to the scores of decision_tree are known: reasons stay NULL" in said


def _few() -> tuple[np.ndarray, np.ndarray]:
    matrix = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
    return matrix, (matrix[:, 0] > 0).astype(float)


def test_settings_reach_the_wording() -> None:
    wording = why_of(_run(reasons__families=2, reasons__least=0.5), {}).wording
    assert (wording.families, wording.least) == (2, 0.5)
    with pytest.raises(ConfigurationError, match="no file of phrases 'nowhere.yml'"):
        why_of(_run(reasons__phrases="nowhere.yml"), {})
