"""What a registry stores of a head: the fitted model, its calibrator, and what a reader must know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.algorithms import XGBOOST, load_model
from models.algorithms.contract import Fitted
from models.algorithms.repeat_buying import BGNBD
from models.calibrate import Calibrator
from models.errors import BrokenModel, OtherFeatures
from models.logistic import Floats
from models.matrix import feature_matrix
from models.scale import Scale, last_year
from models.tasks import AMOUNT, BINARY

UNGATED = "ungated"
NO_MEANINGS: Mapping[str, str] = MappingProxyType({})
NOT_GUARDED = "not asked"
BUNDLE_FILE = "bundle.json"
_FIRST_LAST_YEAR = "amount_sum_365d"
"""What amounts were blended with before their bundles said it: spend was the only one."""
_CALIBRATORS: Mapping[str, type[Calibrator] | type[Scale]] = {BINARY: Calibrator, AMOUNT: Scale}


@dataclass(frozen=True)
class Resample:
    """What another draw of the customers has given: a model of the bundle's algorithm, its calibrator.

    `rows` are those that were drawn from.
    """

    model: bytes = field(repr=False)
    calibrator: Calibrator
    rows: int


@dataclass(frozen=True)
class Bundle:
    """A model with its meaning. `model` are the bytes that its `algorithm` saved.

    `features` are the input columns in the order of the model, `words` the known values of those that are text;
    `feature_fingerprint` stands for their definitions; `dates` says by split which as-ofs were used; `metrics` are
    the test figures of the calibrated forecasts, with `_low` and `_high` the ends of their intervals; `baselines`
    those of single features on the same rows, with their `name`, the best first; `kind` is that of the head; `gate`
    says what the model had to pass when it was registered ("ungated": nothing, and why), `guard` what the leakage
    guard said of its training set. `meanings` are the fingerprints of the definitions of its features by name,
    `recipe` what another fit like this one needs (`models.promotion.recipes`). `last_year` is the feature that an
    amount is blended with, "" for none; `resamples` what other draws of the customers have given
    (`models.confidence`), () for none.
    """

    head: str
    label: str
    horizon_days: int
    features: tuple[str, ...]
    feature_fingerprint: str
    training_fingerprint: str
    model: bytes = field(repr=False)
    calibrator: Calibrator | Scale
    dates: Mapping[str, str]
    metrics: Mapping[str, float]
    baselines: Sequence[Mapping[str, str | float]] = ()
    gate: str = UNGATED
    guard: str = NOT_GUARDED
    algorithm: str = XGBOOST
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    kind: str = BINARY
    last_year: str = ""
    resamples: tuple[Resample, ...] = field(default=(), repr=False)

    @property
    def is_amount(self) -> bool:
        """Whether it expects an amount, and not the probability of an outcome."""
        return self.kind == AMOUNT

    @property
    def weight(self) -> float:
        """The share of `model` in what it expects: the rest of an amount may be the last year's."""
        return self.calibrator.weight if isinstance(self.calibrator, Scale) else 1.0

    @property
    def calibration_status(self) -> str:
        return self.calibrator.status

    @property
    def fitted(self) -> Fitted:
        """The model itself."""
        return load_model(self.algorithm, self.model)

    def margins(self, matrix: NDArray[np.float32]) -> Floats:
        """Log-odds (of amounts, roots) before calibration, float64 (n,), of a float32 matrix (n, d) in `features`."""
        return self.fitted.margins(matrix)

    def matrix(self, rows: pa.RecordBatch | pa.Table) -> NDArray[np.float32]:
        """The inputs of the model out of `rows`, float32 (n, d); columns by name, in any order."""
        return feature_matrix(rows, self.features, words=self.words)

    def predict(self, matrix: NDArray[np.float32]) -> Floats:
        """Calibrated probabilities or amounts, float64 (n,); each row's depends on that row alone."""
        margins = self.margins(matrix)
        if isinstance(self.calibrator, Scale):
            return self.calibrator.apply(margins, self.last_year_of(matrix))
        return self.calibrator.apply(margins)

    def last_year_of(self, matrix: NDArray[np.float32]) -> Floats:
        """What a blend adds to the trees, float64 (n,), of inputs (n, d); zeros without that feature."""
        return last_year(matrix, self.features, of=self.last_year)

    def at(self, as_of: date) -> Bundle:
        """The bundle for rows of `as_of`: a seasonal calibration differs by date."""
        moved = tuple(replace(one, calibrator=one.calibrator.at(as_of)) for one in self.resamples)
        return replace(self, calibrator=self.calibrator.at(as_of), resamples=moved)

    @property
    def calibration(self) -> Mapping[str, Any]:
        """What decides how margins become scores, plain: the same at two dates where their scores are."""
        about = {"home", "reason", "rows", "seasons", "level"}
        told = {name: value for name, value in self.calibrator.to_dict().items() if name not in about}
        return {**told, "shift": self.calibrator.shift}

    def save(self, folder: Path) -> None:
        """Write the models (`model_file` says where) and `bundle.json` into a folder, made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / model_file(self.algorithm)).write_bytes(self.model)
        for place, one in enumerate(self.resamples):
            (folder / model_file(self.algorithm, resample=place)).write_bytes(one.model)
        described = {
            one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("model", "resamples")
        }
        described["calibrator"] = self.calibrator.to_dict()
        described["resamples"] = [{"calibrator": one.calibrator.to_dict(), "rows": one.rows} for one in self.resamples]
        described |= {name: dict(getattr(self, name)) for name in ("dates", "metrics", "meanings", "recipe")}
        described["words"] = {name: list(known) for name, known in self.words.items()}
        described["baselines"] = [dict(one) for one in self.baselines]
        text = json.dumps(described, indent=2, sort_keys=True, allow_nan=False)
        (folder / BUNDLE_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """The bundle that `save` wrote; BrokenModel if its files are gone or are not a bundle."""
        try:
            described = json.loads((folder / BUNDLE_FILE).read_text(encoding="utf-8"))
            algorithm = described.get("algorithm", XGBOOST)
            model = (folder / model_file(algorithm)).read_bytes()
            resamples = tuple(
                Resample((folder / model_file(algorithm, resample=place)).read_bytes(),
                         Calibrator.from_dict(one["calibrator"]), one["rows"])
                for place, one in enumerate(described.pop("resamples", ()))
            )  # fmt: skip
            return cls(**_with_types(described), model=model, resamples=resamples)
        except (OSError, ValueError, TypeError, KeyError) as problem:
            raise BrokenModel.files("a model bundle", where=str(folder), reason=str(problem)) from problem


def model_file(algorithm: str, *, resample: int | None = None) -> str:
    """Where a bundle keeps its model, or one of its resamples: the format's own ending.

    >>> model_file("xgboost"), model_file("knn"), model_file("bgnbd"), model_file("xgboost", resample=3)
    ('model.ubj', 'model.skops', 'model.json', 'resample_3.ubj')
    """
    name = "model" if resample is None else f"resample_{resample}"
    ending = {XGBOOST: "ubj", BGNBD: "json"}.get(algorithm, "skops")
    return f"{name}.{ending}"


def refuse_other_features(
    bundle: Bundle, *, feature_fingerprint: str, available: Iterable[str], meanings: Mapping[str, str] = NO_MEANINGS
) -> None:
    """Raise OtherFeatures unless names and definitions are those that the model was fitted on.

    `feature_fingerprint` stands for all features on offer. Where it is another than the model's, `meanings` (by name,
    those of the features on offer) tell whether any that the model reads has changed, and which; what it does not
    read may change. Without them, or for a model without its own, another fingerprint is refused.
    """
    columns = list(available)
    missing = [name for name in bundle.features if name not in set(columns)]
    if missing:
        raise OtherFeatures.columns(f"the model of head '{bundle.head}'", missing=missing, available=columns)
    if bundle.feature_fingerprint == feature_fingerprint:
        return
    if not meanings or not bundle.meanings:
        raise OtherFeatures.fingerprint(bundle.head, model=bundle.feature_fingerprint, found=feature_fingerprint)
    changed = [name for name in bundle.features if meanings.get(name) != bundle.meanings.get(name)]
    if changed:
        raise OtherFeatures.definitions(bundle.head, changed=changed)


def _with_types(described: dict[str, Any]) -> dict[str, Any]:
    amount = described.get("kind", BINARY) == AMOUNT
    return {
        **described,
        "last_year": described.get("last_year", _FIRST_LAST_YEAR if amount else ""),
        "features": tuple(described["features"]),
        "baselines": tuple(described["baselines"]),
        "calibrator": _CALIBRATORS[described.get("kind", BINARY)].from_dict(described["calibrator"]),
    }
