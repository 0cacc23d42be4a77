"""From order lines to the lifetime model: fit at a date, judged on the year before it by a fit of that year's start."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.customer_draw import SHARES, draw_column
from featurestore.definitions import Window
from featurestore.features.orders import AMOUNT_SUM
from featurestore.fold import Limits
from featurestore.spine import folded_at
from models.amounts import mean_absolute_error, spearman, sum_ratio
from models.lifetime.bgnbd import Counts, fit_bgnbd
from models.lifetime.counting import history_counts, value_counts
from models.lifetime.gamma_gamma import Values, fit_gamma_gamma
from models.lifetime.histories import (
    AGE,
    CUSTOMER,
    FREQUENCY,
    day_totals,
    discrete_quantile,
    histories_at,
    with_history,
    with_values,
)
from models.lifetime.parameters import LifetimeParameters
from models.lifetime.record import YEAR_DAYS, Backtest, Figures, Fit, LifetimeModel, year_before
from models.lifetime.scoring import customers_of, with_numbers
from models.lifetime.value import spend_forecasts
from models.logistic import Floats

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """A fit, and the rows that it was made on: what `score_lifetime` takes, persisted while they are used."""

    fit: Fit
    rows: DataFrame


@dataclass(frozen=True)
class Gathered:
    """What a fit reads: counts of histories and values, and the cap; `rows` are the customers, with their values."""

    rows: DataFrame
    counts: Counts
    grid_days: int
    values: Values
    value_grid: int
    cap_cents: int


def train_lifetime(
    lines: DataFrame,
    *,
    as_of: date,
    first_day: date,
    parameters: LifetimeParameters,
    limits: Limits,
    currency: str,
    fitted_on: date,
    training_fingerprint: str,
) -> LifetimeModel:
    """The model at `as_of`, of events of `orders` that are complete up to it; `first_day` is that of the first event.

    The year before `as_of` is the latest mature backtest, where the history has `first_backtest_after_days` before it.
    Raises CannotTrain where nobody has ordered before `as_of`.
    """
    backtest, then = None, year_before(as_of)
    if (then - first_day).days >= parameters.first_backtest_after_days:
        backtest = backtest_at(lines, then, parameters=parameters, limits=limits)
    with fitted_at(lines, as_of, parameters=parameters, limits=limits) as fitted:
        retention = second_year_share(lines, fitted.rows, as_of=as_of, limits=limits)
    return LifetimeModel(fitted.fit, backtest, parameters.discount, retention, currency, fitted_on.isoformat(),
                         training_fingerprint)  # fmt: skip


@contextmanager
def fitted_at(
    lines: DataFrame, as_of: date, *, parameters: LifetimeParameters, limits: Limits, horizons: tuple[int, ...] = ()
) -> Iterator[Fitted]:
    """Both models on the histories before `as_of`; inside the block the frames behind them are kept in memory."""
    histories = histories_at(lines, as_of, horizons=horizons, limits=limits).persist()
    totals = day_totals(lines, as_of).persist()
    try:
        gathered = gather(histories, totals, parameters=parameters)
        yield Fitted(fit_gathered(gathered, as_of=as_of, parameters=parameters), gathered.rows)
    finally:
        histories.unpersist()
        totals.unpersist()


def gather(histories: DataFrame, totals: DataFrame, *, parameters: LifetimeParameters) -> Gathered:
    """Customers counted in Spark, which is all of the work that grows with them.

    `histories`: a row a customer, with the features in `READ`; `totals`: day totals of the same customers.
    """
    counts, grid_days = history_counts(with_history(histories), at_most=parameters.cells)
    cap = discrete_quantile(totals, "cents", hundredths_of_percent=parameters.hundredths_of_percent) or 0
    rows = with_values(histories, totals, cap_cents=cap)
    values, value_grid = value_counts(rows, at_most=parameters.cells)
    return Gathered(rows, counts, grid_days, values, value_grid, cap)


def fit_gathered(gathered: Gathered, *, as_of: date, parameters: LifetimeParameters) -> Fit:
    """Both models on counts, on the driver; warns of what is not identified and of dependence."""
    counts, values = gathered.counts, gathered.values
    bgnbd, found = fit_bgnbd(counts, spread=parameters.spread)
    gamma_gamma, worth = fit_gamma_gamma(values, spread=parameters.spread)
    fit = Fit(as_of=as_of.isoformat(), bgnbd=bgnbd, log_likelihood=found.log_likelihood, doubt=found.doubt,
              starts=found.starts, customers=int(counts.total), cells=len(counts.customers),
              grid_days=gathered.grid_days, gamma_gamma=gamma_gamma, value_log_likelihood=worth.log_likelihood,
              value_doubt=worth.doubt, value_cells=len(values.customers), value_grid=gathered.value_grid,
              cap_cents=gathered.cap_cents, correlation=values.correlation())  # fmt: skip
    _warn(fit, parameters)
    return fit


def backtest_at(lines: DataFrame, as_of: date, *, parameters: LifetimeParameters, limits: Limits) -> Backtest:
    """Forecasts made at `as_of`, by a fit of then, against the net spend of the 365 days that followed."""
    with fitted_at(lines, as_of, parameters=parameters, limits=limits, horizons=(YEAR_DAYS,)) as fitted:
        known = with_history(fitted.rows).where(F.col(FREQUENCY).isNotNull()).drop(*("frequency", "recency", "age"))
        came = F.greatest(F.col(f"amount_sum_next_{YEAR_DAYS}d").cast("double"), F.lit(0.0)).alias("came")
        table = _sample(with_numbers(known).select("*", came), fitted.fit.customers, parameters.max_evaluation_rows)
    of, actual = customers_of(table), np.asarray(table.column("came").to_numpy(), dtype=np.float64)
    model, last_year = spend_forecasts(fitted.fit, of, days=YEAR_DAYS)
    return Backtest(as_of.isoformat(), YEAR_DAYS, len(actual), fitted.fit.customers, float(actual.mean()),
                    figures_of(model, actual), figures_of(last_year, actual))  # fmt: skip


def figures_of(forecast: Floats, actual: Floats) -> Figures:
    """Mean absolute error, Spearman's rank correlation (ties share ranks), and the sum forecast over the actual one.

    >>> figures_of(np.array([1.0, 2.0, 6.0]), np.array([0.0, 2.0, 4.0]))
    Figures(mae=1.0, spearman=1.0, sum_ratio=1.5)
    """
    return Figures(mean_absolute_error(actual, forecast), spearman(actual, forecast), sum_ratio(actual, forecast))


def second_year_share(lines: DataFrame, rows: DataFrame, *, as_of: date, limits: Limits) -> float | None:
    """Net spend of the second year over that of the first, of the customers who first ordered two years ago or more.

    Each customer's years are counted from the day of the own first order. None where there is no such customer or the
    first year came to nothing.
    """
    birth = F.date_sub(F.lit(as_of), (F.col(AGE) + 1).cast("int"))
    oldest = with_history(rows).where(F.col(AGE) + 1 >= 2 * YEAR_DAYS)
    spine = oldest.select(CUSTOMER, F.date_add(birth, 2 * YEAR_DAYS).alias("as_of"))
    year = Window(YEAR_DAYS)
    folds = AMOUNT_SUM.over((year, Window(YEAR_DAYS, offset_days=YEAR_DAYS)))
    second, first = (F.sum(fold.name).cast("double") for fold in folds)
    found = folded_at(lines, spine, folds, limits=limits).agg(second, first).first()
    if found is None or not found[1] or found[1] <= 0:
        return None
    return max(float(found[0]), 0.0) / float(found[1])


def _sample(rows: DataFrame, total: int, at_most: int) -> pa.Table:
    """All rows as an Arrow table, or about `at_most` by a stable draw of customers, which is logged."""
    if total > at_most:
        log.warning("backtest: %d of %d customers are read", at_most, total)
        draw = draw_column(F.col(CUSTOMER), purpose="sample of a lifetime backtest")
        rows = rows.where(draw < int(SHARES * at_most / total))
    table = rows.toArrow()
    # Sums of doubles follow the order of customers, and not Spark's.
    return table.sort_by(CUSTOMER)


def _warn(fit: Fit, parameters: LifetimeParameters) -> None:
    if fit.doubt:
        log.warning("BG/NBD at %s is not identified: %s; p_alive is NULL", fit.as_of, fit.doubt)
    if fit.value_doubt:
        log.warning("Gamma-Gamma at %s is not identified: %s", fit.as_of, fit.value_doubt)
    if fit.correlation is not None and abs(fit.correlation) > parameters.correlation_warning:
        log.warning("frequency and value correlate by %.2f at %s; Gamma-Gamma takes them to be independent",
                    fit.correlation, fit.as_of)  # fmt: skip
