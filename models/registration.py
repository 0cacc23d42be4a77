"""What a training registers: a head's first champion after its gate, later a challenger; known ones are reused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from models.algorithms.contract import Fit
from models.bundle import Bundle
from models.guard.findings import LeakageFound, Verdict
from models.heads import Head
from models.promotion.rivals import Admission
from models.registry import CHALLENGER, CHAMPION, Registered, Registry
from models.tracking import RunRecord


class Trained(Protocol):
    """What a fit gives, whatever its head learns: a bundle, and figures and tables to record."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def fit(self) -> Fit: ...

    def logged_metrics(self) -> dict[str, float]: ...

    def documents(self) -> dict[str, Any]: ...


TrainedT = TypeVar("TrainedT", bound=Trained)
NO_FILES: Mapping[str, bytes] = MappingProxyType({})
AWAITS = "challenger"
"""The gate of a model that was registered beside a champion: `promote` judges it."""


@dataclass(frozen=True)
class Entry:
    """What a training came to: the registered model and its role, with the evidence of a fit that was made just now.

    `admission` is the judgement of a first champion.
    """

    model: Registered[Bundle]
    role: str
    trained: Trained | None = None
    admission: Admission | None = None

    @property
    def reused(self) -> bool:
        return self.trained is None


def enter(
    registry: Registry[Bundle],
    head: Head,
    *,
    fingerprint: str,
    fit: Callable[[], TrainedT],
    admit: Callable[[Bundle], Admission],
    parameters: Mapping[str, Any],
    report: Callable[[TrainedT, str], Mapping[str, bytes]] = lambda trained, gate: NO_FILES,
    refit: bool = False,
) -> Entry:
    """Register the model of this training; `fit` is called only if none is registered, or `refit`.

    Where the head has no champion, `admit` says what becomes it; where it has, the model becomes the challenger, and
    `promote` alone moves the champion. An amount has no rule of promotion: its newest model is champion. The alias
    comes last: what an interruption left is found by its fingerprint. `parameters` are what the run records of the
    fit; `report` gives the files that are kept beside a fitted model, given its gate. A training that the leakage guard
    blocks leaves a failed run with the findings.
    """
    champion = None if head.is_amount else registry.version_of(head)
    found = None if refit else registry.find_by_training_fingerprint(head, fingerprint)
    if found is not None:
        return Entry(found, _take_place(registry, head, found, champion))
    try:
        trained = fit()
    except LeakageFound as blocked:
        registry.note(head, blocked_record(blocked, parameters), tags={"blocked_by": "leakage guard"}, status="FAILED")
        raise
    admission = admit(trained.bundle) if champion is None else None
    bundle = admission.bundle if admission else replace(trained.bundle, gate=AWAITS)
    files = report(trained, bundle.gate)
    record = run_record(trained, parameters, registered=bundle, admission=admission, files=files)
    registered = registry.register(bundle, record, alias=None)
    return Entry(registered, _take_place(registry, head, registered, champion), trained, admission)


def _take_place(registry: Registry[Bundle], head: Head, model: Registered[Bundle], champion: str | None) -> str:
    """The role of a registered model, its alias set. One that no gate has judged challenges an absent champion, too."""
    if model.version == champion:
        return CHAMPION
    role = CHAMPION if champion is None and model.bundle.gate != AWAITS else CHALLENGER
    if role == CHAMPION:
        registry.promote(head, version=model.version, gate=model.bundle.gate)
    else:
        registry.set_alias(head, version=model.version, alias=CHALLENGER)
    return role


def run_record(
    trained: Trained, parameters: Mapping[str, Any], *, registered: Bundle | None = None,
    admission: Admission | None = None, files: Mapping[str, bytes] = NO_FILES,
) -> RunRecord:  # fmt: skip
    """What a run logs of a fit, of the bundle `registered` where that is another, and of a first champion's gate."""
    bundle = registered or trained.bundle
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
    judged = {} if admission is None else {"gate.json": admission.to_dict()}
    loss = "root_mean_square" if bundle.is_amount else "log_loss"
    return RunRecord(
        parameters={**parameters, **named, **described},
        metrics=trained.logged_metrics(),
        curves={f"{loss}_{name}": values for name, values in trained.fit.history.items()},
        documents={**trained.documents(), **judged},
        files=files,
    )


def blocked_record(blocked: LeakageFound, parameters: Mapping[str, Any]) -> RunRecord:
    """What a run logs of a training that the guard blocked: no model, but what was found."""
    verdict = Verdict(blocked.found, {"guard_findings": float(len(blocked.found))})
    return RunRecord(parameters={**parameters, "guard": verdict.status}, metrics=verdict.figures,
                     documents={"guard.json": verdict.to_dict()})  # fmt: skip
