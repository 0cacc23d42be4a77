"""Ten parts of customers: nobody judges a model that has seen them, and the spread is that of the parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from models.algorithms.contract import Fit, Rows
from models.errors import CannotTrain
from models.parameters import TrainingParameters
from models.stability import Stability, stability
from tests.unit.models.test_compare import FEATURES, SMALL, sample

ALGORITHM = TrainingParameters().algorithm_of("logistic_regression")


@dataclass(frozen=True)
class Watched:
    """An algorithm that keeps what it was given."""

    seen: list[Rows]

    def fit(self, rows: Rows, *, seed: int) -> Fit:
        self.seen.append(rows)
        return SMALL.algorithm_of("decision_tree").fit(rows, seed=seed)


def judged(algorithm, rows=None, *, at_most: int = 10_000) -> Stability:
    return stability(rows or sample(), features=FEATURES, algorithm=algorithm, at_most=at_most, seed=1,
                     progress=lambda _: None)  # fmt: skip


def test_every_customer_judges_one_model_that_has_not_seen_them() -> None:
    rows, watched = sample(), Watched([])
    found = judged(watched, rows)
    assert len(found.folds) == len(watched.seen) == 10 and sum(one.n for one in found.folds) == len(rows.labels)
    who = dict(zip(rows.matrix[:, 0].tolist(), rows.customers, strict=True))
    everyone = set(rows.customers)
    held_out = []
    for given, figures in zip(watched.seen, found.folds, strict=True):
        seen = {who[value] for side in (given.matrix, given.stop_matrix) for value in side[:, 0].tolist()}
        held_out.append(everyone - seen)
        assert figures.n == int(np.isin(rows.customers, list(held_out[-1])).sum())
    assert sum(map(len, held_out)) == len(everyone) == len(set().union(*held_out))


def test_the_spread_is_that_of_the_parts_and_fits_are_bounded() -> None:
    watched = Watched([])
    found = judged(watched, at_most=700)
    assert {len(one.labels) + len(one.stop_labels) for one in watched.seen} == {700}
    aucs = [one.auc for one in found.folds]
    figures = found.figures()
    assert figures["stability_auc_mean"] == pytest.approx(np.mean(aucs))
    assert figures["stability_auc_sd"] == pytest.approx(np.std(aucs, ddof=1))
    assert figures["stability_auc_sd"] > 0
    assert found.curves()["stability_auc"] == aucs


def test_too_few_customers_say_so() -> None:
    rows = sample()
    few = np.isin(rows.customers, ["c1", "c2", "c3"])
    with pytest.raises(CannotTrain, match="one outcome only"):
        judged(ALGORITHM, replace(rows, matrix=rows.matrix[few], labels=rows.labels[few],
                                  customers=rows.customers[few], days=rows.days[few]))  # fmt: skip
