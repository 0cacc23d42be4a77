"""The job `promote` over a real registry: what becomes of a challenger; rows in memory instead of Spark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

import jobs.promote
from jobs.promote import promote_step, rollback_step
from models.algorithms.repeat_buying import HISTORY_FEATURES
from models.bundle import Bundle
from models.calibrate import Calibrator
from models.errors import NoModel, OtherFeatures
from models.heads import CHURN
from models.promotion.decision import Decision
from models.promotion.forecasts import Forecast
from models.promotion.recipes import Table, described
from models.promotion.rule import Standing
from models.registry import CHALLENGER, CHAMPION, Registry
from models.tracking import RunRecord
from tests.unit.models.bundles import small_bundle
from tests.unit.models.promotion.histories import AS_OF, COLUMNS, PARAMETERS, PLAN, history_table
from tests.unit.models.promotion.pairs import noisy, truth

MEANINGS = dict.fromkeys(COLUMNS, "as today")


@pytest.fixture(scope="module")
def table() -> Table:
    return history_table()


class Job:
    """What `promote` reads of a run; what it says and writes down is kept."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.written: list[Decision] = []
        self.settings = SimpleNamespace(seed=3)
        self.started_at = datetime(2011, 12, 10, tzinfo=UTC)
        self.out = SimpleNamespace(print=lambda text, **_: self.said.append(text))

    @contextmanager
    def step(self, _: str) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(results={})

    def features(self) -> SimpleNamespace:
        named = [SimpleNamespace(name=name) for name in COLUMNS]
        return SimpleNamespace(fingerprint="today", features=named, feature_fingerprints=MEANINGS)


@pytest.fixture
def job(registry: Registry, table: Table, monkeypatch: pytest.MonkeyPatch) -> Job:
    made = Job()
    instead = {
        "registry_of": lambda _: registry, "standing": lambda *_: None, "split_plan": lambda *_: PLAN,
        "training_table": lambda *_: table, "rows_of_the_test": lambda *_: None,
        "_standing_of": lambda *_: Standing("passed, 0 reported"),
        "write_down": lambda _, decision, **__: made.written.append(decision),
    }  # fmt: skip
    for name, fake in instead.items():
        monkeypatch.setattr(jobs.promote, name, fake)
    return made


def model(features: tuple[str, ...], name: str, **changes: object) -> Bundle:
    made = replace(
        small_bundle(), features=features, algorithm="logistic_regression", dates=PLAN.describe(),
        calibrator=Calibrator(1.0, 0.0, "unseasonal", "", 9), recipe=described(PARAMETERS, seed=7),
        meanings={one: MEANINGS[one] for one in features}, feature_fingerprint="of then", training_fingerprint=name,
    )  # fmt: skip
    return replace(made, **changes)


GOOD, POOR = ("views", *HISTORY_FEATURES), ("noise",)


def test_a_better_recipe_is_promoted_and_can_be_rolled_back(registry: Registry, job: Job) -> None:
    registry.register(model(POOR, "old"), RunRecord())
    registry.register(model(GOOD, "new"), RunRecord(), alias=CHALLENGER)
    decision = promote_step(job, "churn_60d", AS_OF)
    assert (decision.outcome, decision.compared, decision.before) == ("promoted", "refitted recipes", "1")
    assert registry.version_of(CHURN) == "2" and registry.version_of(CHURN, alias=CHALLENGER) is None
    assert job.written == [decision] and "churn: promoted; version 2 is champion, in place of 1" in job.said[0]
    client = registry._client
    runs = client.search_runs([client.get_experiment_by_name("tessera").experiment_id], "tags.promotion = 'promoted'")
    assert runs[0].data.metrics["log_loss_gain"] == decision.figures["log_loss_gain"] > 0.02
    assert {file.path for file in client.list_artifacts(runs[0].info.run_id)} == {"promotion.json"}

    assert promote_step(job, "churn_60d", AS_OF) is None and "nothing challenges version 2" in job.said[-1]
    assert rollback_step(job, CHURN).outcome == "rolled back" and registry.version_of(CHURN) == "1"
    assert (job.written[-1].before, job.written[-1].version, job.written[-1].as_of) == ("2", "1", date(2011, 12, 10))
    with pytest.raises(NoModel, match="no earlier champion"):
        rollback_step(job, CHURN)


def test_a_recipe_that_is_no_better_stays_a_challenger(registry: Registry, job: Job) -> None:
    registry.register(model(GOOD, "old"), RunRecord())
    registry.register(model(GOOD, "new"), RunRecord(), alias=CHALLENGER)
    decision = promote_step(job, "churn_60d", AS_OF)
    assert decision.outcome == "kept" and all(reason.startswith("(a) fails") for reason in decision.reasons)
    assert (registry.version_of(CHURN), registry.version_of(CHURN, alias=CHALLENGER)) == ("1", "2")


def test_models_of_earlier_dates_are_judged_as_they_are(
    registry: Registry, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = {"calibrate": "2011-02-01"}
    registry.register(model(GOOD, "old", dates=early), RunRecord())
    registry.register(model(GOOD, "new", dates=early), RunRecord(), alias=CHALLENGER)
    rows, log_odds = truth()
    said: dict[str, Forecast] = {"new": rows, "old": noisy(rows, log_odds, noise=0.8)}
    asked = []
    frame = SimpleNamespace(persist=lambda: frame, unpersist=lambda: asked.append("released"))
    monkeypatch.setattr(jobs.promote, "later_rows", lambda _, __, dates: asked.append(dates) or frame)
    monkeypatch.setattr(jobs.promote, "rows_at", lambda *_: None)
    monkeypatch.setattr(jobs.promote, "forecast", lambda _, __, bundle: said[bundle.training_fingerprint])
    assert promote_step(job, "churn_60d", AS_OF).compared == "same rows"
    assert asked == [(date(2011, 10, 10), date(2011, 8, 11), date(2011, 6, 12)), "released"]
    assert registry.version_of(CHURN) == "2"


def test_a_champion_of_other_definitions_gives_way_to_a_challenger_that_passes(registry: Registry, job: Job) -> None:
    registry.register(model(GOOD, "old", meanings={**dict.fromkeys(GOOD, "as today"), "views": "other"}), RunRecord())
    registry.register(model(GOOD, "new"), RunRecord(), alias=CHALLENGER)
    decision = promote_step(job, "churn_60d", AS_OF)
    assert (decision.outcome, decision.compared, registry.version_of(CHURN)) == ("promoted", "rivals", "2")
    assert "other definitions of 1 of its features: views" in decision.reasons[0]
    assert decision.reasons[1] == "gate of a first champion: passed"


def test_where_it_does_not_pass_the_best_rival_is_champion_once(registry: Registry, job: Job) -> None:
    registry.register(model(POOR, "old", recipe={}), RunRecord())
    registry.register(model(POOR, "new"), RunRecord(), alias=CHALLENGER)
    decision = promote_step(job, "churn_60d", AS_OF)
    assert "did not keep how it was made" in decision.reasons[0] and decision.version == "3"
    assert registry.load(CHURN).bundle.gate == "rival: bgnbd"
    # As if it had been killed before the alias moved: the rival is found and not registered again.
    registry.set_alias(CHURN, version="1", alias=CHAMPION)
    assert promote_step(job, "churn_60d", AS_OF).version == "3"
    assert len(registry._client.search_model_versions("name = 'tessera_churn'")) == 3


def test_a_challenger_that_cannot_score_is_refused(registry: Registry, job: Job) -> None:
    registry.register(model(GOOD, "old"), RunRecord())
    registry.register(model(GOOD, "new", meanings=dict.fromkeys(GOOD, "of then")), RunRecord(), alias=CHALLENGER)
    with pytest.raises(OtherFeatures, match="other definitions of 4 of its features"):
        promote_step(job, "churn_60d", AS_OF)
    assert registry.version_of(CHURN) == "1" and job.written == []


def test_killed_before_the_alias_the_same_command_decides_alike(
    registry: Registry, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.register(model(POOR, "old"), RunRecord())
    registry.register(model(GOOD, "new"), RunRecord(), alias=CHALLENGER)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Registry, "promote", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        promote_step(job, "churn_60d", AS_OF)
    assert registry.version_of(CHURN) == "1"
    promote_step(job, "churn_60d", AS_OF)
    assert registry.version_of(CHURN) == "2" and job.written[0] == job.written[1]


def test_a_head_without_any_model_says_to_train(registry: Registry, job: Job) -> None:
    with pytest.raises(NoModel, match="Train first"):
        promote_step(job, "churn_60d", AS_OF)
