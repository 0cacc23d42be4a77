"""The model registry: MLflow runs, registered versions and the alias `champion`.

A version becomes champion last, after its files, its run and itself exist, so that an interruption leaves at
worst a version nobody uses; the next training finds it by its training fingerprint and finishes the job.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from models.bundle import Bundle
from models.errors import BrokenModel, NoModel
from models.heads import Head, registered_as
from models.tracking import RunRecord, local_file, open_store, record_run, sqlite_file

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"
TRAINING_TAG, FEATURES_TAG, GATE_TAG = "training_fingerprint", "feature_fingerprint", "gate"
_BUNDLE = "bundle"
_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


class Registrable(Protocol):
    """What can be registered: it knows its head, what it was made from, and how to write itself into a folder."""

    @property
    def head(self) -> str: ...

    @property
    def training_fingerprint(self) -> str: ...

    @property
    def feature_fingerprint(self) -> str: ...

    @property
    def gate(self) -> str: ...

    def save(self, folder: Path) -> None: ...


M = TypeVar("M", bound=Registrable)


@dataclass(frozen=True)
class Registered(Generic[M]):
    """A bundle as it came out of the registry, and the version it is registered as."""

    bundle: M
    version: str


@dataclass(frozen=True)
class Registry(Generic[M]):
    """The registry at `tracking_uri` (`sqlite:///...` or a server); runs keep files under `artifact_root`.

    `read` makes a model of the folder that its `save` wrote: `Bundle.load`, or that of another kind of model.
    """

    tracking_uri: str
    artifact_root: str
    read: Callable[[Path], M] = Bundle.load  # type: ignore[assignment]  # M is Bundle where nothing is said

    def register(self, bundle: M, record: RunRecord, *, alias: str | None = CHAMPION) -> Registered[M]:
        """Log the run with the bundle's files, register a version of it, and give it the alias last."""
        head = registered_as(bundle.head)
        self._ensure_model(head)
        with tempfile.TemporaryDirectory() as folder:
            bundle.save(Path(folder) / _BUNDLE)
            tags = {"head": head.name, **_tags(bundle)}
            run = record_run(
                self._client,
                record,
                name=head.name,
                tags=tags,
                folder=Path(folder),
                artifact_root=self.artifact_root,
            )
        created = self._client.create_model_version(
            head.model_name, source=f"{run.artifact_uri}/{_BUNDLE}", run_id=run.run_id, tags=_tags(bundle)
        )
        if alias is not None:
            self.set_alias(head, version=str(created.version), alias=alias)
        return Registered(bundle, str(created.version))

    def set_alias(self, head: Head, *, version: str, alias: str = CHAMPION) -> None:
        """Point the alias at a version; again is the same."""
        self._client.set_registered_model_alias(head.model_name, alias, version)

    def find_by_training_fingerprint(self, head: Head, fingerprint: str) -> Registered[M] | None:
        """The newest version of that fingerprint whose files are whole, or None."""
        if not self._exists():
            return None
        for version in self._versions(head, fingerprint=fingerprint):
            try:
                return Registered(self._bundle(version), str(version.version))
            except BrokenModel:
                continue
        return None

    def load(self, head: Head, *, alias: str = CHAMPION) -> Registered[M]:
        """The model that holds the alias; NoModel if none does, BrokenModel if its files are gone."""
        if not self._exists():
            raise NoModel.alias(head.name, alias=alias, registry=self.tracking_uri, heads=[])
        client = self._client
        from mlflow.exceptions import MlflowException

        try:
            version = client.get_model_version_by_alias(head.model_name, alias)
        except MlflowException as problem:
            if problem.error_code not in _ABSENT:
                raise
            known = self.heads_with(alias)
            raise NoModel.alias(head.name, alias=alias, registry=self.tracking_uri, heads=known) from problem
        return Registered(self._bundle(version), str(version.version))

    def _bundle(self, version: ModelVersion) -> M:
        """Read where the files are if that is local, else from a copy that lives only while it is read."""
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        source, run_id = str(version.source), str(version.run_id)
        near, moved = local_file(source), local_file(self.artifact_root)
        if near is not None and not near.is_dir() and moved is not None:
            # The store keeps absolute paths; a warehouse that was moved has its runs beside it all the same.
            near = moved / run_id / "artifacts" / _BUNDLE
        if near is not None:
            return self.read(near)
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=self.tracking_uri)
            except (MlflowException, OSError) as problem:
                what = f"version {version.version} of '{version.name}'"
                raise BrokenModel.files(what, where=source, reason=str(problem)) from problem
            return self.read(Path(found))

    def _versions(self, head: Head, *, fingerprint: str) -> Iterator[ModelVersion]:
        wanted = f"name = '{head.model_name}' and tags.{TRAINING_TAG} = '{fingerprint}'"
        yield from self._client.search_model_versions(wanted, order_by=["version_number DESC"])

    def heads_with(self, alias: str = CHAMPION) -> Sequence[str]:
        """The names of the heads that have a model with the alias."""
        if not self._exists():
            return []
        models = self._client.search_registered_models()
        return [model.name.removeprefix("tessera_") for model in models if alias in model.aliases]

    def _ensure_model(self, head: Head) -> None:
        client = self._client
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(head.model_name)
        except MlflowException as problem:
            if problem.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _exists(self) -> bool:
        """Asking an SQLite store that is not there would make one."""
        file = sqlite_file(self.tracking_uri)
        return file is None or file.is_file()

    @cached_property
    def _client(self) -> MlflowClient:
        return open_store(self.tracking_uri)


def _tags(bundle: Registrable) -> dict[str, str]:
    return {
        TRAINING_TAG: bundle.training_fingerprint,
        FEATURES_TAG: bundle.feature_fingerprint,
        GATE_TAG: bundle.gate,
    }
