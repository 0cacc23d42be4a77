"""Scikit-learn pipelines as bytes that hold data and no code, by skops: nothing is run when they are read.

Pickle and joblib run whatever the bytes say; skops names every type it finds and makes none that is not known to be
harmless or listed here. What it cannot know is whether the numbers in a tree of a forged file are in bounds: bytes
from strangers are no models.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from models.errors import BrokenModel

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

TRUSTED = (
    "models.algorithms.plain_models.LinearOdds",
    "models.algorithms.plain_models.TreeOdds",
    "models.algorithms.preprocessing.Informative",
    "models.algorithms.preprocessing.SignedLog",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
)


def to_bytes(pipeline: Pipeline) -> bytes:
    """The whole pipeline in skops' format (a zip of JSON and arrays)."""
    from skops.io import dumps

    return dumps(pipeline, compression=zipfile.ZIP_DEFLATED)


def from_bytes(saved: bytes) -> Pipeline:
    """What `to_bytes` gave; BrokenModel for other bytes, and for types that are not `TRUSTED`."""
    from skops.io import loads

    try:
        return loads(saved, trusted=list(TRUSTED))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as problem:
        raise BrokenModel.files("a scikit-learn model", where="its bundle", reason=str(problem)) from problem
