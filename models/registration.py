"""A head's champion: the registered model of the same training if there is one, else a new fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from models.algorithms.contract import Fit
from models.bundle import Bundle
from models.heads import Head
from models.registry import Registered, Registry
from models.tracking import RunRecord


class Trained(Protocol):
    """What a fit gives, whatever its head learns: a bundle, and figures and tables to record."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def fit(self) -> Fit: ...

    def logged_metrics(self) -> dict[str, float]: ...

    def documents(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Championship:
    """The champion, and the evidence of its fit where it was fitted just now."""

    champion: Registered
    trained: Trained | None

    @property
    def reused(self) -> bool:
        return self.trained is None


def crown(
    registry: Registry,
    head: Head,
    *,
    fingerprint: str,
    fit: Callable[[], Trained],
    parameters: Mapping[str, Any],
    refit: bool = False,
) -> Championship:
    """Make a model of this training champion of `head`; `fit` is called only if none is registered.

    `parameters` are what the run records of the fit; `refit` fits and registers again in any case.
    """
    found = None if refit else registry.find_by_training_fingerprint(head, fingerprint)
    if found is not None:
        registry.set_alias(head, version=found.version)
        return Championship(found, None)
    trained = fit()
    return Championship(registry.register(trained.bundle, run_record(trained, parameters)), trained)


def run_record(trained: Trained, parameters: Mapping[str, Any]) -> RunRecord:
    """What a run logs of a trained head."""
    bundle = trained.bundle
    described = {f"dates_{split}": dates for split, dates in bundle.dates.items()}
    named = {
        "label": bundle.label,
        "horizon_days": bundle.horizon_days,
        "features": len(bundle.features),
        "feature_fingerprint": bundle.feature_fingerprint,
        "calibration_status": bundle.calibration_status,
        "gate": bundle.gate,
        "guard": bundle.guard,
        "algorithm": bundle.algorithm,
    }
    loss = "root_mean_square" if bundle.is_amount else "log_loss"
    return RunRecord(
        parameters={**parameters, **named, **described},
        metrics=trained.logged_metrics(),
        curves={f"{loss}_{name}": values for name, values in trained.fit.history.items()},
        documents=trained.documents(),
    )
