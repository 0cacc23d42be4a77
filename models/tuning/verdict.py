"""Whether a search has found anything: defaults and best on as-ofs that it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.evaluate import Metrics, evaluate
from models.intervals import Interval, paired_intervals
from models.parameters import TrainingParameters
from models.tuning.folds import Fold
from models.tuning.objective import forecast_of
from models.tuning.sampling import Parameters

FITS = 3
"""Fits of either side, each with a seed of its own: a seed alone moves log loss by .001."""


@dataclass(frozen=True)
class OutOfTime:
    """Defaults and best on the reserved as-ofs `days`: their metrics over all fits, and what the best gains.

    The gains are the defaults' less the best's log loss, and the best's less the defaults' AUC, with the interval of a
    paired bootstrap over customers.
    """

    days: tuple[str, ...]
    default: Metrics
    best: Metrics
    log_loss_gain: Interval
    auc_gain: Interval

    @property
    def is_better(self) -> bool:
        """Whether the best is better for sure; a tie keeps the defaults."""
        return self.log_loss_gain.low > 0

    def figures(self) -> dict[str, float]:
        """All figures flat: what a run logs."""
        found = {f"out_of_time_{side}_{name}": value for side, one in (("default", self.default), ("best", self.best))
                 for name, value in one.figures().items()}  # fmt: skip
        for name, gain in (("log_loss_gain", self.log_loss_gain), ("auc_gain", self.auc_gain)):
            found |= {f"out_of_time_{name}": gain.figure, f"out_of_time_{name}_low": gain.low,
                      f"out_of_time_{name}_high": gain.high}  # fmt: skip
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OutOfTime:
        """What `to_dict` described."""
        return cls(tuple(values["days"]), Metrics(**values["default"]), Metrics(**values["best"]),
                   Interval(**values["log_loss_gain"]), Interval(**values["auc_gain"]))  # fmt: skip


def out_of_time(
    folds: Sequence[Fold], parameters: TrainingParameters, *, defaults: Parameters, best: Parameters, seed: int
) -> OutOfTime:  # fmt: skip
    """Both fitted `FITS` times on the same rows of each reserved fold, and judged on the same later ones."""
    labels = np.concatenate([fold.labels for fold in folds for _ in range(FITS)])
    customers = np.concatenate([fold.customers for fold in folds for _ in range(FITS)])

    def forecasts(changes: Parameters) -> np.ndarray:
        found = [forecast_of(fold, parameters, changes, seed=seed + at) for fold in folds for at in range(FITS)]
        return np.concatenate(found)

    theirs, ours = forecasts(defaults), forecasts(best)
    gains = paired_intervals(labels, ours, theirs, customers, seed=seed)
    return OutOfTime(tuple(fold.day for fold in folds), evaluate(labels, theirs), evaluate(labels, ours),
                     gains["log_loss_gain"], gains["auc_gain"])  # fmt: skip
