"""Whether a model need not be fitted again: one hash over all that a fit depends on, our code included."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from models.heads import Head
from models.parameters import TrainingParameters
from models.splits import SplitPlan

# What reports or registers a model does not change it.
_NOT_PART_OF_A_FIT = {"__init__.py", "digests.py", "errors.py", "registry.py", "native_log.py", "one_pass.py",
                      "pictures.py", "realised.py", "registration.py", "score.py", "score_parts.py",
                      *[f"reasons/{name}.py" for name in
                      ("contributions", "linear", "numbers", "phrases", "reasons", "texts", "why", "wording")],
                      "segments/pictures.py", "tracking.py"}  # fmt: skip


def training_fingerprint(
    head: Head,
    *,
    training_set: str,
    features: Sequence[str],
    feature_fingerprint: str,
    plan: SplitPlan,
    parameters: TrainingParameters,
    seed: int,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """64 hex digits for a fit: its rows, features, dates, settings, seed and code.

    `training_set` stands for the rows (a fingerprint or version of the training set, the same for the same
    rows); `settings` are those of what stands around the fit: leakage guard, values.
    """
    parts = {
        "head": [head.name, head.label, head.horizon_days],
        "training_set": training_set,
        "features": list(features),
        "feature_fingerprint": feature_fingerprint,
        "dates": {day.isoformat(): split for day, split in plan.dates.items()},
        "parameters": parameters.describe(),
        "seed": seed,
        "settings": dict(settings),
        "code": code_fingerprint(),
        "xgboost": _xgboost_version(),
        "scikit-learn": version("scikit-learn"),
    }
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def lifetime_fingerprint(*, as_of: date, events_version: int, parameters: Mapping[str, Any], currency: str) -> str:
    """64 hex digits for a fit of the lifetime models: its date, the version of its events, settings and code."""
    parts = {
        "as_of": as_of.isoformat(),
        "events_version": events_version,
        "parameters": dict(parameters),
        "currency": currency,
        "code": code_fingerprint("models.lifetime"),
        "scipy": version("scipy"),
    }
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def segments_fingerprint(*, as_of: date, contents: Sequence[str], parameters: Mapping[str, Any], seed: int) -> str:
    """64 hex digits for a fit of the segments: its date, what its customers are, settings, seed and code."""
    parts = {
        "as_of": as_of.isoformat(),
        "contents": list(contents),
        "parameters": dict(parameters),
        "seed": seed,
        "code": code_fingerprint("models.segments"),
        "scikit-learn": version("scikit-learn"),
    }
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def code_fingerprint(package: str = "models", *, whole: bool = False) -> str:
    """A hash of the sources of a package that decide what a fit gives, or of all; line ends do not count."""
    digest = sha256()
    sources = dict(_sources(files(package)))
    for name in sorted(sources.keys() - (set() if whole else _NOT_PART_OF_A_FIT)):
        digest.update(name.encode() + b"\0")
        digest.update(sources[name].read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _sources(folder: Traversable, *, under: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, under=f"{under}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield under + entry.name, entry


def _xgboost_version() -> str:
    from importlib.metadata import PackageNotFoundError

    try:
        return version("xgboost-cpu")
    except PackageNotFoundError:
        return version("xgboost")
