"""The model registry: MLflow runs, registered versions and the aliases `champion` and `challenger`.

An alias is moved last, after files, run and version exist, so that an interruption leaves at worst a version nobody
uses; the next training finds it by its training fingerprint and finishes the job.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from models.bundle import Bundle
from models.digests import digest_of, refuse_changed
from models.errors import BrokenModel, NoModel
from models.heads import Head, registered_as
from models.tracking import RunRecord, local_file, open_store, record_run, sqlite_file

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
TRAINING_TAG, FEATURES_TAG, GATE_TAG = "training_fingerprint", "feature_fingerprint", "gate"
REPLACED_TAG = "replaced"
"""On a version that was promoted: the champion before it, "" for none."""
DIGEST_TAG = "files_sha256"
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
            files = Path(folder) / _BUNDLE
            bundle.save(files)
            tags = {**_tags(bundle), DIGEST_TAG: digest_of(files)}
            run = self._run(head, record, tags=_tags(bundle), folder=Path(folder))
        created = self._client.create_model_version(
            head.model_name, source=f"{run.artifact_uri}/{_BUNDLE}", run_id=run.run_id, tags=tags
        )
        if alias is not None:
            self.set_alias(head, version=str(created.version), alias=alias)
        return Registered(bundle, str(created.version))

    def note(self, head: Head, record: RunRecord, *, tags: Mapping[str, str], status: str = "FINISHED") -> str:
        """Log a run without a model, such as a decision about one; its id."""
        with tempfile.TemporaryDirectory() as folder:
            return str(self._run(head, record, tags=tags, folder=Path(folder), status=status).run_id)

    def _run(
        self, head: Head, record: RunRecord, *, tags: Mapping[str, str], folder: Path, status: str = "FINISHED"
    ) -> RunInfo:
        return record_run(self._client, record, name=head.name, tags={"head": head.name, **tags},
                          folder=folder, artifact_root=self.artifact_root, status=status)  # fmt: skip

    def set_alias(self, head: Head, *, version: str, alias: str = CHAMPION) -> None:
        """Point the alias at a version; again is the same."""
        self._client.set_registered_model_alias(head.model_name, alias, version)

    def promote(self, head: Head, *, version: str, gate: str) -> None:
        """Make a version champion and say on it whom it replaces; it challenges no longer. Again is the same."""
        before = self.version_of(head)
        if before != version:
            for tag, value in {REPLACED_TAG: before or "", GATE_TAG: gate}.items():
                self._client.set_model_version_tag(head.model_name, version, tag, value)
            self.set_alias(head, version=version)
        if self.version_of(head, alias=CHALLENGER) == version:
            self._client.delete_registered_model_alias(head.model_name, CHALLENGER)

    def before(self, head: Head, version: str) -> Registered[M]:
        """The champion that a version has replaced; NoModel where it has replaced none, BrokenModel without files."""
        client = self._client
        earlier = client.get_model_version(head.model_name, version).tags.get(REPLACED_TAG)
        if not earlier:
            raise NoModel.before(head.name, version=version)
        return Registered(self._bundle(client.get_model_version(head.model_name, earlier)), earlier)

    def version_of(self, head: Head, *, alias: str = CHAMPION) -> str | None:
        """The version that holds the alias, its files unread; None where none does."""
        if not self._exists():
            return None
        found = self._holder(head, alias)
        return None if found is None else str(found.version)

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
        version = self._holding(head, alias)
        return Registered(self._bundle(version), str(version.version))

    def file(self, head: Head, path: str, *, alias: str = CHAMPION) -> bytes:
        """A file that was logged with the model that holds the alias, by its path; NoModel or BrokenModel if absent."""
        version = self._holding(head, alias)
        with self._fetched(version, path) as found:
            try:
                return found.read_bytes()
            except OSError as problem:
                what = f"'{path}' of version {version.version} of '{head.model_name}'"
                raise BrokenModel.files(what, where=str(version.source), reason="it has none") from problem

    def _holding(self, head: Head, alias: str) -> ModelVersion:
        if not self._exists():
            raise NoModel.alias(head.name, alias=alias, registry=self.tracking_uri, heads=[])
        version = self._holder(head, alias)
        if version is None:
            known = self.heads_with(alias)
            raise NoModel.alias(head.name, alias=alias, registry=self.tracking_uri, heads=known)
        return version

    def _holder(self, head: Head, alias: str) -> ModelVersion | None:
        client = self._client
        from mlflow.exceptions import MlflowException

        try:
            return client.get_model_version_by_alias(head.model_name, alias)
        except MlflowException as problem:
            if problem.error_code not in _ABSENT:
                raise
            return None

    def _bundle(self, version: ModelVersion) -> M:
        with self._fetched(version, _BUNDLE) as found:
            what = f"version {version.version} of '{version.name}'"
            refuse_changed(found, registered=version.tags.get(DIGEST_TAG), what=what)
            return self.read(found)

    @contextmanager
    def _fetched(self, version: ModelVersion, path: str) -> Iterator[Path]:
        """What a version's run logged: where it is if that is local, else a copy that lives while it is read."""
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        source = f"{str(version.source).removesuffix(_BUNDLE)}{path}"
        near, moved = local_file(source), local_file(self.artifact_root)
        if near is not None and not near.exists() and moved is not None:
            # The store keeps absolute paths; a warehouse that was moved has its runs beside it all the same.
            near = moved / str(version.run_id) / "artifacts" / path
        if near is not None:
            yield near
            return
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=self.tracking_uri)
            except (MlflowException, OSError) as problem:
                what = f"version {version.version} of '{version.name}'"
                raise BrokenModel.files(what, where=source, reason=str(problem)) from problem
            yield Path(found)

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
