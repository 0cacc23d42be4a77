"""One MLflow run from start to end, quietly: parameters, figures, curves, files."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

EXPERIMENT = "tessera"
DATABASE_LOGGER = "mlflow.store.db.utils"
_MOST_IN_A_BATCH = 500


@dataclass(frozen=True)
class RunRecord:
    """What is logged of a training beside its model.

    `curves`: name to one value an iteration; `documents`: file name to plain values, written as JSON; `files`: path to
    what is written as it is.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def record_run(
    client: MlflowClient,
    record: RunRecord,
    *,
    name: str,
    tags: Mapping[str, str],
    folder: Path,
    artifact_root: str,
    status: str = "FINISHED",
) -> RunInfo:
    """A run with all of `record` and all files of `folder`, ended with `status`; a failure leaves it marked FAILED.

    Runs of the same head that an interruption left open are closed as KILLED first.
    """
    experiment = experiment_of(client, artifact_root)
    _close_abandoned(client, experiment, head=tags["head"])
    for file, values in record.documents.items():
        (folder / file).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for file, content in record.files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    run = client.create_run(experiment, run_name=name, tags=dict(tags))
    try:
        log_record(client, run.info.run_id, record)
        client.log_artifacts(run.info.run_id, str(folder))
    except BaseException:
        client.set_terminated(run.info.run_id, status="FAILED")
        raise
    client.set_terminated(run.info.run_id, status=status)
    return run.info


def open_store(uri: str) -> MlflowClient:
    """A client of the store at `uri`; an SQLite store is made if need be, by one process at a time."""
    _quiet_mlflow()
    file = sqlite_file(uri)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file), warnings.catch_warnings():
        # Alembic warns of the constraints that MLflow's own migrations alter.
        warnings.simplefilter("ignore")
        if file is not None and not file.exists():
            _make_sqlite(file)
        return _opened(uri)


def _make_sqlite(file: Path) -> None:
    """Make a store beside `file` and rename it once whole: MLflow cannot go on from half of its migrations."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    # What an interruption left, SQLite's journal of it included: that would be rolled back into the new file.
    for left in file.parent.glob(f"{unfinished.name}*"):
        left.unlink()
    _opened(f"sqlite:///{unfinished}")
    unfinished.replace(file)


def _opened(uri: str) -> MlflowClient:
    """A client whose stores are open: they open, and make their tables, when they are first asked."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.search_experiments(max_results=1)
    client.search_registered_models(max_results=1)
    return client


def sqlite_file(uri: str) -> Path | None:
    """The file behind an SQLite URI; None for a server or another database.

    >>> sqlite_file("sqlite:////lake/mlflow.db"), sqlite_file("https://models")
    (PosixPath('/lake/mlflow.db'), None)
    """
    path = uri.removeprefix("sqlite:///")
    return None if path == uri else Path(path)


@contextmanager
def _alone(file: Path | None) -> Iterator[None]:
    """MLflow's migrations fail if two processes run them on one new SQLite file at once."""
    if file is None:
        yield
        return
    with file.with_name(f"{file.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Closing the file gives the lock back.
        yield


def _quiet_mlflow() -> None:
    """Keep MLflow from reporting to its makers, drawing bars, and telling how it makes its tables."""
    # Read by MLflow when it is first imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow  # noqa: F401  (sets the levels of its loggers, which are then overruled)

    for name in (DATABASE_LOGGER, "alembic", "alembic.runtime.migration"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(DATABASE_LOGGER).addFilter(_tells_no_error)


def _tells_no_error(record: logging.LogRecord) -> bool:
    """False for the stack trace of an error of the database, which MLflow raises right after it has logged it."""
    return record.exc_info is None


def local_file(uri: str) -> Path | None:
    """The path of a local folder or `file:` URI; None for anything that must be fetched.

    >>> local_file("file:///a/b%20c"), local_file("s3://a/b")
    (PosixPath('/a/b c'), None)
    """
    parsed = urlparse(uri)
    if parsed.scheme == "":
        return Path(uri)
    return Path(unquote(parsed.path)) if parsed.scheme == "file" else None


def experiment_of(client: MlflowClient, artifact_root: str) -> str:
    """The id of our experiment, made if need be with its artefacts under `artifact_root`."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    try:
        near = local_file(artifact_root)
        # A relative path would be read from wherever the next job is started.
        location = artifact_root if near is None else near.resolve().as_uri()
        return str(client.create_experiment(EXPERIMENT, artifact_location=location))
    except MlflowException as problem:
        # Another training made it in between.
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            raise problem
        return str(found.experiment_id)


def _close_abandoned(client: MlflowClient, experiment: str, *, head: str) -> None:
    """A training that still lives ends its run as FINISHED all the same: closing it here costs nothing."""
    open_runs = f"attributes.status = 'RUNNING' and tags.head = '{head}'"
    for run in client.search_runs([experiment], filter_string=open_runs):
        client.set_terminated(run.info.run_id, status="KILLED")


def log_record(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    """Parameters, figures and curves of `record` on a run; the same parameters again are no change."""
    from mlflow.entities import Metric, Param

    parameters = [Param(name, str(value)) for name, value in record.parameters.items()]
    points = [Metric(name, value, 0, 0) for name, value in record.metrics.items()]
    for name, curve in record.curves.items():
        points += [Metric(name, value, 0, step) for step, value in enumerate(curve)]
    client.log_batch(run_id, params=parameters)
    for at in range(0, len(points), _MOST_IN_A_BATCH):
        client.log_batch(run_id, metrics=points[at : at + _MOST_IN_A_BATCH])
