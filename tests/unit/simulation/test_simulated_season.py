from __future__ import annotations

import numpy as np
import pytest

from featurestore.simulation.season import Season


@pytest.mark.parametrize("until", [1, 30, 1_100, 4_000])
def test_inverse_gives_the_day_back_within_a_thirtieth_of_a_second(until: int) -> None:
    season = Season()
    days = np.linspace(0, until, 9_973)
    found = season.days(season.warped(days), until=until)
    assert np.abs(found - days).max() * 86_400 < 0.03
    assert (np.diff(found) > 0).all()


def test_warped_time_is_the_integral_of_the_seasonal_rate() -> None:
    season = Season(strength=0.8, peak=100.0)
    grid = np.linspace(0, 900, 900_001)
    rate = np.exp(0.8 * np.cos(2 * np.pi * (grid - 100) / 365.25)) / np.i0(0.8)
    integral = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(grid))])
    assert np.abs(season.warped(grid) - integral).max() < 1e-7


def test_a_year_has_its_length_and_no_season_leaves_time_alone() -> None:
    assert Season().warped(3 * 365.25) == pytest.approx(3 * 365.25, abs=1e-9)
    assert Season(strength=0.0).warped([0.0, 17.5]).tolist() == [0.0, 17.5]


def test_time_runs_fastest_at_the_peak() -> None:
    pace = np.diff(Season().warped(np.arange(366.0)))
    assert pace.argmax() in (324, 325)
    assert pace.min() < 0.7 and pace.max() > 1.3
