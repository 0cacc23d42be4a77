"""How a model was made, so that another can be made like it at an earlier date; and what those then said."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np

from models.algorithms.contract import Algorithm
from models.algorithms.parameters import AlgorithmSettings
from models.algorithms.repeat_buying import BGNBD, RepeatBuying, RepeatBuyingParameters
from models.bundle import Bundle
from models.calibrate import NONE, PLATT, UNCALIBRATED, Calibrator, method_of
from models.calibration_backtest import fitted_by, fitted_on, rolling_dates
from models.errors import BadTrainingSetting, NoRecipe
from models.logistic import Floats
from models.parameters import TrainingParameters
from models.promotion.forecasts import Forecast, Pair, paired, together
from models.seasons import season_rates
from models.tasks import Gate
from models.training_rows import Sample

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """Rows of any splits, and which columns their matrix has; `words` name those that hold codes."""

    rows: Sample
    columns: tuple[str, ...]
    words: frozenset[str] = frozenset()

    def of(self, features: Sequence[str]) -> Sample:
        """The rows with these columns alone, in this order."""
        if tuple(features) == self.columns:
            return self.rows
        places = [self.columns.index(name) for name in features]
        return replace(self.rows, matrix=self.rows.matrix[:, places])


@dataclass(frozen=True)
class Recipe:
    """Which columns, which algorithm, and how its log-odds become probabilities."""

    name: str
    features: tuple[str, ...]
    algorithm: Algorithm
    calibration: str
    seed: int


def described(parameters: TrainingParameters, *, seed: int) -> dict[str, Any]:
    """What a bundle keeps of its making, as plain values."""
    return {"parameters": parameters.describe(), "seed": seed}


def recipe_of(bundle: Bundle) -> Recipe:
    """The recipe of a registered model; NoRecipe where it does not say, or says it in another version's words."""
    parameters, calibrator = parameters_of(bundle), bundle.calibrator
    if not isinstance(calibrator, Calibrator):
        raise NoRecipe.of(bundle.head, reason="it expects amounts, and recipes are those of probabilities")
    algorithm = buying(bundle.horizon_days) if bundle.algorithm == BGNBD else parameters.algorithm_of(bundle.algorithm)
    return Recipe(bundle.algorithm, bundle.features, algorithm, method_of(calibrator, asked=parameters.calibration),
                  int(bundle.recipe["seed"]))  # fmt: skip


def parameters_of(bundle: Bundle) -> TrainingParameters:
    """The parameters that a bundle was trained with; NoRecipe where it does not say."""
    if not bundle.recipe:
        raise NoRecipe.of(bundle.head, reason="it was registered by a version that did not keep how it was made")
    kept = dict(bundle.recipe["parameters"])
    try:
        others = AlgorithmSettings.model_validate(kept.pop("algorithms"))
        return TrainingParameters(**{**kept, "words": tuple(kept["words"]), "algorithms": others})
    except (KeyError, TypeError, ValueError, BadTrainingSetting) as problem:
        raise NoRecipe.of(bundle.head, reason=f"its parameters are those of another version ({problem})") from problem


def buying(horizon_days: int) -> RepeatBuying:
    """BG/NBD for labels of that horizon."""
    return RepeatBuying(RepeatBuyingParameters(horizon_days=horizon_days))


def rolling_forecast(recipe: Recipe, table: Table, gate: Gate, *, horizon_days: int) -> Forecast:
    """What fits of the recipe at earlier dates said of the rows of up to `gate.as_ofs` as-ofs, the newest.

    At each the recipe learns from at most `gate.rows` rows of as-ofs two horizons before, is calibrated a horizon
    before, and forecasts; no two of these as-ofs have labels that overlap. No rows where there is no such date.
    """
    rows, parts = table.of(recipe.features), []
    for present, calibrating, fitted in apart(rows.days, timedelta(days=horizon_days), at_most=gate.as_ofs):
        found = _forecast(recipe, table, rows, present=present, calibrating=calibrating, fitted=fitted,
                          at_most=gate.rows)  # fmt: skip
        if found is not None:
            parts.append(found)
    return together(parts)


def rolling_pair(challenger: Recipe, champion: Recipe, table: Table, gate: Gate, *, horizon_days: int) -> Pair:
    """Both recipes refitted at the same earlier as-ofs, as far as the rows allow both."""
    ours, theirs = (rolling_forecast(one, table, gate, horizon_days=horizon_days) for one in (challenger, champion))
    return paired(ours, theirs)


def apart(days: np.ndarray, horizon: timedelta, *, at_most: int) -> Iterator[tuple[date, date, list[date]]]:
    """Those of `rolling_dates` whose labels do not overlap, newest first.

    >>> every = np.arange("2011-01-01", "2011-07-01", 28, dtype="datetime64[D]")
    >>> [str(present) for present, _, _ in apart(every, timedelta(days=30), at_most=3)]
    ['2011-06-18', '2011-04-23']
    """
    taken: list[date] = []
    for present, calibrating, fitted in rolling_dates(days, horizon, at_most=len(np.unique(days))):
        if len(taken) == at_most:
            return
        if not taken or present <= taken[-1] - horizon:
            taken.append(present)
            yield present, calibrating, fitted


def calibrated(
    recipe: Recipe, margins: Floats, labels: Floats, *, rates: Mapping[str, float], fitted: Sequence[date],
    calibrating: date, home: date,
) -> Calibrator:  # fmt: skip
    """The recipe's calibration, or Platt's where there is no year before for a season, or too few rows for steps."""
    by = partial(fitted_by, margins=margins, labels=labels, rates=rates, fitted=fitted, calibrating=calibrating,
                 home=home)  # fmt: skip
    found = by(recipe.calibration)
    if found.status == UNCALIBRATED and recipe.calibration not in (NONE, PLATT):
        return by(PLATT)
    return found


def _forecast(
    recipe: Recipe, table: Table, rows: Sample, *, present: date, calibrating: date, fitted: Sequence[date],
    at_most: int,
) -> Forecast | None:  # fmt: skip
    categorical = tuple(at for at, name in enumerate(recipe.features) if name in table.words)
    model = fitted_on(rows, fitted, features=recipe.features, algorithm=recipe.algorithm, categorical=categorical,
                      seed=recipe.seed, trial_rows=at_most)  # fmt: skip
    if model is None:
        return None
    then, now = (rows.days == np.datetime64(day) for day in (calibrating, present))
    rates = season_rates(table.rows, table.columns, until=calibrating)
    line = calibrated(recipe, model.margins(rows.matrix[then]), rows.labels[then], rates=rates, fitted=fitted,
                      calibrating=calibrating, home=present)  # fmt: skip
    said = line.apply(model.margins(rows.matrix[now]))
    log.info("%s fitted again for %s: %s", recipe.name, present, line.status)
    return Forecast(rows.customers[now], rows.days[now], rows.labels[now], said)
