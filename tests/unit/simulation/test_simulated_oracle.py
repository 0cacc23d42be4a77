"""The figures that the documentation states, from events and plain NumPy."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from featurestore.simulation.process import SECONDS_A_DAY, simulate_histories
from featurestore.simulation.truth import AMOUNTS, truth
from featurestore.simulation.world import World

WORLD = World(customers=20_000, days=1_100, seed=1)


class Outcomes:
    def __init__(self, world: World) -> None:
        self.customers = world.customers
        self.histories = simulate_histories(world.process, np.arange(world.customers), days=world.days, seed=world.seed)
        self.heads: dict[str, np.ndarray] = {}
        for batch in truth(world, np.arange(world.customers), days=[world.truth_day]):
            column = "expectation" if batch["head"][0].as_py() in AMOUNTS else "probability"
            rows = np.array([int(k[1:]) for k in batch["customer_id"].to_pylist()])
            values = np.full(world.customers, np.nan)
            values[rows] = batch[column].to_numpy(zero_copy_only=False)
            self.heads[batch["head"][0].as_py()] = values

    def _inside(self, first: int, last: int) -> np.ndarray:
        second = self.histories.order_second
        return (second >= first * SECONDS_A_DAY) & (second < last * SECONDS_A_DAY)

    def orders(self, first: int, last: int) -> np.ndarray:
        return np.bincount(self.histories.order_owner[self._inside(first, last)], minlength=self.customers)

    def spend(self, first: int, last: int) -> np.ndarray:
        inside = self._inside(first, last)
        owner, cents = self.histories.order_owner[inside], self.histories.order_cents[inside]
        return np.bincount(owner, weights=cents, minlength=self.customers) / 100


@pytest.fixture(scope="module")
def world() -> Outcomes:
    return Outcomes(WORLD)


def calibration_error(p: np.ndarray, y: np.ndarray) -> float:
    parts = np.array_split(np.argsort(p), 10)
    return sum(abs(p[part].mean() - y[part].mean()) * len(part) for part in parts) / len(p)


def test_purchase(world: Outcomes) -> None:
    p, y = world.heads["purchase_30d"], world.orders(900, 930) > 0
    assert not np.isnan(p).any() and y.mean() == pytest.approx(0.123, abs=0.008)
    assert roc_auc_score(y, p) == pytest.approx(0.887, abs=0.010)
    assert calibration_error(p, y) <= 0.02


def test_churn(world: Outcomes) -> None:
    p, y = world.heads["churn_60d"], world.orders(900, 960) == 0
    population = world.orders(720, 900) > 0
    assert (np.isnan(p) == ~population).all()
    assert population.sum() == pytest.approx(9_213, abs=200)
    p, y = p[population], y[population]
    assert y.mean() == pytest.approx(0.614, abs=0.02)
    assert roc_auc_score(y, p) == pytest.approx(0.826, abs=0.014)
    assert calibration_error(p, y) <= 0.02


def test_active(world: Outcomes) -> None:
    p, y = world.heads["active_90d"], world.orders(900, 990) > 0
    assert roc_auc_score(y, p) == pytest.approx(0.920, abs=0.010)
    assert calibration_error(p, y) <= 0.02


def test_decline(world: Outcomes) -> None:
    before, after = world.spend(810, 900), world.spend(900, 990)
    p, population = world.heads["decline_90d"], world.orders(810, 900) >= 2
    assert (np.isnan(p) == ~population).all()
    p, y = p[population], (after < before / 2)[population]
    assert roc_auc_score(y, p) == pytest.approx(0.78, abs=0.03)
    # A perfectly calibrated forecast of 2,400 rows shows about .024.
    assert calibration_error(p, y) <= 0.04


def test_orders(world: Outcomes) -> None:
    expected, actual = world.heads["orders_90d"], world.orders(900, 990)
    known = np.isfinite(expected)
    assert known.sum() == np.isfinite(world.heads["spend_90d"]).sum()
    assert expected[known].sum() / actual[known].sum() == pytest.approx(1, abs=0.03)
    assert spearmanr(expected[known], actual[known]).statistic == pytest.approx(0.63, abs=0.05)


def test_spend(world: Outcomes) -> None:
    expected, actual = world.heads["spend_90d"], world.spend(900, 990)
    assert expected.sum() / actual.sum() == pytest.approx(1, abs=0.06)
    assert spearmanr(expected, actual).statistic == pytest.approx(0.627, abs=0.025)


def test_the_latent_state_separates_better_than_any_history_can(world: Outcomes) -> None:
    histories = world.histories
    position = histories.order_start[:-1] + world.orders(0, 900) - 1
    latent = histories.traits.rate * ~histories.order_ends[position]
    y = world.orders(900, 930) > 0
    assert roc_auc_score(y, latent) > roc_auc_score(y, world.heads["purchase_30d"]) + 0.008


def test_customers_not_yet_born_have_no_row_and_blocks_do_not_matter() -> None:
    world = World(customers=200, days=400, seed=4)
    whole = pa.Table.from_batches(truth(world, np.arange(200), days=[100, 399]))
    parts = pa.concat_tables(
        pa.Table.from_batches(truth(world, block, days=[100, 399])) for block in np.array_split(np.arange(200), 7)
    )
    order = [("head", "ascending"), ("as_of_date", "ascending"), ("customer_id", "ascending")]
    assert whole.sort_by(order).equals(parts.sort_by(order))
    early = whole.filter(pc.equal(whole["as_of_date"], pa.scalar(19_093, pa.date32())))
    assert 0 < early.num_rows / 5 < 100
