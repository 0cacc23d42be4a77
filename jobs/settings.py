"""All settings: `conf/base.yml`, an overlay on it, then single keys; one validated model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial, reduce
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, model_validator

from featurestore.configuration import Strict, parse_yaml, validated
from featurestore.configuration_files import text_of
from featurestore.errors import ConfigurationError, did_you_mean
from featurestore.feature_settings import FeatureSettings
from featurestore.label_config import LABELS, label, label_config
from featurestore.label_definitions import Label
from featurestore.plain_yaml import plain_yaml
from featurestore.source_config import SourceConfig, source_config
from featurestore.views import FeatureView
from jobs.options.build_training_set import ALL
from models.algorithms import NAMES
from models.algorithms.parameters import AlgorithmSettings, BoostingSettings
from models.guard.settings import GuardSettings
from models.heads import HEADS
from models.parameters import CALIBRATIONS
from models.publication.settings import PublicationSettings
from models.segments.settings import SegmentSettings
from models.thresholds import Values
from models.training_rows import SampleRule

NO_OVERLAYS = {"base.yml", "actions.yml", "reasons.yml"}


class SparkSettings(Strict):
    """What Spark is told."""

    shuffle_partitions: int = Field(gt=0)
    arrow_batch_rows: int = Field(gt=0)
    snapshot_partitions: int = Field(gt=0)
    extra: dict[str, str | int | float | bool]


class LayoutSettings(Strict):
    """How the files of the score tables lie."""

    file_mb: int = Field(gt=0)


class AliasSettings(Strict):
    """How files of aliases are judged."""

    quarantined_share_limit: float = Field(ge=0, le=1)


class TrainingSettings(BoostingSettings):
    """What is learned by default, as-ofs, boosting and what the driver may read."""

    labels: tuple[str, ...] = Field(min_length=1)
    first_as_of_after_days: int = Field(ge=0)
    step_days: int = Field(gt=0)
    customer_share: float = Field(gt=0, le=1)
    minimum_fitted: int = Field(gt=0)
    max_evaluation_rows: int = Field(gt=0)
    max_baseline_rows: int = Field(gt=0)
    calibration: Literal[CALIBRATIONS]  # type: ignore[valid-type]
    calibration_backtests: int = Field(gt=0)
    trial_rows: int = Field(gt=0)
    compare_folds: int = Field(gt=0)
    algorithm: Literal[NAMES]  # type: ignore[valid-type]
    sample_by: SampleRule
    words: tuple[str, ...]
    max_words: int = Field(gt=0)
    confidence_boosters: int = Field(ge=0)
    confidence_rows: int = Field(gt=0)
    algorithms: AlgorithmSettings

    @model_validator(mode="after")
    def _heads_learn_the_labels(self) -> TrainingSettings:
        learned = [head.label for head in HEADS.values()]
        for name in self.labels:
            if name not in (*learned, ALL):
                raise ValueError(f"labels: no task of conf/tasks/ learns '{name}'. {did_you_mean(name, learned)}")
        return self


class TuningSettings(Strict):
    """How parameters are searched for, and for how long."""

    trials: int | None = Field(ge=2)
    minutes: float | None = Field(gt=0)
    folds: int = Field(gt=0)
    reserved: int = Field(gt=0)
    rows: int = Field(gt=0)
    together: int = Field(gt=0)
    storage: str | None

    @model_validator(mode="after")
    def _ends(self) -> TuningSettings:
        if self.trials is None and self.minutes is None:
            raise ValueError("say trials or minutes: a search without either never ends")
        return self


class LifetimeSettings(Strict):
    """Penalty, bounds and money of the lifetime models."""

    spread: float = Field(gt=0)
    cells: int = Field(ge=1_000)
    winsorised_percent: float = Field(ge=50, le=100)
    correlation_warning: float = Field(ge=0, le=1)
    discount: float = Field(ge=0, lt=1)
    first_backtest_after_days: int = Field(gt=0)
    max_evaluation_rows: int = Field(gt=0)


class ReasonSettings(Strict):
    """What is told of a churn score."""

    phrases: str | None
    families: int = Field(gt=0)
    least: float = Field(ge=0)


class ActionSettings(Strict):
    """Which rules of action hold, and what a run may spend on them."""

    rules: str = Field(min_length=1)
    budget: float | None = Field(ge=0, le=1e12)


class RegistrySettings(Strict):
    """Where models are kept."""

    tracking_uri: str | None
    artifact_root: str | None


class LogSettings(Strict):
    """Where logs go, and how they look."""

    format: Literal["text", "json"]
    file: str | None


class ErasureSettings(Strict):
    """How customers are erased."""

    key_file: str | None
    columns: dict[str, tuple[str, ...]]


class SimulationSettings(Strict):
    """The shop that `demo` simulates."""

    customers: int = Field(gt=0)
    days: int = Field(gt=0)


class Settings(Strict):
    """Everything that a run can be told; see `conf/base.yml` for what each key means."""

    warehouse: str = Field(min_length=1)
    currency: str = Field(pattern="^[A-Z]{3}$")
    seed: int = Field(ge=0, lt=2**31)
    lock_wait_seconds: float = Field(ge=0)
    log: LogSettings
    spark: SparkSettings
    layout: LayoutSettings
    aliases: AliasSettings
    features: FeatureSettings
    training: TrainingSettings
    tuning: TuningSettings
    lifetime: LifetimeSettings
    segments: SegmentSettings
    actions: ActionSettings
    guard: GuardSettings
    values: dict[str, Values]
    reasons: ReasonSettings
    publication: PublicationSettings
    registry: RegistrySettings
    erasure: ErasureSettings
    simulation: SimulationSettings


def load_settings(overlay: str | None = None, *, assignments: Sequence[str] = ()) -> Settings:
    """`base`, then `overlay` (a name in `conf/` or a file), then `assignments` ("section.key=value").

    Raises ConfigurationError for a file that is not there, an unknown key or a bad value.
    """
    layers = [("conf/base.yml", parse_yaml(_conf_text("base"), where="conf/base.yml"))]
    if overlay is not None:
        where = f"conf/{overlay}.yml" if overlay in overlay_names() else overlay
        layers.append((where, parse_yaml(_conf_text(overlay), where=where)))
    layers += [(f"--set {assignment}", _assigned(assignment)) for assignment in assignments]
    # Checked once they are all there: what one sets may rest on what another does.
    return validated(Settings, reduce(_merged, [values for _, values in layers], {}), where=partial(_origin, layers))


def _origin(layers: Sequence[tuple[str, Mapping[str, Any]]], key: Sequence[str | int]) -> str:
    """Where the value at `key` is from: the last layer that says it; of a whole section, all that change it."""
    saying = [(where, found) for where, values in layers if (found := _at(values, key)) is not None]
    if not saying:
        return layers[0][0]
    changes = [where for where, _ in saying[1:]]
    return ", ".join(changes) if changes and isinstance(saying[-1][1], Mapping) else saying[-1][0]


def _at(values: Any, key: Sequence[str | int]) -> Any:
    """What a layer says at `key`, None where it says nothing; a list or a value is said as a whole."""
    for part in key:
        if not isinstance(values, Mapping):
            return values
        values = values.get(str(part))
    return values


def overlay_names() -> list[str]:
    """Names of the YAML files directly under `conf/` that lie over `base`."""
    found = [entry.name for entry in files("conf").iterdir() if entry.name.endswith(".yml")]
    return sorted(name.removesuffix(".yml") for name in found if name not in NO_OVERLAYS)


def _conf_text(name: str) -> str:
    text = text_of(files("conf") / f"{name}.yml", where=f"conf/{name}.yml")
    if text is None:
        text = text_of(Path(name), where=name)
    if text is None:
        raise ConfigurationError.unknown_name("overlay or file", name, known=overlay_names(), where="--conf")
    return text


def _assigned(assignment: str) -> dict[str, Any]:
    key, sign, text = assignment.partition("=")
    if not sign or not key:
        raise ConfigurationError(f"--set takes section.key=value, not '{assignment}'.")
    try:
        value = plain_yaml(text)
    except yaml.YAMLError:
        value = text
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `under`, mapping by mapping."""
    both = dict(under)
    for key, value in over.items():
        old = both.get(key)
        both[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both


def load_labels(name_or_file: str, *, views: Mapping[str, FeatureView]) -> tuple[Label, ...]:
    """A label of `conf/labels/` by its name, or those that any file declares on one of `views`, one a horizon."""
    text = None if name_or_file in LABELS else text_of(Path(name_or_file), where=name_or_file)
    return (label(name_or_file),) if text is None else label_config(text, where=name_or_file, views=views)


def load_source(name_or_file: str) -> SourceConfig:
    """A source by the name of its file in `conf/sources/`, or by any file; checked whole before anything runs."""
    packaged = f"conf/sources/{name_or_file}.yml"
    for file, where in (
        (files("conf") / "sources" / f"{name_or_file}.yml", packaged),
        (Path(name_or_file), name_or_file),
    ):
        text = text_of(file, where=where)
        if text is not None:
            return source_config(text, where=where)
    known = [entry.name.removesuffix(".yml") for entry in (files("conf") / "sources").iterdir()]
    raise ConfigurationError.unknown_name("source or file", name_or_file, known=known, where="--source")
