"""Simulated customers with known parameters: rates, dropout and values as the models say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.lifetime.bgnbd import BgNbd, Counts


@dataclass(frozen=True)
class Shop:
    """n customers watched for `age`: `frequency`, `recency`, and in the `horizon` after it `alive` and `orders`."""

    frequency: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    alive: np.ndarray
    orders: np.ndarray

    @property
    def counts(self) -> Counts:
        return Counts(self.frequency, self.recency, self.age, np.ones(len(self.age)))


def shop(model: BgNbd, age: np.ndarray, *, horizon: float, rng: np.random.Generator) -> Shop:
    """Orders one by one: the next after an exponential time, then perhaps none ever again."""
    n = len(age)
    rate = rng.gamma(model.r, 1 / model.alpha, n)
    dropout = rng.beta(model.a, model.b, n)
    clock, frequency, recency, orders = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    there, alive_at_age = np.ones(n, bool), np.ones(n, bool)
    going = np.arange(n)
    while len(going):
        clock[going] += rng.exponential(size=len(going)) / np.maximum(rate[going], 1e-300)
        going = going[clock[going] < age[going] + horizon]
        seen = clock[going] < age[going]
        frequency[going[seen]] += 1
        recency[going[seen]] = clock[going[seen]]
        orders[going[~seen]] += 1
        leaves = rng.random(len(going)) < dropout[going]
        there[going[leaves]] = False
        alive_at_age[going[leaves & seen]] = False
        going = going[~leaves]
    return Shop(frequency, recency, age, alive_at_age, orders)
