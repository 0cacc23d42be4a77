"""A small view over orders, random lines of random customers for it, and its build: what tests of snapshots share."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from featurestore.features import view
from featurestore.fold import Limits
from featurestore.snapshots import build_snapshots
from jobs.settings import load_settings
from tests import oracle
from tests.events import INGESTED, order_line

ORDERS_VIEW = view("orders", rfm_segments=load_settings().features.rfm_segments)
FEW = {"recency_days", "tenure_days", "orders_count_30d", "orders_count_lifetime", "amount_sum_lifetime",
       "amount_max_365d", "products_distinct_90d", "orders_count_30d_last_year", "gap_days_mean_lifetime"}  # fmt: skip
FEW_DERIVED = {"frequency", "monetary", "overdue_ratio"}
FEW_RANKED = {"r_score", "f_score", "m_score", "recency_percentile", "frequency_percentile"}
FEW_JUDGED = {"churn_risk_score", "high_risk_churn", "is_champion"}
SMALL_VIEW = replace(
    ORDERS_VIEW,
    folds=tuple(fold for fold in ORDERS_VIEW.folds if fold.name in FEW),
    derived=tuple(one for one in ORDERS_VIEW.derived if one.name in FEW_DERIVED),
    ranked=tuple(one for one in ORDERS_VIEW.ranked if one.name in FEW_RANKED),
    judged=tuple(one for one in ORDERS_VIEW.judged if one.name in FEW_JUDGED),
    aliases=(),
)
"""One feature of each kind and all of the scores: a hundred columns cost Spark seconds of compiling a test."""
START = datetime(2023, 1, 1, tzinfo=UTC)
DATES = [date(2023, 6, 1), date(2024, 2, 29), date(2024, 6, 1)]
LIMITS = Limits(customers_per_fold=64, events_per_fold=500)


def build(warehouse, dates=DATES, limits=LIMITS, view=SMALL_VIEW):
    return build_snapshots(warehouse, view, dates=dates, limits=limits, run_id="r", built_at=INGESTED)


def random_lines(customers: int, seed: int):
    chance = random.Random(seed)
    for c in range(customers):
        for _ in range(chance.choice([1, 1, 2, 5, 12, 60])):
            time = START + timedelta(microseconds=chance.randrange(540 * 86_400_000_000))
            if chance.random() < 0.2:  # exactly on an edge, or a microsecond off
                edge = oracle.midnight(chance.choice(DATES)) - timedelta(days=chance.choice([0, 7, 30, 90, 364, 365]))
                time = edge + chance.choice([-1, 0, 1]) * timedelta(microseconds=1)
            amount = Decimal(chance.randrange(-5000, 20000)) / 100
            yield order_line(f"c{c}", time, order_id=f"o{chance.randrange(9)}", product_id=chance.choice("abcd"),
                             amount=amount, quantity=chance.randrange(-5, 9),
                             is_product=chance.random() < 0.9)  # fmt: skip
