"""The registry over a real SQLite store: round trip, reuse, repair after an interruption."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from jobs.failures import as_tessera_error
from models.bundle import Bundle
from models.errors import BrokenModel, NoModel
from models.heads import CHURN, LIFETIME, PURCHASE
from models.lifetime.record import LifetimeModel
from models.registry import Registry
from models.tracking import RunRecord
from tests.unit.models.bundles import registry_in
from tests.unit.models.lifetime.fits import MODEL

RECORD = RunRecord(
    parameters={"max_depth": 4},
    metrics={"test_auc": 0.75},
    curves={"log_loss_fit": [0.6, 0.5]},
    documents={"features.json": ["a", "b", "c"]},
)


def test_a_registered_model_is_champion_with_its_evidence(registry: Registry, bundle: Bundle) -> None:
    created = registry.register(bundle, RECORD)
    assert registry.load(CHURN) == created
    assert (created.version, created.bundle) == ("1", bundle)
    client = registry._client
    version = client.get_model_version_by_alias("tessera_churn", "champion")
    assert version.tags == {
        "training_fingerprint": "training-1",
        "feature_fingerprint": "features-1",
        "gate": "ungated",
        "files_sha256": version.tags["files_sha256"],
    }
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"max_depth": "4"}
    assert run.data.metrics == {"test_auc": 0.75, "log_loss_fit": 0.5}
    assert [point.value for point in client.get_metric_history(version.run_id, "log_loss_fit")] == [0.6, 0.5]
    files = {entry.path for entry in client.list_artifacts(version.run_id)}
    assert files == {"bundle", "features.json"}


def test_a_full_disk_under_the_database_is_said_in_a_line_and_the_next_try_is_whole(
    registry: Registry, bundle: Bundle, capfd: pytest.CaptureFixture[str]
) -> None:
    """The database may take no further page, and then as many as it likes."""
    many = replace(RECORD, metrics={f"figure_{number}": float(number) for number in range(400)})
    most_pages = [1]

    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {most_pages[-1]}")

    event.listen(Engine, "begin", limit)
    try:
        with pytest.raises(MlflowException) as raised:
            registry.register(bundle, many)
        most_pages.append(2**30)
        assert registry.register(bundle, many).version == "1"
    finally:
        event.remove(Engine, "begin", limit)
    known = as_tessera_error(raised.value)
    assert known is not None and known.exit_code == 4 and "disk of the model registry's database is full" in str(known)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_the_newest_is_champion_and_the_older_is_found_by_what_it_was_trained_on(
    registry: Registry, bundle: Bundle
) -> None:
    registry.register(bundle, RECORD)
    registry.register(replace(bundle, training_fingerprint="training-2"), RECORD)
    assert registry.load(CHURN).version == "2"
    found = registry.find_by_training_fingerprint(CHURN, "training-1")
    assert found is not None and found.version == "1"
    assert registry.find_by_training_fingerprint(CHURN, "training-3") is None
    registry.set_alias(CHURN, version=found.version)
    assert registry.load(CHURN) == found


def test_of_two_fits_of_one_training_the_newer_is_reused(registry: Registry, bundle: Bundle) -> None:
    registry.register(bundle, RECORD)
    registry.register(bundle, RECORD)
    found = registry.find_by_training_fingerprint(CHURN, "training-1")
    assert found is not None and found.version == "2"


def test_without_a_model_the_answer_is_to_train(registry: Registry, bundle: Bundle) -> None:
    with pytest.raises(NoModel, match="Train first") as caught:
        registry.load(CHURN)
    assert caught.value.exit_code == 3
    registry.register(bundle, RECORD)
    with pytest.raises(NoModel, match=r"heads with a model: churn"):
        registry.load(PURCHASE)


def test_asking_makes_no_store(tmp_path: Path) -> None:
    absent = registry_in(tmp_path)
    with pytest.raises(NoModel):
        absent.load(CHURN)
    assert absent.find_by_training_fingerprint(CHURN, "any") is None
    assert list(tmp_path.iterdir()) == []


def test_killed_before_the_alias_nothing_is_champion_and_the_version_is_found(
    registry: Registry, bundle: Bundle
) -> None:
    registry.register(bundle, RECORD, alias=None)
    with pytest.raises(NoModel):
        registry.load(CHURN)
    found = registry.find_by_training_fingerprint(CHURN, "training-1")
    assert found is not None and found.bundle == bundle


def test_a_version_whose_files_are_gone_is_neither_reused_nor_loaded(registry: Registry, bundle: Bundle) -> None:
    registry.register(bundle, RECORD)
    shutil.rmtree(Path(registry.artifact_root))
    assert registry.find_by_training_fingerprint(CHURN, "training-1") is None
    with pytest.raises(BrokenModel, match="--refit"):
        registry.load(CHURN)


@pytest.mark.parametrize("change", ["a byte", "a file more", "a file less"])
def test_files_that_are_not_those_that_were_registered_are_no_model(
    registry: Registry, bundle: Bundle, change: str
) -> None:
    registry.register(bundle, RECORD)
    (folder,) = Path(registry.artifact_root).rglob("bundle")
    model = folder / "model.ubj"
    if change == "a byte":
        model.write_bytes(model.read_bytes()[:-1] + b"?")
    elif change == "a file more":
        (folder / "resample_0.ubj").write_bytes(b"")
    else:
        model.unlink()
    with pytest.raises(BrokenModel, match="not the files that were registered"):
        registry.load(CHURN)
    assert registry.find_by_training_fingerprint(CHURN, "training-1") is None


def test_a_version_of_before_there_were_hashes_is_loaded(registry: Registry, bundle: Bundle) -> None:
    created = registry.register(bundle, RECORD)
    registry._client.delete_model_version_tag("tessera_churn", created.version, "files_sha256")
    assert registry.load(CHURN) == created


def test_a_lifetime_model_is_registered_like_any_head(registry: Registry) -> None:
    lifetimes = Registry(registry.tracking_uri, registry.artifact_root, LifetimeModel.load)
    created = lifetimes.register(MODEL, RunRecord(metrics={"r": 0.6}))
    assert lifetimes.load(LIFETIME) == created and created.bundle == MODEL
    assert lifetimes.find_by_training_fingerprint(LIFETIME, "training-1") == created
    assert lifetimes.find_by_training_fingerprint(LIFETIME, "another") is None
    assert lifetimes._client.get_model_version_by_alias("tessera_lifetime", "champion").version == 1


def test_an_abandoned_run_is_closed_by_the_next(registry: Registry, bundle: Bundle) -> None:
    registry.register(bundle, RECORD)
    client = registry._client
    experiment = client.get_experiment_by_name("tessera").experiment_id
    open_runs = {head: client.create_run(experiment, tags={"head": head}).info.run_id for head in ("churn", "purchase")}
    registry.register(bundle, RECORD)
    found = {head: client.get_run(run_id).info.status for head, run_id in open_runs.items()}
    assert found == {"churn": "KILLED", "purchase": "RUNNING"}


def test_a_moved_warehouse_still_has_its_models(registry: Registry, bundle: Bundle, tmp_path: Path) -> None:
    created = registry.register(bundle, RECORD)
    (tmp_path / "my lake").rename(tmp_path / "elsewhere")
    assert registry_in(tmp_path / "elsewhere").load(CHURN) == created


def test_a_relative_folder_is_stored_as_the_place_it_is(
    empty_store: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(empty_store, tmp_path / "lake")
    monkeypatch.chdir(tmp_path)
    near = Registry("sqlite:///lake/mlflow.db", "lake/artifacts")
    near.register(bundle, RECORD)
    source = near._client.get_model_version("tessera_churn", "1").source
    assert urlparse(source).path.startswith(str(tmp_path / "lake" / "artifacts"))
