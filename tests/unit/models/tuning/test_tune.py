"""What a search looks at, what it never sees, and what it then says; rows in memory."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from models.errors import CannotTrain
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.search_space import Range
from models.training_rows import Sample
from models.tuning.budget import Budget
from models.tuning.folds import Fold, SearchFolds, search_folds
from models.tuning.objective import here
from models.tuning.study import Search, Trial, open_study
from models.tuning.tune import Tuned, tune
from models.tuning.verdict import OutOfTime, out_of_time

DAYS = [date(2011, 1, 1) + timedelta(days=28 * at) for at in range(10)]
HORIZON = 60
PARAMETERS = TrainingParameters(trees=40, learning_rate=0.3, max_depth=2, early_stopping_rounds=5)
CONSTANT, TREES = {"min_child_weight": 200.0}, {"min_child_weight": 1.0}


def sample() -> Sample:
    """Lapse follows the first feature; the last tells the day, so that a fold shows what it holds."""
    rng = np.random.default_rng(6)
    customers = np.array([f"c{at}" for at in range(200)] * len(DAYS), dtype=object)
    days = np.repeat(np.array(DAYS, dtype="datetime64[D]"), 200)
    matrix = np.column_stack([rng.normal(size=(len(days), 2)), days.astype(int)]).astype(np.float32)
    labels = (rng.random(len(days)) < sigmoid(2 * matrix[:, 0])).astype(float)
    return Sample("fit", matrix, labels, len(labels), customers, days)


def folds(rows: Sample | None = None, **changes: object) -> SearchFolds:
    how = {"features": ("a", "b", "day"), "horizon_days": HORIZON, "folds": 2, "reserved": 1, "at_most": 500,
           "verdict_at_most": 5000, "seed": 1, **changes}  # fmt: skip
    return search_folds(rows or sample(), **how)


def days_of(fold: Fold) -> np.ndarray:
    return np.concatenate([fold.learned.matrix[:, 2], fold.learned.stop_matrix[:, 2]]).astype("datetime64[D]")


def test_no_label_that_a_search_sees_reaches_into_what_judges_it() -> None:
    found = folds()
    horizon = np.timedelta64(HORIZON, "D")
    assert [fold.day for fold in found.reserved] == [str(DAYS[-1])]
    assert [fold.day for fold in found.searched] == [str(DAYS[-4]), str(DAYS[-5])]
    for fold in (*found.searched, *found.reserved):
        assert days_of(fold).max() <= np.datetime64(fold.day) - horizon
        assert set(fold.matrix[:, 2].astype("datetime64[D]")) == {np.datetime64(fold.day)}
    newest = max(np.datetime64(fold.day) for fold in found.searched)
    assert newest + horizon <= np.datetime64(found.reserved[0].day)
    # A trial is bounded, the verdict has all that there is.
    assert [len(days_of(fold)) for fold in found.searched] == [500, 500]
    assert len(days_of(found.reserved[0])) == 7 * 200 and len(found.reserved[0].labels) == 200


def test_a_history_without_room_for_both_says_what_is_missing() -> None:
    rows = sample()
    late = rows.days >= np.datetime64(DAYS[5])
    few = replace(rows, matrix=rows.matrix[late], labels=rows.labels[late], customers=rows.customers[late],
                  days=rows.days[late])  # fmt: skip
    with pytest.raises(CannotTrain, match=r"needs 1 as-ofs for its verdict.*allows 2 folds"):
        folds(few)
    with pytest.raises(CannotTrain, match=r"lower tuning\.reserved"):
        folds(reserved=8)


def test_the_verdict_knows_better_from_no_better() -> None:
    reserved = folds().reserved
    better = out_of_time(reserved, PARAMETERS, defaults=CONSTANT, best=TREES, seed=1)
    assert better.is_better and better.log_loss_gain.figure > 0.05 and better.auc_gain.low > 0
    assert better.log_loss_gain.figure == pytest.approx(better.default.log_loss - better.best.log_loss)
    assert better.default.n == 3 * 200 and better.days == (str(DAYS[-1]),)
    assert not out_of_time(reserved, PARAMETERS, defaults=TREES, best=CONSTANT, seed=1).is_better
    same = out_of_time(reserved, PARAMETERS, defaults=TREES, best=TREES, seed=1)
    assert same.log_loss_gain.figure == 0 and not same.is_better
    assert OutOfTime.from_dict(better.to_dict()) == better
    assert better.figures()["out_of_time_log_loss_gain"] == better.log_loss_gain.figure


class Runs:
    """What the search would log."""

    def __init__(self) -> None:
        self.trials: list[int] = []
        self.concluded: list[tuple[int, bool]] = []

    def follow(self, trials: list[Trial]) -> None:
        self.trials += [one.number for one in trials if one.number not in self.trials]

    def conclude(self, trials: list[Trial], verdict: OutOfTime) -> None:
        self.concluded.append((len(trials), verdict.is_better))


def tuned(folder: Path, runs: Runs, *, trials: int = 4, defaults=CONSTANT, **changes: object) -> Tuned:
    search = Search({"min_child_weight": Range(low=1, high=200, log=True)}, defaults, folds=2, seed=2)
    how = {
        "budget": Budget(trials), "parameters": PARAMETERS, "folds": folds,
        "losses": lambda given: nullcontext(here(given, PARAMETERS, seed=1)), "told": lambda *_: None, **changes,
    }  # fmt: skip
    return tune(search, open_study(f"sqlite:///{folder}/t.db", "s"), runs=runs, **how)


def unasked(*_: object) -> None:
    raise AssertionError("rows were read for what is known")


def test_a_finished_search_is_reused_without_its_rows_and_a_longer_one_judged_anew(tmp_path: Path) -> None:
    runs = Runs()
    found = tuned(tmp_path, runs)
    assert found.changes == found.best.parameters and found.changes["min_child_weight"] < 100
    assert runs.trials == [0, 1, 2, 3] and runs.concluded == [(4, True)]
    again = Runs()
    assert tuned(tmp_path, again, folds=unasked, losses=unasked) == found
    assert again.trials == runs.trials and again.concluded == runs.concluded
    with pytest.raises(AssertionError, match="known"):
        tuned(tmp_path, Runs(), trials=5, folds=unasked)
    assert len(tuned(tmp_path, Runs(), trials=5).trials) == 5


def test_where_the_best_is_no_better_the_defaults_are_kept(tmp_path: Path) -> None:
    found = tuned(tmp_path, Runs(), trials=2, defaults=TREES)
    assert not found.verdict.is_better and dict(found.changes) == {}
