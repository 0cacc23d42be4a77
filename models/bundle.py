"""What a registry stores of a head: the fitted booster, its calibrator, and what a reader must know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.calibrate import Calibrator
from models.errors import BrokenModel, OtherFeatures
from models.logistic import Floats

if TYPE_CHECKING:
    from xgboost import Booster

UNGATED = "ungated"
BOOSTER_FILE = "model.ubj"
BUNDLE_FILE = "bundle.json"


@dataclass(frozen=True)
class Bundle:
    """A model with its meaning. `booster` is XGBoost's UBJ, trimmed to its best iteration.

    `features` are the input columns in the order of the booster; `feature_fingerprint` stands for their
    definitions; `dates` says by split which as-ofs were used; `metrics` are the test figures of the
    calibrated probabilities; `baselines` those of single features on the same rows, with their `name`, the best first;
    `gate` says how the model came to be champion ("ungated": no promotion rule was asked).
    """

    head: str
    label: str
    horizon_days: int
    features: tuple[str, ...]
    feature_fingerprint: str
    training_fingerprint: str
    booster: bytes = field(repr=False)
    calibrator: Calibrator
    dates: Mapping[str, str]
    metrics: Mapping[str, float]
    baselines: Sequence[Mapping[str, str | float]] = ()
    gate: str = UNGATED

    @property
    def calibration_status(self) -> str:
        return self.calibrator.status

    def margins(self, matrix: NDArray[np.float32]) -> Floats:
        """Log-odds before calibration, float64 (n,), of a float32 matrix (n, d) in `features` order."""
        if len(matrix) == 0:
            return np.empty(0)
        model = loaded_booster(self.booster)
        raw = model.inplace_predict(matrix, predict_type="margin", missing=np.nan)
        return np.asarray(raw, dtype=np.float64)

    def predict(self, matrix: NDArray[np.float32]) -> Floats:
        """Calibrated probabilities, float64 (n,); each row's depends on that row alone."""
        return self.calibrator.apply(self.margins(matrix))

    def save(self, folder: Path) -> None:
        """Write `model.ubj` and `bundle.json` into a folder, made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BOOSTER_FILE).write_bytes(self.booster)
        described = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "booster"}
        described["calibrator"] = self.calibrator.to_dict()
        described |= {name: dict(getattr(self, name)) for name in ("dates", "metrics")}
        described["baselines"] = [dict(one) for one in self.baselines]
        text = json.dumps(described, indent=2, sort_keys=True, allow_nan=False)
        (folder / BUNDLE_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """The bundle that `save` wrote; BrokenModel if its files are gone or are not a bundle."""
        try:
            described = json.loads((folder / BUNDLE_FILE).read_text(encoding="utf-8"))
            booster = (folder / BOOSTER_FILE).read_bytes()
            return cls(**_with_types(described), booster=booster)
        except (OSError, ValueError, TypeError, KeyError) as problem:
            raise BrokenModel.files("a model bundle", where=str(folder), reason=str(problem)) from problem


@lru_cache(maxsize=16)
def loaded_booster(ubj: bytes) -> Booster:
    """The booster of these bytes, loaded once a process; one thread, since each Spark task has one core."""
    from xgboost import Booster

    model = Booster({"nthread": 1})
    model.load_model(bytearray(ubj))
    return model


def refuse_other_features(bundle: Bundle, *, feature_fingerprint: str, available: Iterable[str]) -> None:
    """Raise OtherFeatures unless definitions and names are those that the model was fitted on."""
    columns = list(available)
    missing = [name for name in bundle.features if name not in set(columns)]
    if missing:
        raise OtherFeatures.columns(f"the model of head '{bundle.head}'", missing=missing, available=columns)
    if bundle.feature_fingerprint != feature_fingerprint:
        raise OtherFeatures.fingerprint(bundle.head, model=bundle.feature_fingerprint, found=feature_fingerprint)


def _with_types(described: dict[str, Any]) -> dict[str, Any]:
    return {
        **described,
        "features": tuple(described["features"]),
        "baselines": tuple(described["baselines"]),
        "calibrator": Calibrator.from_dict(described["calibrator"]),
    }
