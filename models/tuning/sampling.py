"""Which parameters to try next: declared ranges as Optuna's distributions, and chance that a kill does not change."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from models.search_space import Range, is_whole

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

RANDOM_TRIALS = 10
"""Trials before the sampler starts to learn from them: Optuna's own number."""
Parameters = Mapping[str, int | float]


def distributions(space: Mapping[str, Range], defaults: Parameters) -> dict[str, BaseDistribution]:
    """What Optuna draws from, in the order of names, on which the draws depend; a range is widened to hold its default.

    >>> distributions({"max_depth": Range(low=2, high=6)}, {"max_depth": 8})
    {'max_depth': IntDistribution(high=8, log=False, low=2, step=1)}
    """
    return {name: _distribution(name, space[name], defaults[name]) for name in sorted(space)}


def _distribution(name: str, one: Range, default: float) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.choices:
        return CategoricalDistribution(tuple(dict.fromkeys((*one.choices, default))))
    low, high = min(*one.values, default), max(*one.values, default)
    if is_whole(name):
        return IntDistribution(int(low), int(high), log=one.log, step=int(one.step or 1))
    return FloatDistribution(float(low), float(high), log=one.log, step=one.step and float(one.step))


def sampler_at(place: int, *, seed: int, together: int) -> BaseSampler:
    """The sampler of the trial that `place` others have finished before: it depends on these and on `seed`.

    A sampler that lives as long as its process would draw other trials after a kill. This one draws the trial that
    was killed once more, and then those that would have followed it.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    chance = int(np.random.SeedSequence([seed, place]).generate_state(1)[0])
    with warnings.catch_warnings():
        # Trials that run at once must differ: a sampler that is told so takes the open ones for bad ones.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(seed=chance, n_startup_trials=RANDOM_TRIALS, constant_liar=together > 1)
