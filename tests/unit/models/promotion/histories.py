"""Histories whose outcome is known to their maker: what the gate and `promote` are tried on."""

from __future__ import annotations

from datetime import date

import numpy as np

from models.algorithms.repeat_buying import HISTORY_FEATURES
from models.logistic import sigmoid
from models.parameters import TrainingParameters
from models.promotion.recipes import Table
from models.splits import plan_splits
from models.training_rows import Sample

COLUMNS = ("views", *HISTORY_FEATURES, "orders_count_365d", "noise")
AS_OF = date(2011, 12, 9)
PLAN = plan_splits(AS_OF, horizon_days=60, source_start=date(2009, 12, 1))
PARAMETERS = TrainingParameters(algorithm="logistic_regression")


def history_table(*, a_day: int = 250) -> Table:
    """Customers at each as-of of the plan; who views much, or has ordered lately and often, does not lapse."""
    chance = np.random.default_rng(4)
    when = np.repeat(np.array(PLAN.as_ofs, dtype="datetime64[D]"), a_day)
    n = len(when)
    days = 1 + chance.poisson(3, n)
    recency = chance.exponential(60, n)
    views = chance.normal(size=n)
    labels = (chance.random(n) < sigmoid(recency / 60 - 0.4 * days + 0.4 - 2 * views)).astype(float)
    gap = np.where(days > 1, chance.exponential(40, n), np.nan)
    matrix = np.column_stack([views, days, gap, recency, np.minimum(days, 5), chance.normal(size=n)])
    who = np.array([f"c{at}" for at in range(a_day)] * len(PLAN.as_ofs), dtype=object)
    return Table(Sample("fit", matrix.astype(np.float32), labels, n, who, when), COLUMNS)
