"""Orders of made-up customers who follow the BG/NBD: any number of them, from numbered blocks that each have a seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

LAST_DAY = date(2022, 1, 1)
DAYS = 730
BLOCK = 10_000
RATE_SHAPE, RATE_DAYS, LEAVE_A, LEAVE_B = 0.6, 60.0, 0.8, 2.5
VALUE_SHAPE, VALUE_MEAN = 3.0, 40.0
_MICROSECONDS_A_DAY = 86_400_000_000
_SCHEMA = "customer_id string, event_time_us bigint, event_id string, cents bigint"


def buyers(spark: SparkSession, customers: int, *, seed: int) -> DataFrame:
    """Order lines customer_id, event_time, event_id, amount, one an order: r .6, alpha 60 / 7 weeks, a .8, b 2.5.

    First orders are uniform over the two years before `LAST_DAY`.
    """
    start = (LAST_DAY - timedelta(days=DAYS) - date(1970, 1, 1)).days * _MICROSECONDS_A_DAY

    def made(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for block in batch.column("id").to_pylist():
                yield _block(block, min(BLOCK, customers - block * BLOCK), seed=seed, start=start)

    blocks = spark.range(0, -(-customers // BLOCK)).repartition(max(customers // BLOCK // 8, 1))
    return blocks.mapInArrow(made, _SCHEMA).select(
        "customer_id",
        F.timestamp_micros("event_time_us").alias("event_time"),
        "event_id",
        (F.col("cents") / 100).cast("decimal(18,2)").alias("amount"),
    )


def _block(block: int, n: int, *, seed: int, start: int) -> pa.RecordBatch:
    """The orders of customers `block * BLOCK` to `+ n`; a customer leaves after a repeat by his own chance."""
    rng = np.random.default_rng([seed, block])
    clock, rate = rng.uniform(0, DAYS, n), rng.gamma(RATE_SHAPE, 1 / RATE_DAYS, n)
    leave, level = rng.beta(LEAVE_A, LEAVE_B, n), VALUE_MEAN * rng.lognormal(0, 0.5, n)
    going, who, when = np.arange(n), [], []
    while len(going):
        who.append(going)
        when.append(clock[going])
        if len(who) > 1:
            going = going[rng.random(len(going)) >= leave[going]]
        clock[going] += rng.exponential(size=len(going)) / np.maximum(rate[going], 1e-9)
        going = going[clock[going] < DAYS]
    customer, time = np.concatenate(who), np.concatenate(when)
    cents = np.maximum(rng.gamma(VALUE_SHAPE, level[customer] / VALUE_SHAPE) * 100, 1)
    number = customer + block * BLOCK
    return pa.RecordBatch.from_pydict({
        "customer_id": [f"c{one:09d}" for one in number],
        "event_time_us": (start + time * _MICROSECONDS_A_DAY).astype(np.int64),
        "event_id": [f"{block}-{at}" for at in range(len(number))],
        "cents": cents.astype(np.int64),
    })  # fmt: skip
