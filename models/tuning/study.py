"""A search that survives a kill: an Optuna study in SQL, asked and told in rounds, every trial on the same folds."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.search_space import Range
from models.tracking import sqlite_file
from models.tuning.budget import Budget
from models.tuning.sampling import Parameters, distributions, sampler_at

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OpenTrial

log = logging.getLogger(__name__)

TRIALS_BEFORE_PRUNING = 5
LOSSES, SECONDS = "losses", "seconds"
LossesOf = Callable[[Sequence[Parameters], int], Sequence[float]]
"""Log losses of several sets of parameters in the fold of that place."""


@dataclass(frozen=True)
class Trial:
    """A finished trial: the log loss of each fold it was tried on, and their mean where that was every fold."""

    number: int
    parameters: Parameters
    losses: tuple[float, ...]
    loss: float | None
    seconds: float

    @property
    def is_pruned(self) -> bool:
        """Whether it was given up before the last fold."""
        return self.loss is None


@dataclass(frozen=True)
class Search:
    """What is tried on `folds` folds: `defaults`, then what the sampler draws from `space`, `together` at a time."""

    space: Mapping[str, Range]
    defaults: Parameters
    folds: int
    seed: int
    together: int = 1

    def go_on(
        self, study: Study, losses: LossesOf, *, budget: Budget, told: Callable[[Trial, Sequence[Trial]], None]
    ) -> list[Trial]:  # fmt: skip
        """Try until `budget` is spent, from where the study is; `told` hears of each trial as it finishes.

        Raises what `losses` raises: the open trials are then tried again by the next call.
        """
        _release(study)
        done = finished(study)
        while not self.is_over(done, budget):
            for one in self._round(study, done, losses, at_most=budget.left(len(done))):
                done.append(one)
                told(one, done)
        return done

    def is_over(self, done: Sequence[Trial], budget: Budget) -> bool:
        """Whether finished trials spend the budget."""
        return budget.is_spent(finished=len(done), seconds=sum(one.seconds for one in done))

    def _round(
        self, study: Study, done: Sequence[Trial], losses: LossesOf, *, at_most: int | None
    ) -> list[Trial]:  # fmt: skip
        # The defaults go alone: what all others are held against must be known first.
        count = min(self.together, at_most or self.together) if done else 1
        started = time.perf_counter()
        trials = self._asked(study, place=len(done), count=count)
        found = self._tried(trials, losses, base=done[0].losses if done else None)
        share = (time.perf_counter() - started) / count
        # Told at the end of the round, so that no trial of a round is drawn from another's result.
        return [_told(study, trial, found[trial.number], folds=self.folds, seconds=share) for trial in trials]

    def _asked(self, study: Study, *, place: int, count: int) -> list[OpenTrial]:
        from optuna.trial import TrialState

        if place == 0 and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial(dict(self.defaults))
        asked = []
        with warnings.catch_warnings():
            # A default off the steps of its range is tried all the same, and a range may end between two steps.
            warnings.filterwarnings("ignore", message="Fixed parameter|The distribution is specified by")
            drawn_from = distributions(self.space, self.defaults)
            for at in range(count):
                study.sampler = sampler_at(place + at, seed=self.seed, together=self.together)
                asked.append(study.ask(drawn_from))
        return asked

    def _tried(
        self, trials: Sequence[OpenTrial], losses: LossesOf, *, base: Sequence[float] | None
    ) -> dict[int, list[float]]:  # fmt: skip
        """By trial the losses of its folds; those that fall behind the median of the others go no further."""
        found: dict[int, list[float]] = {trial.number: [] for trial in trials}
        going = list(trials)
        for fold in range(self.folds):
            if not going:
                break
            for trial, loss in zip(going, losses([trial.params for trial in going], fold), strict=True):
                so_far = found[trial.number]
                so_far.append(float(loss))
                # Folds differ more than trials do: what the defaults had there is taken off.
                trial.report(float(np.mean(np.subtract(so_far, (base or so_far)[: fold + 1]))), fold)
            if fold + 1 < self.folds:
                going = [trial for trial in going if not trial.should_prune()]
        return found


def open_study(url: str, name: str) -> Study:
    """The study of that name in the storage at `url`, made if need be."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file = sqlite_file(url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=TRIALS_BEFORE_PRUNING)
    return optuna.create_study(storage=url, study_name=name, direction="minimize", pruner=pruner, load_if_exists=True)


def finished(study: Study) -> list[Trial]:
    """The trials that came to an end, in the order in which they were asked for; the defaults are the first."""
    from optuna.trial import TrialState

    return [_trial(one) for one in study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))]


def best_of(trials: Sequence[Trial]) -> Trial:
    """The trial of least mean log loss, the first of equals."""
    whole = [(one.loss, one.number, one) for one in trials if one.loss is not None]
    return min(whole)[-1]


def _release(study: Study) -> None:
    """Trials that a kill left open have failed; the same parameters are tried again."""
    from optuna.trial import TrialState

    for one in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(one.number, state=TrialState.FAIL)
        log.info("trial %d was interrupted and is tried again", one.number)
        if one.params:
            study.enqueue_trial(one.params)


def _told(study: Study, trial: OpenTrial, losses: Sequence[float], *, folds: int, seconds: float) -> Trial:
    from optuna.trial import TrialState

    trial.set_user_attr(LOSSES, list(losses))
    trial.set_user_attr(SECONDS, seconds)
    if len(losses) < folds:
        return _trial(study.tell(trial, state=TrialState.PRUNED))
    return _trial(study.tell(trial, float(np.mean(losses))))


def _trial(one: FrozenTrial) -> Trial:
    from optuna.trial import TrialState

    kept: Mapping[str, Any] = one.user_attrs
    whole = one.value if one.state == TrialState.COMPLETE else None
    return Trial(one.number, dict(one.params), tuple(kept[LOSSES]), whole, float(kept[SECONDS]))
