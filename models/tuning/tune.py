"""A search from start to end: trials, the verdict on their best, both logged; what is known is not asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.parameters import TrainingParameters
from models.tuning.budget import Budget
from models.tuning.folds import Fold, SearchFolds
from models.tuning.record import SearchRuns
from models.tuning.sampling import Parameters
from models.tuning.study import LossesOf, Search, Trial, best_of, finished
from models.tuning.verdict import OutOfTime, out_of_time

if TYPE_CHECKING:
    from optuna import Study

_VERDICT = "verdict"


@dataclass(frozen=True)
class Tuned:
    """What the search called `search` found: its finished trials, the defaults first, and the verdict on the best."""

    search: str
    trials: tuple[Trial, ...]
    verdict: OutOfTime

    @property
    def best(self) -> Trial:
        """The trial of least mean log loss."""
        return best_of(self.trials)

    @property
    def changes(self) -> Parameters:
        """The best parameters where they beat the defaults out of time; none where not."""
        return self.best.parameters if self.verdict.is_better else MappingProxyType({})


def tune(
    search: Search, study: Study, *, budget: Budget, parameters: TrainingParameters, folds: Callable[[], SearchFolds],
    losses: Callable[[Sequence[Fold]], AbstractContextManager[LossesOf]], runs: SearchRuns,
    told: Callable[[Trial, Sequence[Trial]], None],
) -> Tuned:  # fmt: skip
    """Go on with a study until `budget` is spent, and judge its best on the reserved folds.

    `folds` and `losses` are asked only where a trial or the verdict is missing. The study is the truth: `runs` follow
    it, after a kill too. Raises what a trial raises.
    """
    trials = finished(study)
    runs.follow(trials)
    verdict = _verdict_on(study, trials)
    if verdict is None or not search.is_over(trials, budget):
        given = folds()

        def follow(trial: Trial, done: Sequence[Trial]) -> None:
            runs.follow([trial])
            told(trial, done)

        with losses(given.searched) as losses_of:
            trials = search.go_on(study, losses_of, budget=budget, told=follow)
        verdict = out_of_time(given.reserved, parameters, defaults=search.defaults, best=best_of(trials).parameters,
                              seed=search.seed)  # fmt: skip
        study.set_user_attr(_VERDICT, {"trials": len(trials), **verdict.to_dict()})
    runs.conclude(trials, verdict)
    return Tuned(study.study_name, tuple(trials), verdict)


def _verdict_on(study: Study, trials: Sequence[Trial]) -> OutOfTime | None:
    """The verdict that an earlier command reached on the same trials."""
    kept: Mapping = study.user_attrs.get(_VERDICT, {})
    return OutOfTime.from_dict(kept) if kept and kept["trials"] == len(trials) else None
