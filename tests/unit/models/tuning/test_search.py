"""A search: defaults first, pruned on the way, and after an interruption the one that it would have been."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.errors import BadTrainingSetting
from models.search_space import Range
from models.tracking import open_store
from models.tuning.budget import Budget
from models.tuning.record import SearchRuns
from models.tuning.study import Search, Trial, best_of, open_study

SPACE = {"max_depth": Range(low=2, high=6), "learning_rate": Range(low=0.02, high=0.2, log=True)}
DEFAULTS = {"max_depth": 4, "learning_rate": 0.05}
SEARCH = Search(SPACE, DEFAULTS, folds=3, seed=7)
HARDER = (0.0, 0.3, 0.1)
"""What the folds add to every loss: they differ more than the trials do."""


def bowl(asked, fold: int) -> list[float]:
    return [0.5 + HARDER[fold] + (p["max_depth"] - 3) ** 2 / 50 + abs(np.log(p["learning_rate"] / 0.1)) / 20
            for p in asked]  # fmt: skip


def interrupted(after: int):
    """`bowl` that ends as a kill would, in the middle of a trial."""
    asked_for = iter(range(10_000))

    def losses(asked, fold: int) -> list[float]:
        if next(asked_for) == after:
            raise KeyboardInterrupt
        return bowl(asked, fold)

    return losses


def searched(
    folder: Path, losses=bowl, *, search: Search = SEARCH, trials: int = 13, told=lambda *_: None
) -> list[Trial]:
    study = open_study(f"sqlite:///{folder}/tuning.db", "churn 1")
    return search.go_on(study, losses, budget=Budget(trials), told=told)


def told_of(trials: list[Trial]) -> list[tuple]:
    return [(dict(one.parameters), one.losses, one.loss) for one in trials]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> list[Trial]:
    return searched(tmp_path_factory.mktemp("whole"))


def test_the_defaults_are_first_some_trials_are_given_up_and_the_best_is_better(whole: list[Trial]) -> None:
    assert dict(whole[0].parameters) == DEFAULTS and not whole[0].is_pruned
    assert len(whole) == 13 and 0 < sum(one.is_pruned for one in whole) < 8
    for one in whole:
        assert len(one.losses) < 3 if one.is_pruned else one.loss == pytest.approx(np.mean(one.losses))
        assert isinstance(one.parameters["max_depth"], int) and 0.02 <= one.parameters["learning_rate"] <= 0.2
    best = best_of(whole)
    assert best.loss < whole[0].loss - 0.01


def test_a_trial_that_falls_behind_in_a_harder_fold_is_given_up_there(tmp_path) -> None:
    def equal_at_first(asked, fold: int) -> list[float]:
        return [0.5 if fold == 0 else loss + fold for loss in bowl(asked, fold)]

    search = Search(SPACE, {"max_depth": 6, "learning_rate": 0.02}, folds=3, seed=7)
    found = searched(tmp_path, equal_at_first, search=search)
    assert {len(one.losses) for one in found} == {2, 3}


@pytest.mark.parametrize("after", [1, 24])
def test_interrupted_anywhere_and_resumed_it_is_the_same_search(whole, tmp_path, after: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, interrupted(after))
    assert told_of(searched(tmp_path)) == told_of(whole)
    # Finished is finished: nothing is asked any more.
    assert told_of(searched(tmp_path, interrupted(0))) == told_of(whole)


def test_a_longer_search_goes_on_where_the_shorter_one_ended(whole, tmp_path) -> None:
    assert told_of(searched(tmp_path, trials=5)) == told_of(whole[:5])
    assert told_of(searched(tmp_path)) == told_of(whole)


def test_trials_at_once_differ_and_keep_to_the_budget(tmp_path) -> None:
    sizes: list[int] = []

    def counted(asked, fold: int) -> list[float]:
        if fold == 0:
            sizes.append(len(asked))
        return bowl(asked, fold)

    found = searched(tmp_path, counted, search=Search(SPACE, DEFAULTS, 3, 7, together=4), trials=11)
    assert sizes == [1, 4, 4, 2] and len(found) == 11
    assert len({tuple(one.parameters.items()) for one in found}) == 11
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, interrupted(1), search=Search(SPACE, DEFAULTS, 3, 7, together=4), trials=20)
    assert len(searched(tmp_path, search=Search(SPACE, DEFAULTS, 3, 7, together=4), trials=20)) == 20


def test_time_is_that_of_finished_trials_and_the_defaults_get_one_rival(tmp_path) -> None:
    study = open_study(f"sqlite:///{tmp_path}/tuning.db", "churn 1")
    assert len(SEARCH.go_on(study, bowl, budget=Budget(seconds=1e-9), told=lambda *_: None)) == 2
    for wrong in ({}, {"trials": 1}, {"seconds": 0.0}):
        with pytest.raises(BadTrainingSetting, match=r"tuning\.(trials|minutes)"):
            Budget(**wrong)


def test_defaults_outside_of_the_space_are_tried_all_the_same(tmp_path, recwarn) -> None:
    space = {"max_depth": Range(choices=(2, 3)), "min_child_weight": Range(low=5, high=20, step=5)}
    search = Search(space, {"max_depth": 6, "min_child_weight": 42.0}, folds=1, seed=1)
    found = searched(tmp_path, lambda asked, _: [0.5] * len(asked), search=search)
    assert dict(found[0].parameters) == {"max_depth": 6, "min_child_weight": 42.0}
    assert not recwarn.list


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    open_store(f"sqlite:///{folder}/mlflow.db")
    return folder


def test_runs_follow_the_study_after_any_interruption(store: Path, whole: list[Trial], tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "s")
    client = open_store(f"sqlite:///{tmp_path}/s/mlflow.db")

    def opened() -> SearchRuns:
        return SearchRuns.open(client, str(tmp_path / "runs"), name="churn 1", head="churn", parameters={"folds": 3})

    first = opened()
    first.follow(whole[:4])
    half = client.create_run(first.experiment, tags={"mlflow.parentRunId": first.parent, "trial": "4"}).info.run_id
    # What a training of the same head does to the runs that a kill left open.
    client.set_terminated(first.parent, status="KILLED")

    again = opened()
    again.follow(whole)
    again.follow(whole)
    assert again.parent == first.parent and client.get_run(half).info.lifecycle_stage == "deleted"
    children = client.search_runs([again.experiment], f"tags.`mlflow.parentRunId` = '{again.parent}'")
    by_trial = {int(run.data.tags["trial"]): run for run in children}
    assert len(children) == len(by_trial) == len(whole)
    for one in whole:
        run = by_trial[one.number]
        assert run.info.status == "FINISHED" and run.data.tags["head"] == "churn"
        assert run.data.params == {name: str(value) for name, value in one.parameters.items()}
        assert run.data.metrics.get("log_loss") == one.loss
        points = client.get_metric_history(run.info.run_id, "fold_log_loss")
        assert tuple(point.value for point in points) == one.losses
    assert client.get_run(again.parent).info.status == "RUNNING"
