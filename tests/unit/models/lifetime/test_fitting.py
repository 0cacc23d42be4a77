"""A fit on counts says what it was made of, and warns of what Gamma-Gamma and BG/NBD must not be believed on."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from models.lifetime.bgnbd import BgNbd, Counts
from models.lifetime.fitting import Gathered, figures_of, fit_gathered
from models.lifetime.gamma_gamma import Values
from models.lifetime.parameters import LifetimeParameters
from tests.unit.models.lifetime.shops import shop

AS_OF = date(2024, 1, 1)


@pytest.fixture
def gathered(rng) -> Gathered:
    counts = shop(BgNbd(0.6, 5.0, 0.7, 2.0), np.full(2_000, 50.0), horizon=0, rng=rng).counts
    days = rng.integers(1, 9, 500).astype(float)
    mean = rng.gamma(4 * days) / rng.gamma(5.0, 1 / 60, 500) / days
    return Gathered(None, counts, 1, Values(days, mean, np.ones(500)), 1, 9_999)


def test_a_sound_fit_warns_of_nothing(gathered, caplog):
    fit = fit_gathered(gathered, as_of=AS_OF, parameters=LifetimeParameters(correlation_warning=0.5))
    assert fit.is_identified and caplog.messages == []
    assert (fit.as_of, fit.customers, fit.cells, fit.cap_cents) == ("2024-01-01", 2_000, 2_000, 9_999)


def test_dependence_and_doubt_are_warned_of(gathered, caplog):
    values = gathered.values
    richer = Values(values.days, values.mean * values.days, values.customers)
    never = Counts(np.zeros(1), np.zeros(1), np.ones(1), np.array([50.0]))
    fit = fit_gathered(
        Gathered(None, never, 1, richer, 1, 9_999), as_of=AS_OF, parameters=LifetimeParameters(correlation_warning=0.2)
    )
    assert not fit.is_identified
    assert any("not identified: no customer has ordered on a second day" in line for line in caplog.messages)
    assert any(f"correlate by {fit.correlation:.2f}" in line for line in caplog.messages)


def test_figures_without_an_order_or_a_sum_are_none():
    same, none = np.ones(3), np.zeros(3)
    assert figures_of(same, np.arange(3.0)).spearman is None
    assert figures_of(same, none).sum_ratio is None and figures_of(none, same).sum_ratio is None
