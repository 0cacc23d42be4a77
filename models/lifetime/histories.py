"""What the models read of a customer at a date: order days through the features' own folds, and what those were worth.

Everything is in whole days and whole cents, so that no partitioning changes a digit. Frequency, recency and age follow
from three features of the view `orders`, whoever looked them up: a snapshot, a spine, or `histories_at` below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import Window
from featurestore.features.orders import AMOUNT_SUM, ORDERS_VIEW
from featurestore.fold import FoldPlan, Limits
from featurestore.frames import folded, instant
from models.lifetime.record import MEAN_GAP, ORDER_DAYS, READ, RECENCY_DAYS

CUSTOMER = "customer_id"
FREQUENCY, RECENCY, AGE = HISTORY = ("frequency", "recency", "age")
VALUE_DAYS, VALUE_TOTAL = "value_days", "value_total"


def histories_at(lines: DataFrame, as_of: date, *, horizons: Sequence[int] = (), limits: Limits) -> DataFrame:
    """customer_id, the features in `READ`, and what followed: a row per customer seen before `as_of`.

    `lines` are events of `orders`. For each of `horizons`, in days, `order_days_next_<h>d` and `amount_sum_next_<h>d`
    tell [as_of, as_of + h): what a backtest compares with, no feature. One sweep, as for snapshots.
    """
    base = {fold.name: fold for fold in ORDERS_VIEW.folds}
    folds = [base[name] for name in READ]
    for days in horizons:
        ahead = Window(days, offset_days=-days)
        folds += [*replace(base[ORDER_DAYS], name="order_days").over([ahead]), *AMOUNT_SUM.over([ahead])]
    return folded(lines, FoldPlan(tuple(folds), (), (instant(as_of),), limits))


def with_history(features: DataFrame) -> DataFrame:
    """`features` with `frequency`, `recency` and `age`, bigint; NULL for a customer without an order.

    Frequency: order days after the first. Recency: whole days from the first to the last of them, which is the mean gap
    times their number. Age: recency and the whole days that have passed since the last order's day; the day of the
    first order is no time in which one could have come back.
    """
    return features.withColumns(history_columns())


def history_columns() -> dict[str, Column]:
    """What `with_history` adds, by name, of the features in `READ`."""
    repeats = F.when(F.col(ORDER_DAYS) > 0, F.col(ORDER_DAYS) - 1)
    recency = F.when(repeats > 0, F.round(F.col(MEAN_GAP) * repeats)).when(repeats == 0, F.lit(0))
    since = F.greatest(F.ceil(F.col(RECENCY_DAYS)) - 1, F.lit(0))
    return {
        FREQUENCY: repeats.cast("bigint"),
        RECENCY: recency.cast("bigint"),
        AGE: (recency + since).cast("bigint"),
    }


def day_totals(lines: DataFrame, as_of: date) -> DataFrame:
    """customer_id, `day`, `cents`: the net value of each UTC day with an order before `as_of`, where it is positive.

    An order is a line of positive amount, as everywhere; returns of the same day are taken off, and a day of returns
    alone is none.
    """
    until = F.lit(datetime.combine(as_of, time(), UTC))
    day = F.floor(F.unix_micros("event_time") / F.lit(86_400_000_000)).alias("day")
    summed = (
        lines.where(F.col("event_time") < until)
        .groupBy(CUSTOMER, day)
        .agg(F.sum("amount").alias("net"), F.bool_or(F.col("amount") > 0).alias("sold"))
    )
    cents = (F.col("net") * F.lit(Decimal(100))).cast("bigint").alias("cents")
    return summed.where(F.col("sold") & (F.col("net") > 0)).select(CUSTOMER, "day", cents)


def values_of(totals: DataFrame, *, cap_cents: int) -> DataFrame:
    """customer_id, `value_days`, `value_total` (cents, bigint): days of `totals`, none counted above the cap."""
    kept = F.least(F.col("cents"), F.lit(cap_cents))
    return totals.groupBy(CUSTOMER).agg(F.count("*").alias(VALUE_DAYS), F.sum(kept).alias(VALUE_TOTAL))


def with_values(rows: DataFrame, totals: DataFrame, *, cap_cents: int) -> DataFrame:
    """`rows` with `value_days` and `value_total`; both 0 for a customer without a day of positive value."""
    joined = rows.join(values_of(totals, cap_cents=cap_cents), CUSTOMER, "left")
    return joined.fillna(0, subset=[VALUE_DAYS, VALUE_TOTAL])


def discrete_quantile(rows: DataFrame, column: str, *, hundredths_of_percent: int) -> int | None:
    """The smallest value of a bigint column (0 to 2^60) with that share of the rows at or below it; None without rows.

    Exact and the same for any partitioning: digit by digit of 12 bits from the top, one counted pass each, so that no
    more than 4,096 counts ever reach the driver.
    """
    total, most = rows.agg(F.count(column), F.max(column)).first() or (0, None)
    if most is None:
        return None
    wanted = max(-(-total * hundredths_of_percent // 10_000), 1)
    shift = max((int(most).bit_length() - 1) // _BITS * _BITS, 0)
    prefix, below = 0, 0
    while True:
        digit, below = _digit(rows, F.col(column), prefix=prefix, shift=shift, wanted=wanted, below=below)
        prefix = (prefix << _BITS) + digit
        if shift == 0:
            return prefix
        shift -= _BITS


_BITS = 12


def _digit(rows: DataFrame, value: Column, *, prefix: int, shift: int, wanted: int, below: int) -> tuple[int, int]:
    """The digit in which the `wanted`-th row lies among those that start with `prefix`, and the rows below it."""
    inside = rows.where(F.shiftright(value, shift + _BITS) == F.lit(prefix))
    digit = F.shiftright(value, shift).bitwiseAND(F.lit((1 << _BITS) - 1)).alias("digit")
    # Bounded: at most 4,096 rows.
    counted = inside.groupBy(digit).agg(F.count("*").alias("n")).collect()
    counts = np.zeros(1 << _BITS, dtype=np.int64)
    for row in counted:
        counts[row["digit"]] = row["n"]
    reached = below + np.cumsum(counts)
    found = int(np.searchsorted(reached, wanted))
    return found, int(reached[found] - counts[found])
