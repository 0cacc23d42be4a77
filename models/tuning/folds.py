"""What a search may look at: rolling origins in memory, and the newest as-ofs, which it never sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from models.algorithms.contract import Matrix, Rows
from models.compare import both_outcomes, fold_rows, rolling_folds
from models.errors import CannotTrain
from models.logistic import Floats
from models.training_rows import Sample, drawn


@dataclass(frozen=True)
class Fold:
    """Rows to learn from and, of the as-of `day`, rows to judge on: `matrix` float32 (n, d), `labels` 0/1 (n,).

    `customers` (n,) are the ids of the judged rows.
    """

    day: str
    learned: Rows
    matrix: Matrix
    labels: Floats
    customers: NDArray[np.object_]


@dataclass(frozen=True)
class SearchFolds:
    """The folds that trials are judged on, newest first, and those that judge the search afterwards."""

    searched: tuple[Fold, ...]
    reserved: tuple[Fold, ...]


def search_folds(
    rows: Sample, *, features: Sequence[str], horizon_days: int, folds: int, reserved: int, at_most: int,
    verdict_at_most: int, seed: int, categorical: tuple[int, ...] = (),
) -> SearchFolds:  # fmt: skip
    """Up to `folds` rolling origins for a search, and the `reserved` newest ones for the verdict on it.

    rows: any splits but the test. No label of a searched fold, learned or judged, reaches into a reserved as-of. A
    searched fold learns from and is judged on at most `at_most` rows, a reserved one on `verdict_at_most`, both drawn
    by customer. Raises CannotTrain where the history is too short for one fold of either kind.
    """
    horizon = np.timedelta64(timedelta(days=horizon_days))
    known = [(learned, held_out) for learned, held_out in rolling_folds(rows, timedelta(days=horizon_days))
             if both_outcomes(rows, learned, held_out)]  # fmt: skip
    newest = known[:reserved]
    begin = min((rows.days[held_out[0]] for _, held_out in newest), default=None)
    before = [one for one in known if begin is not None and rows.days[one[1][0]] <= begin - horizon][:folds]
    if len(newest) < reserved or not before:
        raise CannotTrain(
            f"a search needs {reserved} as-ofs for its verdict and one more, a horizon of {horizon_days} days earlier, "
            f"to search on; each with as-ofs another horizon before it. The training set allows {len(known)} folds.\n"
            "  Train on a longer history, or lower tuning.reserved."
        )

    def fold(learned: NDArray[np.intp], held_out: NDArray[np.intp], most: int) -> Fold:
        used, judged = (drawn(rows, at, at_most=most, seed=seed) for at in (learned, held_out))
        given = fold_rows(rows, used, features=tuple(features), categorical=categorical)
        return Fold(str(rows.days[held_out[0]]), given, rows.matrix[judged], rows.labels[judged],
                    rows.customers[judged])  # fmt: skip

    return SearchFolds(
        tuple(fold(*one, at_most) for one in before), tuple(fold(*one, verdict_at_most) for one in newest)
    )
