"""Where a run finds its models: the registry that the settings name, else SQLite and files under the warehouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jobs.run import Run
from jobs.settings import Settings
from models.bundle import Bundle
from models.registry import M, Registry


def registry_of(run: Run) -> Registry[Bundle]:
    """The registry of the heads' bundles."""
    return registry_at(run.settings)


def registry_at(settings: Settings) -> Registry[Bundle]:
    """The registry of the heads' bundles by the settings alone: for notebooks."""
    return _registry(settings, Bundle.load)


def registry_of_kind(run: Run, load: Callable[[Path], M]) -> Registry[M]:
    """The registry of models of another kind, which `load` reads from a folder."""
    return _registry(run.settings, load)


def _registry(settings: Settings, load: Callable[[Path], M]) -> Registry[M]:
    home, kept = Path(settings.warehouse).resolve(), settings.registry
    return Registry(kept.tracking_uri or f"sqlite:///{home}/mlflow.db", kept.artifact_root or f"{home}/mlruns", load)
