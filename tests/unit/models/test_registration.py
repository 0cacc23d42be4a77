"""Who becomes champion, over a real SQLite store: the first after its gate, others as challengers; kills, rollback."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.algorithms.boosted import FittedBooster
from models.algorithms.contract import Fit
from models.bundle import Bundle
from models.errors import NoModel
from models.evaluate import Metrics
from models.guard.findings import Finding, LeakageFound
from models.heads import CHURN, HEADS
from models.promotion.rivals import Admission
from models.registration import Entry, enter
from models.registry import CHALLENGER, CHAMPION, Registry
from models.tracking import local_file
from models.trained import TrainedHead
from tests.unit.models.bundles import small_bundle


class Killed(BaseException):
    """What a kill looks like to the code that it ends."""


def trained(bundle: Bundle) -> TrainedHead:
    nothing = Metrics(n=0)
    return TrainedHead(bundle, Fit(FittedBooster(bundle.model), rows=1), {}, nothing, nothing, nothing, ())


def entered(registry: Registry, bundle: Bundle, *, gate: str = "passed", head=CHURN, fits: list | None = None) -> Entry:
    def fit() -> TrainedHead:
        if fits is not None:
            fits.append(bundle.training_fingerprint)
        return trained(bundle)

    return enter(registry, head, fingerprint=bundle.training_fingerprint, fit=fit, parameters={"trees": 3},
                 admit=lambda one: Admission(replace(one, gate=gate)))  # fmt: skip


def second(bundle: Bundle) -> Bundle:
    return replace(bundle, training_fingerprint="training-2")


def test_the_first_model_is_champion_by_its_gate_and_is_reused(registry: Registry, bundle: Bundle) -> None:
    fits: list[str] = []
    first = entered(registry, bundle, fits=fits)
    assert (first.role, first.model.version, first.model.bundle.gate, first.reused) == (CHAMPION, "1", "passed", False)
    again = entered(registry, bundle, fits=fits)
    assert (again.role, again.model.version, again.reused, again.admission) == (CHAMPION, "1", True, None)
    assert fits == ["training-1"] and registry.version_of(CHURN, alias=CHALLENGER) is None
    run = registry._client.get_run(registry._client.get_model_version("tessera_churn", "1").run_id)
    assert run.data.params["gate"] == "passed"
    assert "gate.json" in {entry.path for entry in registry._client.list_artifacts(run.info.run_id)}


def test_a_rival_that_was_not_beaten_is_registered_instead(registry: Registry, bundle: Bundle) -> None:
    rival = replace(bundle, features=("x", "y", "z"))
    first = enter(registry, CHURN, fingerprint="training-1", fit=lambda: trained(bundle), parameters={},
                  admit=lambda one: Admission(replace(rival, gate="rival: logistic_regression")))  # fmt: skip
    assert first.role == CHAMPION and registry.load(CHURN).bundle.features == ("x", "y", "z")
    again = entered(registry, bundle, fits=[])
    assert again.reused and again.model.bundle.gate == "rival: logistic_regression"


def test_a_later_training_challenges_and_promote_alone_moves_the_champion(registry: Registry, bundle: Bundle) -> None:
    entered(registry, bundle)
    later = entered(registry, second(bundle), gate="never asked")
    assert (later.role, later.model.version, later.model.bundle.gate, later.admission) == (
        CHALLENGER, "2", "challenger", None
    )  # fmt: skip
    assert registry.load(CHURN).version == "1" and registry.load(CHURN, alias=CHALLENGER) == later.model
    assert entered(registry, second(bundle), fits=[]).role == CHALLENGER

    registry.promote(CHURN, version="2", gate="promoted over 1")
    assert registry.version_of(CHURN) == "2" and registry.version_of(CHURN, alias=CHALLENGER) is None
    assert registry._client.get_model_version("tessera_churn", "2").tags["gate"] == "promoted over 1"
    assert entered(registry, second(bundle)).role == CHAMPION

    earlier = registry.before(CHURN, "2")
    assert earlier.version == "1" and earlier.bundle.training_fingerprint == "training-1"
    registry.set_alias(CHURN, version=earlier.version)
    with pytest.raises(NoModel, match="no earlier champion: version 1 has replaced none") as caught:
        registry.before(CHURN, "1")
    assert caught.value.exit_code == 3


def test_killed_before_the_alias_the_next_training_finishes(
    registry: Registry, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    for made, role in ((bundle, CHAMPION), (second(bundle), CHALLENGER)):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(Registry, "set_alias", killed)
            entered(registry, made)
        assert registry.version_of(CHURN, alias=role) is None
        fits: list[str] = []
        found = entered(registry, made, fits=fits)
        assert (found.role, found.reused, fits) == (role, True, [])
    assert registry.version_of(CHURN) == "1" and registry.version_of(CHURN, alias=CHALLENGER) == "2"
    assert len(registry._client.search_model_versions("name = 'tessera_churn'")) == 2


def test_killed_while_promoting_the_same_command_ends_alike(
    registry: Registry, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered(registry, bundle)
    entered(registry, second(bundle))
    set_alias = Registry.set_alias

    def then_killed(self: Registry, *arguments: object, **named: object) -> None:
        set_alias(self, *arguments, **named)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Registry, "set_alias", then_killed)
        registry.promote(CHURN, version="2", gate="promoted over 1")
    assert registry.version_of(CHURN) == registry.version_of(CHURN, alias=CHALLENGER) == "2"
    registry.promote(CHURN, version="2", gate="anything")
    assert registry.version_of(CHURN, alias=CHALLENGER) is None
    assert registry.before(CHURN, "2").version == "1"


def test_a_challenger_without_a_champion_is_not_crowned_unjudged(registry: Registry, bundle: Bundle) -> None:
    entered(registry, bundle)
    entered(registry, second(bundle))
    registry._client.delete_registered_model_alias("tessera_churn", CHAMPION)
    assert entered(registry, second(bundle), fits=[]).role == CHALLENGER
    assert registry.version_of(CHURN) is None


def test_a_training_that_the_guard_blocks_leaves_a_failed_run_with_its_findings(registry: Registry) -> None:
    finding = Finding("G4", "future_spend", 0.12, 0.05, True, "without 'future_spend' the AUC falls by 0.12")

    def blocked() -> TrainedHead:
        raise LeakageFound.findings("churn", [finding])

    with pytest.raises(LeakageFound):
        enter(registry, CHURN, fingerprint="t", fit=blocked, admit=pytest.fail, parameters={"trees": 3})
    client = registry._client
    [run] = client.search_runs([client.get_experiment_by_name("tessera").experiment_id])
    assert run.info.status == "FAILED" and run.data.tags["blocked_by"] == "leakage guard"
    assert (run.data.params["trees"], run.data.params["guard"]) == ("3", "blocked by 1")
    folder = local_file(run.info.artifact_uri)
    kept = json.loads(Path(folder, "guard.json").read_text(encoding="utf-8"))
    assert kept["findings"] == [finding.to_dict()]
    assert registry.version_of(CHURN) is None


def test_the_newest_model_of_an_amount_is_champion(registry: Registry) -> None:
    spend = HEADS["spend"]
    bundle = small_bundle(spend)
    entered(registry, bundle, head=spend)
    later = entered(registry, second(bundle), head=spend)
    assert later.role == CHAMPION and registry.version_of(spend) == "2"
    assert registry.before(spend, "2").version == "1"
