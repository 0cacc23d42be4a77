"""A fit and a model with round numbers for tests."""

from __future__ import annotations

from dataclasses import replace

from models.lifetime.bgnbd import BgNbd
from models.lifetime.gamma_gamma import GammaGamma
from models.lifetime.record import Backtest, Figures, Fit, LifetimeModel

FIT = Fit(
    as_of="2011-12-09",
    bgnbd=BgNbd(0.6, 5.0, 0.7, 2.0),
    log_likelihood=-1234.5,
    doubt="",
    starts=7,
    customers=500,
    cells=123,
    grid_days=1,
    gamma_gamma=GammaGamma(4.0, 5.0, 60.0),
    value_log_likelihood=-99.0,
    value_doubt="",
    value_cells=88,
    value_grid=1,
    cap_cents=50_000,
    correlation=0.1,
)
BETTER = Backtest("2010-12-09", 365, 400, 400, 80.0, Figures(70.0, 0.6, 1.25), Figures(75.0, 0.5, 1.3))
WORSE = replace(BETTER, model=Figures(80.0, 0.6, 1.25))
MODEL = LifetimeModel(FIT, BETTER, 0.1, 0.8, "GBP", "2011-12-10", "training-1")
