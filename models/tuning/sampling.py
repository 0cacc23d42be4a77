"""Which parameters to try next: declared ranges as Optuna's distributions, and chance that a kill does not change."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

    from models.search_space import Range

RANDOM_TRIALS = 10
"""Trials before the sampler starts to learn from them: Optuna's own number."""


def distributions(space: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    """What Optuna draws from, in the order of names, on which the draws depend."""
    return {name: _distribution(name, space[name]) for name in sorted(space)}


def _distribution(name: str, one: Range) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    from models.search_space import is_whole

    if one.choices:
        return CategoricalDistribution(one.choices)
    if one.low is None or one.high is None:
        raise ValueError(f"the range of {name} has no ends")
    if is_whole(name):
        return IntDistribution(int(one.low), int(one.high), log=one.log, step=int(one.step or 1))
    return FloatDistribution(float(one.low), float(one.high), log=one.log, step=one.step and float(one.step))


def sampler_at(place: int, *, seed: int, together: int) -> BaseSampler:
    """The sampler for the trial at `place`, counted in finished ones: it depends on these and on what they found.

    A sampler that lives as long as its process would draw anew after a kill; this one gives the trial that was killed
    once more, and then those that would have followed.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    chance = int(np.random.SeedSequence([seed, place]).generate_state(1)[0])
    with warnings.catch_warnings():
        # Trials that run at once must differ: for that the sampler takes those still open for bad ones.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(seed=chance, n_startup_trials=RANDOM_TRIALS, constant_liar=together > 1)


def plain(values: Mapping[str, Any]) -> dict[str, int | float]:
    """Parameters as Python's own numbers, by name."""
    return {name: values[name] for name in sorted(values)}
