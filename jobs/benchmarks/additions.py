"""What features beyond windows of orders, spend and recency add, at rolling as-ofs before the test; a learning curve.

Both sets are fitted by the recipe of the settings, on the same rows, and calibrated alike: only the columns differ.
Reads the newest training sets of the warehouse (build them with `build_training_set --build`), without their test rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pyspark.sql import DataFrame

from featurestore.errors import MissingInput
from featurestore.training_set_records import newest, table_of
from jobs.benchmarks.contest import Figure
from jobs.learning import HEAD_OF, training_parameters
from jobs.run import Run
from models.calibrate import SEASONAL_PLATT
from models.evaluate import evaluate
from models.heads import Head, task_of
from models.inputs import Inputs
from models.promotion.forecasts import Forecast, paired
from models.promotion.recipes import Recipe, Table, rolling_forecast
from models.promotion.rule import gained
from models.splits import CALIBRATE, FIT, STOP
from models.tasks import Gate
from models.training_rows import Sample, count_splits, joined, labelled_rows

WINDOWS = re.compile(r"(orders_count|amount_sum)_(\d+d|lifetime)|recency_days")
AS_OFS = 8
SHARES = (8, 4, 2, 1)


def run(run: Run) -> list[Figure]:
    """Figures of each label of probabilities that has a training set."""
    found = [figure for label, head in HEAD_OF.items() if not head.is_amount for figure in _of_label(run, label, head)]
    if not found:
        first = next(iter(HEAD_OF))
        raise MissingInput.table(table_of(first), warehouse=run.warehouse.root,
                                 make_with=f"build_training_set --label {first} --build")  # fmt: skip
    return found


def _of_label(run: Run, label: str, head: Head) -> list[Figure]:
    standing = newest(run.warehouse, label)
    if standing is None:
        return []
    task = task_of(head)
    features = tuple(task.inputs(run.features().model_inputs))
    rows = _rows_before_the_test(run, standing.load_df(run.warehouse), label, features)
    table, gate = Table(rows, features), Gate(as_ofs=AS_OFS, rows=len(rows.labels))
    recipe = Recipe("all", features, training_parameters(run, task).algorithm_of(), SEASONAL_PLATT, run.settings.seed)
    windows = replace(recipe, name="windows", features=tuple(filter(WINDOWS.fullmatch, features)))
    ours, theirs = (rolling_forecast(one, table, gate, horizon_days=head.horizon_days) for one in (recipe, windows))
    if not ours.as_ofs:
        run.progress.print(f"{label}: no as-of before the test has one to calibrate and one to fit on before it")
        return []
    known = gained(paired(ours, theirs), gate, seed=run.settings.seed).figures
    told = [name for name in known if name.startswith(("log_loss_gain", "as_ofs", "rows"))]
    figures = [Figure(f"{label}_{name}", known[name], "nats" if "gain" in name else "judged") for name in told]
    figures.append(Figure(f"{label}_windows", len(windows.features), f"of {len(features)} features"))
    for share in SHARES:
        less = gate.model_copy(update={"rows": max(1, gate.rows // share)})
        curve = rolling_forecast(recipe, table, less, horizon_days=head.horizon_days)
        figures.append(Figure(f"{label}_log_loss_on_{less.rows}_rows", _log_loss(curve.at(ours.as_ofs)), "nats"))
    return figures


def _rows_before_the_test(run: Run, rows: DataFrame, label: str, features: Sequence[str]) -> Sample:
    chosen = labelled_rows(rows, label=label)
    inputs = Inputs(chosen, label, tuple(features), {}, count_splits(chosen, label=label))
    most = run.settings.training.max_baseline_rows
    return joined([inputs.sample(split, at_most=most) for split in (FIT, STOP, CALIBRATE)])


def _log_loss(forecast: Forecast) -> float:
    return evaluate(forecast.labels, forecast.probabilities).log_loss or float(np.nan)
