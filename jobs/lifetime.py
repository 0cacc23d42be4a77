"""The lifetime model of `train --lifetime`: fitted on the histories of orders, backtested, registered, shown."""

from __future__ import annotations

from datetime import date

from rich.table import Table as Rich

from featurestore.errors import ConfigurationError, DataContractError
from featurestore.schemas import ORDERS
from featurestore.snapshot_inputs import before
from featurestore.watermarks import first_event_date, latest_complete_midnight
from jobs.model_registry import registry_of_kind
from jobs.run import Run
from models.fingerprints import lifetime_fingerprint
from models.heads import LIFETIME
from models.lifetime.fitting import train_lifetime
from models.lifetime.parameters import LifetimeParameters
from models.lifetime.record import LAST_YEAR, MODEL, LifetimeModel
from models.registry import Registered
from models.tracking import RunRecord

SAID = {MODEL: "BG/NBD x Gamma-Gamma", LAST_YEAR: "spend of the last 365 days"}


def lifetime_step(run: Run) -> Registered[LifetimeModel]:
    """The champion of `tessera_lifetime` at a date, fitted now, or found of the same events and settings."""
    as_of = _as_of(run)
    parameters = parameters_of(run)
    registry = registry_of_kind(run, LifetimeModel.load)
    with run.step("train") as step:
        version = run.warehouse.version(ORDERS.events_table)
        identity = lifetime_fingerprint(as_of=as_of, events_version=version, parameters=parameters.describe(),
                                        currency=run.settings.currency)  # fmt: skip
        found = None if run.arguments.refit else registry.find_by_training_fingerprint(LIFETIME, identity)
        if found is not None:
            registry.set_alias(LIFETIME, version=found.version)
        else:
            model = train_lifetime(
                before(run.warehouse.read(ORDERS.events_table, version=version), as_of), as_of=as_of,
                first_day=first_event_date(run.warehouse, ORDERS.name), parameters=parameters, limits=run.limits,
                currency=run.settings.currency, fitted_on=run.started_at.date(), training_fingerprint=identity,
            )  # fmt: skip
            registered = registry.register(model, record_of(model, parameters))
        champion = found or registered
        step.results.update(head=LIFETIME.name, version=champion.version, reused=found is not None,
                            shipped=champion.bundle.shipped)  # fmt: skip
    show(run, champion.bundle)
    return champion


def parameters_of(run: Run) -> LifetimeParameters:
    """The settings `lifetime` as the library takes them."""
    return LifetimeParameters(**run.settings.lifetime.model_dump())


def record_of(model: LifetimeModel, parameters: LifetimeParameters) -> RunRecord:
    """What a run logs of the model."""
    fit, test = model.fit, model.backtest
    numbers = {"log_likelihood": fit.log_likelihood, "value_log_likelihood": fit.value_log_likelihood,
               "customers": fit.customers, "cells": fit.cells, "correlation": fit.correlation,
               "correction": model.correction, "retention": model.retention}  # fmt: skip
    numbers |= {name: getattr(fit.bgnbd, name) for name in ("r", "alpha", "a", "b")}
    numbers |= {f"value_{name}": getattr(fit.gamma_gamma, name) for name in ("p", "q", "v")}
    for name, figures in {} if test is None else {"model": test.model, "last_year": test.last_year}.items():
        numbers |= {f"backtest_{name}_{one}": getattr(figures, one) for one in ("mae", "spearman", "sum_ratio")}
    described = {"as_of": fit.as_of, "shipped": model.shipped, "identified": fit.is_identified, **model.statuses}
    metrics = {name: float(value) for name, value in numbers.items() if value is not None}
    return RunRecord(parameters={**parameters.describe(), **described}, metrics=metrics)


def show(run: Run, model: LifetimeModel) -> None:
    """Parameters and how far to trust them, then the backtest and what it decides."""
    fit, gamma = model.fit, model.fit.gamma_gamma
    run.out.print(
        f"{fit.customers:,} customers with orders before {fit.as_of}, as {fit.cells:,} counts of equal histories "
        f"(grid {fit.grid_days} d)\n"
        f"BG/NBD, weeks: r {fit.bgnbd.r:.4g}, alpha {fit.bgnbd.alpha:.4g}, a {fit.bgnbd.a:.4g}, b {fit.bgnbd.b:.4g}; "
        f"log-likelihood {fit.log_likelihood:,.1f}; {_trust(fit.doubt, 'p_alive is NULL')}\n"
        f"Gamma-Gamma, {model.currency}: p {gamma.p:.4g}, q {gamma.q:.4g}, v {gamma.v:.4g}, mean {gamma.mean:,.2f}; "
        f"{_trust(fit.value_doubt, 'take the values with care')}"
    )
    if fit.correlation is not None:
        most = run.settings.lifetime.correlation_warning
        above = f", above {most:g}: Gamma-Gamma takes them to be independent" if fit.correlation > most else ""
        run.out.print(f"correlation of frequency and value {fit.correlation:.2f}{above}")
    if model.backtest is None:
        run.out.print("no backtest: the history before the last year is too short; clv_12m is unvalidated")
    else:
        run.out.print(backtest_table(model))
    kept = "unknown, clv_36m is NULL" if model.retention is None else f"{model.retention:.2f}"
    run.out.print(f"clv_12m: {SAID[model.shipped]} x {model.correction:.3f}, {model.statuses['clv_12m']}; "
                  f"spend of year 2 over year 1: {kept}")  # fmt: skip


def backtest_table(model: LifetimeModel) -> Rich:
    """The model and its simpler rival on the year that followed the backtest's date."""
    test = model.backtest
    if test is None:
        raise ValueError("the model has no backtest")
    title = f"Backtest at {test.as_of}, {test.days} days, n {test.customers:,}, mean spend {test.mean_actual:,.2f}"
    table = Rich(title=title, title_justify="left")
    for name in ("forecast", "MAE", "Spearman", "sum ratio"):
        table.add_column(name, justify="left" if name == "forecast" else "right")
    for name, figures in ((MODEL, test.model), (LAST_YEAR, test.last_year)):
        shipped = " (shipped)" if name == model.shipped else ""
        rest = ("-" if one is None else f"{one:.3f}" for one in (figures.spearman, figures.sum_ratio))
        table.add_row(SAID[name] + shipped, f"{figures.mae:,.1f}", *rest)
    return table


def _trust(doubt: str, so: str) -> str:
    return f"not identified ({doubt}): {so}" if doubt else "identified"


def _as_of(run: Run) -> date:
    """`--as-of`, or the latest midnight that orders are complete through; neither later than that nor before them."""
    last = latest_complete_midnight(run.warehouse, [ORDERS.name])
    chosen: date = run.arguments.as_of or last
    if chosen > last:
        raise ConfigurationError(f"orders are complete through {last} only, not {chosen}. Ask for --as-of {last}.")
    first = first_event_date(run.warehouse, ORDERS.name)
    if chosen <= first:
        raise DataContractError(f"no order lies before {chosen}: the first event is on {first}.")
    return chosen
