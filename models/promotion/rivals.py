"""The simple rivals that a first champion must beat, and what is registered in its place where it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from models.algorithms.repeat_buying import BGNBD, HISTORY_FEATURES
from models.bundle import UNGATED, Bundle
from models.calibrate import SEASONAL_PLATT
from models.calibration_backtest import fitted_on
from models.errors import CannotTrain
from models.evaluate import evaluate
from models.promotion.forecasts import Forecast, Pair, paired
from models.promotion.recipes import (
    Recipe,
    Table,
    buying,
    calibrated,
    parameters_of,
    recipe_of,
    rolling_forecast,
)
from models.promotion.rule import Comparison, gained
from models.seasons import season_rates
from models.splits import CALIBRATE, TEST
from models.tasks import Gate
from models.tracking import RunRecord

ORDERS_A_YEAR = ("orders_count_365d",)
LOGISTIC = "logistic_regression"
RIVAL_FEATURES = (*ORDERS_A_YEAR, *HISTORY_FEATURES)
PASSED, RIVAL = "passed", "rival"


@dataclass(frozen=True)
class Admission:
    """What may be the first champion: the model itself, or the best rival. `gate` of its bundle says which and why.

    `comparisons` are those with each rival, by its name; {} where history allows no judgement.
    """

    bundle: Bundle
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)

    @property
    def gate(self) -> str:
        return self.bundle.gate

    @property
    def is_rival(self) -> bool:
        """Whether a rival takes the place of the model."""
        return self.gate.startswith(RIVAL)

    @property
    def record(self) -> RunRecord:
        """What a run logs of a rival that is registered for itself."""
        told = {"label": self.bundle.label, "algorithm": self.bundle.algorithm, "gate": self.gate}
        tested = {f"test_{name}": figure for name, figure in self.bundle.metrics.items()}
        return RunRecord(parameters=told, metrics=tested, documents={"gate.json": self.to_dict()})

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, one sentence a check."""
        said = [f"against {name}: {why}" for name, one in self.comparisons.items() for why in one.reasons]
        return tuple(said) or (self.gate,)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"gate": self.gate, "rivals": {name: one.to_dict() for name, one in self.comparisons.items()}}


def admission(
    entrant: Bundle, table: Table, gate: Gate, *, seed: int, meanings: Mapping[str, str]
) -> Admission:  # fmt: skip
    """The entrant where it beats every rival by rule (a), over refits of all recipes at earlier as-ofs; else the best.

    `table` holds the rows of all splits with the features of the entrant and, as far as the views have them,
    `RIVAL_FEATURES`. Up to `gate.as_ofs` as-ofs are judged; without any the entrant stays, ungated and saying why.
    """
    recipe = recipe_of(entrant)
    found: dict[str, tuple[Recipe, Forecast]] = {}
    pairs: dict[str, Pair] = {}
    ours = rolling_forecast(recipe, table, gate, horizon_days=entrant.horizon_days)
    for rival in rivals_of(entrant, table.columns):
        theirs = rolling_forecast(rival, table, gate, horizon_days=entrant.horizon_days)
        pair = paired(ours, theirs)
        if pair.as_ofs:
            found[rival.name], pairs[rival.name] = (rival, theirs), pair
    if not found:
        return Admission(replace(entrant, gate=f"{UNGATED}: {_why_not(ours, table)}"))
    comparisons = {name: gained(pair, gate, seed=seed) for name, pair in pairs.items()}
    if all(one.is_better for one in comparisons.values()):
        return Admission(replace(entrant, gate=PASSED), comparisons)
    best = min(found, key=lambda name: _mean_loss(found[name][1], ours))
    return Admission(rival_bundle(found[best][0], entrant, table, gate, meanings=meanings), comparisons)


def rivals_of(entrant: Bundle, columns: Sequence[str]) -> list[Recipe]:
    """The rivals whose features are among `columns`."""
    parameters = parameters_of(entrant)
    seed = int(entrant.recipe["seed"])
    every = [
        Recipe(LOGISTIC, ORDERS_A_YEAR, parameters.algorithm_of(LOGISTIC), SEASONAL_PLATT, seed),
        Recipe(BGNBD, HISTORY_FEATURES, buying(entrant.horizon_days), SEASONAL_PLATT, seed),
    ]
    return [one for one in every if set(one.features) <= set(columns)]


def rival_bundle(
    rival: Recipe, entrant: Bundle, table: Table, gate: Gate, *, meanings: Mapping[str, str]
) -> Bundle:  # fmt: skip
    """The rival fitted, calibrated and tested at the dates of the entrant, whose place it takes.

    It keeps the entrant's training fingerprint: the same training ends with it again.
    """
    rows = table.of(rival.features)
    calibrating, test = (date.fromisoformat(entrant.dates[split]) for split in (CALIBRATE, TEST))
    known = np.unique(rows.days[rows.days <= np.datetime64(calibrating - timedelta(days=entrant.horizon_days))])
    model = fitted_on(rows, [day.item() for day in known], features=rival.features, algorithm=rival.algorithm,
                      categorical=(), seed=rival.seed, trial_rows=gate.rows)  # fmt: skip
    if model is None:
        raise CannotTrain(f"the rival {rival.name} of head '{entrant.head}' cannot be fitted: one outcome only.\n"
                          "  Train on a longer history.")  # fmt: skip
    then, tested = (rows.days == np.datetime64(day) for day in (calibrating, test))
    rates = season_rates(table.rows, table.columns, until=calibrating)
    line = calibrated(rival, model.margins(rows.matrix[then]), rows.labels[then], rates=rates,
                      fitted=[day.item() for day in known], calibrating=calibrating, home=test)  # fmt: skip
    made = replace(
        entrant, features=rival.features, words={}, algorithm=rival.name, model=model.save(),
        gate=f"{RIVAL}: {rival.name}", resamples=(),  # those are of the entrant's own algorithm
        calibrator=line.at(test + timedelta(days=entrant.horizon_days)),
        meanings={name: meanings[name] for name in rival.features if name in meanings},
    )  # fmt: skip
    said = made.at(test).predict(rows.matrix[tested])
    return replace(made, metrics=evaluate(rows.labels[tested], said).figures())


def _mean_loss(rival: Forecast, entrant: Forecast) -> float:
    """Log loss on the rows that all were judged on."""
    common = rival.at(entrant.as_ofs)
    return evaluate(common.labels, common.probabilities).log_loss or 0.0


def _why_not(ours: Forecast, table: Table) -> str:
    if not set(RIVAL_FEATURES) & set(table.columns):
        return f"the views have none of the rivals' features ({', '.join(RIVAL_FEATURES)})"
    if not ours.as_ofs:
        return f"none of {len(np.unique(table.rows.days))} as-ofs has one to calibrate and one to fit on before it"
    return "no rival can be fitted at the as-ofs at which it can"
