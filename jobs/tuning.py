"""The search of `train --tune`: gone on with where a kill left it, judged on as-ofs that it never saw, logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from functools import partial
from pathlib import Path

from featurestore.errors import ConfigurationError
from jobs.learning import Learning, learned_in_memory, learning_of
from jobs.model_registry import registry_of
from jobs.run import Run
from jobs.search_tables import search_table
from models.algorithms import XGBOOST
from models.heads import task_of
from models.search_space import Range
from models.tracking import open_store
from models.tuning.budget import Budget
from models.tuning.folds import Fold, SearchFolds, search_folds
from models.tuning.objective import here, on_spark
from models.tuning.record import SearchRuns
from models.tuning.study import LossesOf, Search, Trial, best_of, finished, open_study
from models.tuning.tune import Tuned, tune

STUDIES = "tuning.db"


def tune_step(run: Run, label_name: str, as_of: date) -> Tuned:
    """What a search found for a label's head, now or in an earlier command, and the table of it."""
    learning = learning_of(run, label_name, as_of)
    space, told = _space_of(learning), run.settings.tuning
    defaults = {name: getattr(learning.parameters, name) for name in space}
    search = Search(space, defaults, told.folds, run.settings.seed, told.together)
    with run.step("tune") as step:
        name, budget = _name(run, learning, space), _budget(run)
        study = open_study(_storage(run), name)
        run.progress.print(f"{name}: {len(finished(study))} trials are finished; the search ends at {budget}")
        found = tune(
            search, study, budget=budget, parameters=learning.parameters, folds=partial(_folds, run, learning),
            losses=partial(_losses, run, learning), runs=_runs(run, learning, search, name),
            told=lambda trial, done: run.progress.print(_sentence(trial, done, folds=told.folds)),
        )  # fmt: skip
        gain = found.verdict.log_loss_gain
        step.results.update(head=learning.head.name, search=name, trials=len(found.trials),
                            pruned=sum(one.is_pruned for one in found.trials), best=dict(found.best.parameters),
                            out_of_time_gain=round(gain.figure, 5), better=found.verdict.is_better)  # fmt: skip
    run.out.print(search_table(learning.head.name, found))
    run.out.print(_said(found))
    return found


def _space_of(learning: Learning) -> Mapping[str, Range]:
    """Where to look; ConfigurationError where nothing can be searched for."""
    head, space, algorithm = learning.head, task_of(learning.head).search, learning.parameters.algorithm
    if algorithm != XGBOOST:
        raise ConfigurationError(
            f"--tune searches parameters of {XGBOOST}; head '{head.name}' is learned by {algorithm}."
            f"\n  Use --set training.algorithm={XGBOOST}."
        )
    if not space:
        raise ConfigurationError(f"the task of head '{head.name}' in conf/tasks/ names nothing to search: add search:.")
    return space


def _name(run: Run, learning: Learning, space: Mapping[str, Range]) -> str:
    """The head and a hash of all that decides a trial: rows, features, settings, code, space and folds.

    The budget is no part of it: a longer search goes on where a shorter one has ended.
    """
    searched = {"space": {name: one.model_dump(mode="json") for name, one in space.items()},
                "how": run.settings.tuning.model_dump(exclude={"trials", "minutes", "storage"})}  # fmt: skip
    return f"{learning.head.name} {learning.identity(run, learning.parameters, around=searched)[:16]}"


def _budget(run: Run) -> Budget:
    """What the command line says, else the settings."""
    trials, minutes = run.arguments.trials, run.arguments.minutes
    if trials is None and minutes is None:
        trials, minutes = run.settings.tuning.trials, run.settings.tuning.minutes
    return Budget(trials, minutes and minutes * 60)


def _storage(run: Run) -> str:
    return run.settings.tuning.storage or f"sqlite:///{Path(run.settings.warehouse).resolve()}/{STUDIES}"


def _runs(run: Run, learning: Learning, search: Search, name: str) -> SearchRuns:
    registry, told = registry_of(run), run.settings.tuning
    described: dict[str, object] = {
        f"space_{one}": found.model_dump(mode="json", exclude_defaults=True) for one, found in search.space.items()
    }
    described |= {f"default_{one}": value for one, value in search.defaults.items()}
    described |= {"folds": told.folds, "reserved": told.reserved, "rows": told.rows, "together": told.together,
                  "label": learning.head.label, "seed": search.seed}  # fmt: skip
    return SearchRuns.open(open_store(registry.tracking_uri), registry.artifact_root, name=name,
                           head=learning.head.name, parameters=described)  # fmt: skip


def _folds(run: Run, learning: Learning) -> SearchFolds:
    inputs, rows = learned_in_memory(run, learning)
    told = run.settings.tuning
    return search_folds(rows, features=inputs.features, horizon_days=learning.head.horizon_days, folds=told.folds,
                        reserved=told.reserved, at_most=told.rows,
                        verdict_at_most=learning.parameters.max_baseline_rows, seed=run.settings.seed,
                        categorical=inputs.categorical)  # fmt: skip


def _losses(run: Run, learning: Learning, folds: Sequence[Fold]) -> AbstractContextManager[LossesOf]:
    seed = run.settings.seed
    if run.settings.tuning.together == 1:
        return nullcontext(here(folds, learning.parameters, seed=seed))
    return on_spark(run.spark, folds, learning.parameters, seed=seed)


def _sentence(trial: Trial, done: Sequence[Trial], *, folds: int) -> str:
    result = (
        f"given up after {len(trial.losses)} of {folds} folds" if trial.loss is None else f"log loss {trial.loss:.4f}"
    )
    return f"trial {len(done)}: {result}, {trial.seconds:.1f} s; best {best_of(done).loss:.4f}"


def _said(found: Tuned) -> str:
    """The verdict in a sentence."""
    if found.best == found.trials[0]:
        return "no trial is better than the defaults on the folds of the search: they are kept."
    gain = found.verdict.log_loss_gain
    shown = f"gains {gain.figure:.4f} [{gain.low:.4f}, {gain.high:.4f}] of log loss over the defaults out of time"
    if found.changes:
        return f"the best of the search {shown}: the model is trained with its parameters."
    return f"the best of the search {shown}, which is not better for sure: the defaults are kept."
