"""BG/NBD on the CDNOW sample beside the published fit, and what a fit costs as customers grow a hundredfold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.ingest import ingest
from featurestore.schemas import ORDERS
from featurestore.tables import Warehouse
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.made_up_buyers import LAST_DAY, buyers
from jobs.lifetime import parameters_of
from jobs.run import Run
from jobs.settings import load_source
from models.lifetime.fitting import Fitted, fit_gathered, fitted_at, gather
from models.lifetime.histories import day_totals, histories_at
from models.lifetime.record import Fit, LifetimeModel
from models.lifetime.scoring import customers_of, score_lifetime, with_numbers
from models.lifetime.value import expected_orders

SIZES = {"customers": 1_000_000}
SHARES = (100, 10, 1)
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "log_likelihood": -9582.4}
"""Fader, Hardie and Lee (2005), table 2."""
WEEKS = 39
CUT = date(1997, 10, 2)
"""Purchases stand at the end of their day in New York, which is the next day in UTC: this holds 30 September."""


def run(run: Run) -> list[Figure]:
    """The published fit where `--input` names the CDNOW sample; times for 1, 10 and 100 % of `--customers`."""
    figures = [] if run.arguments.input is None else _cdnow(run, run.arguments.input)
    if not figures:
        run.out.print("without --input CDNOW_sample.txt nothing is compared with the published fit")
    for share in SHARES:
        figures += _grown(run, run.arguments.customers // share)
    return figures


def _cdnow(run: Run, path: str) -> list[Figure]:
    with _scratch(run) as warehouse:
        ingest(warehouse, load_source("cdnow"), path, ingested_at=run.started_at)
        lines = warehouse.read(ORDERS.events_table)
        # The literature counts days of free discs as purchases; an order here needs a positive amount.
        lines = lines.withColumn("amount", F.when(F.col("amount") == 0, F.lit(0.01)).otherwise(F.col("amount")))
        lines = lines.withColumn("amount", F.col("amount").cast("decimal(18,2)"))
        days = 7 * WEEKS
        with fitted_at(lines, CUT, parameters=parameters_of(run), limits=run.limits, horizons=(days,)) as fitted:
            forecast, actual = _holdout(fitted, days)
    fit = fitted.fit
    found = {name: getattr(fit.bgnbd, name) for name in ("r", "alpha", "a", "b")}
    found["log_likelihood"] = fit.log_likelihood
    units = {"alpha": "weeks", "log_likelihood": "nats"}
    figures = [Figure("cdnow_customers", fit.customers, "customers"), Figure("cdnow_cells", fit.cells, "cells")]
    for name, value in found.items():
        figures += [Figure(f"cdnow_{name}", value, units.get(name, "1")),
                    Figure(f"cdnow_{name}_published", PUBLISHED[name], units.get(name, "1"))]  # fmt: skip
    return [
        *figures,
        Figure("cdnow_identified", float(fit.is_identified), "0 or 1"),
        Figure("cdnow_holdout_correlation", float(np.corrcoef(forecast, actual)[0, 1]), "Pearson's r"),
        Figure("cdnow_holdout_sum_ratio", float(forecast.sum() / actual.sum()), "forecast / actual"),
        *[Figure(f"cdnow_gamma_gamma_{name}", getattr(fit.gamma_gamma, name), "1") for name in ("p", "q", "v")],
        Figure("cdnow_value_correlation", fit.correlation or float("nan"), "Pearson's r"),
    ]


def _holdout(fitted: Fitted, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Orders expected in the weeks after the cut, and those that came: a row a customer of the sample."""
    came = F.col(f"order_days_next_{days}d").cast("double").alias("came")
    # The CDNOW sample: 2,357 customers.
    table = with_numbers(fitted.rows).select("*", came).toArrow()
    return expected_orders(fitted.fit, customers_of(table), days=days), table.column("came").to_numpy()


def _grown(run: Run, customers: int) -> list[Figure]:
    """Seconds to fold and count, to fit on the driver, and to score, on made-up buyers."""
    as_of, parameters = LAST_DAY, parameters_of(run)
    with _scratch(run) as warehouse:
        path = f"{warehouse.root}/lines"
        buyers(run.spark, customers, seed=run.settings.seed).write.parquet(path)
        lines = run.spark.read.parquet(path)
        histories, totals = histories_at(lines, as_of, limits=run.limits).persist(), day_totals(lines, as_of).persist()
        events = lines.count()
        folded = seconds_of(lambda: (histories.count(), totals.count()))
        kept = []
        counted = seconds_of(lambda: kept.append(gather(histories, totals, parameters=parameters)))
        fits: list[Fit] = []
        fitted = seconds_of(lambda: fits.append(fit_gathered(kept[0], as_of=as_of, parameters=parameters)))
        scored = seconds_of(lambda: _score(kept[0].rows, fits[0], run))
        histories.unpersist()
        totals.unpersist()
    found = {"events": (events, "events"), "cells": (fits[0].cells, "cells"), "grid": (fits[0].grid_days, "days"),
             "value_cells": (fits[0].value_cells, "cells"), "fold_seconds": (folded, "s"),
             "gather_seconds": (counted, "s"), "fit_seconds": (fitted, "s"), "score_seconds": (scored, "s"),
             "r": (fits[0].bgnbd.r, "1"), "a": (fits[0].bgnbd.a, "1")}  # fmt: skip
    return [Figure(f"{name}_{customers}", value, unit) for name, (value, unit) in found.items()]


def _score(rows: DataFrame, fit: Fit, run: Run) -> None:
    model = LifetimeModel(fit, None, run.settings.lifetime.discount, None, run.settings.currency,
                          run.started_at.date().isoformat(), "bench")  # fmt: skip
    score_lifetime(rows, model).write.format("noop").mode("overwrite").save()


@contextmanager
def _scratch(run: Run) -> Iterator[Warehouse]:
    """A warehouse below this one, removed afterwards."""
    near = Path(run.settings.warehouse) / "bench"
    near.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="run-", dir=near) as folder:
        yield Warehouse(run.spark, folder)
