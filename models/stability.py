"""How far figures move with the customers that are learned from: ten parts of them, each held out once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.algorithms.contract import Algorithm
from models.compare import both_outcomes, customer_folds, fold_rows, forecast
from models.errors import CannotTrain
from models.evaluate import Metrics, evaluate
from models.training_rows import Sample, drawn

FOLDS = 10
SPREAD = ("auc", "average_precision", "log_loss", "brier", "ece10")
"""Figures whose mean and spread say something over parts of equal size."""


@dataclass(frozen=True)
class Stability:
    """The metrics of each part, judged by a model that has seen none of its customers."""

    folds: tuple[Metrics, ...]

    def means(self) -> dict[str, float]:
        """Mean over the parts, by figure."""
        return {name: float(np.mean(self._of(name))) for name in SPREAD}

    def deviations(self) -> dict[str, float]:
        """Standard deviation over the parts (n - 1), by figure."""
        return {name: float(np.std(self._of(name), ddof=1)) for name in SPREAD}

    def figures(self) -> dict[str, float]:
        """All flat, `stability_auc_mean` and so on: what a run logs."""
        named = (("mean", self.means()), ("sd", self.deviations()))
        return {f"stability_{name}_{what}": value for what, found in named for name, value in found.items()}

    def curves(self) -> dict[str, list[float]]:
        """Each figure part by part."""
        return {f"stability_{name}": self._of(name) for name in SPREAD}

    def _of(self, name: str) -> list[float]:
        return [getattr(one, name) for one in self.folds]


def stability(
    rows: Sample, *, features: Sequence[str], algorithm: Algorithm, at_most: int, seed: int,
    categorical: tuple[int, ...] = (), progress: Callable[[str], None],
) -> Stability:  # fmt: skip
    """Ten fits, each without a tenth of the customers, who then judge it.

    rows: any splits but the test. A fit learns from at most `at_most` rows, drawn by customer; of these a tenth of the
    customers stops it and sets its scale. All as-ofs are on both sides: the figures know the season and flatter; what
    they tell is the spread. Raises CannotTrain where a part has one outcome only.
    """
    found = []
    for learned, held_out in customer_folds(rows, parts=FOLDS):
        if not both_outcomes(rows, learned, held_out):
            raise CannotTrain(f"one of {FOLDS} parts of the customers has one outcome only.\n"
                              "  Stability needs more customers, or a longer history.")  # fmt: skip
        given = fold_rows(rows, drawn(rows, learned, at_most=at_most, seed=seed), features=tuple(features),
                          categorical=categorical)  # fmt: skip
        found.append(evaluate(rows.labels[held_out], forecast(algorithm, given, rows.matrix[held_out], seed=seed)))
        progress(f"part {len(found)} of {FOLDS}: AUC {found[-1].auc:.4f}, log loss {found[-1].log_loss:.4f}")
    return Stability(tuple(found))
