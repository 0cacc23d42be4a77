"""Where a run finds its models: the registry that the settings name, else SQLite and files under the warehouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jobs.run import Run
from models.bundle import Bundle
from models.registry import M, Registry


def registry_of(run: Run) -> Registry[Bundle]:
    """The registry of the heads' bundles."""
    return registry_of_kind(run, Bundle.load)


def registry_of_kind(run: Run, load: Callable[[Path], M]) -> Registry[M]:
    """The registry of models of another kind, which `load` reads from a folder."""
    home, kept = Path(run.settings.warehouse).resolve(), run.settings.registry
    return Registry(kept.tracking_uri or f"sqlite:///{home}/mlflow.db", kept.artifact_root or f"{home}/mlruns", load)
