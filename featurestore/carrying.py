"""What stored rows become when a snapshot is brought up to date: carried over, or extended by new features."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import AS_OF_DATE
from featurestore.fold import CUSTOMER, TIME
from featurestore.persons import ALIAS


def touched_customers(late: DataFrame | None, paths: DataFrame | None, *, dates: Sequence[date]) -> DataFrame:
    """Each customer once whom `late` events or new aliases (`paths`) touch: all ids that an alias joins, too.

    Beside customer_id: bigint columns `before_0`, `before_1`, ..., how many of the events lie before each of `dates`;
    `is_joined`, whether an alias names the customer, and `is_alias`, whether it is one.
    """
    never = {TIME: F.lit(None).cast("timestamp"), "is_joined": F.lit(False), "is_alias": F.lit(False)}
    parts = []
    if late is not None:
        parts.append(late.select(CUSTOMER, TIME).withColumns({**never, TIME: F.col(TIME)}))
    if paths is not None:
        joined = {**never, "is_joined": F.lit(True)}
        parts.append(paths.select(CUSTOMER).withColumns(joined))
        parts.append(paths.select(F.col(ALIAS).alias(CUSTOMER)).withColumns({**joined, "is_alias": F.lit(True)}))
    counts = [
        F.count_if(F.col(TIME) < F.lit(day).cast("timestamp")).alias(f"before_{n}") for n, day in enumerate(dates)
    ]
    flags = [F.bool_or(name).alias(name) for name in ("is_joined", "is_alias")]
    return reduce(DataFrame.unionByName, parts).groupBy(CUSTOMER).agg(*counts, *flags)


def late_totals(customers: DataFrame, *, dates: Sequence[date]) -> DataFrame:
    """One row, from `touched_customers`: for each date its late events and all whom they or aliases touch; aliases."""
    pairs = [(F.col(f"before_{n}"), n) for n in range(len(dates))]
    events = [F.coalesce(F.sum(before), F.lit(0)).alias(f"events_{n}") for before, n in pairs]
    touched = [F.count_if((before > 0) | F.col("is_joined")).alias(f"customers_{n}") for before, n in pairs]
    return customers.agg(*events, *touched, F.count_if("is_alias").alias("aliases"))


def of_customers(rows: DataFrame, customers: DataFrame) -> DataFrame:
    """The rows of `customers`, which names each once."""
    return rows.join(customers.select(CUSTOMER), CUSTOMER, "left_semi")


def of_others(rows: DataFrame, customers: DataFrame) -> DataFrame:
    """The rows of everyone but `customers`."""
    return rows.join(customers.select(CUSTOMER), CUSTOMER, "left_anti")


def extended(stored: DataFrame, added: DataFrame, *, names: Sequence[str]) -> DataFrame:
    """The columns of `stored` and, of the same customers and dates, those of `added` called `names`."""
    return stored.join(added.select(CUSTOMER, AS_OF_DATE, *names), [CUSTOMER, AS_OF_DATE], "left")


def recent_events(events: DataFrame, seen: DataFrame, *, since: date) -> DataFrame:
    """`events` from midnight UTC of `since` on, and one a microsecond earlier for each customer of `seen`.

    That one lies before every window of a sweep that needs no older events, so that it says of its customer that
    there are some, and nothing else: its measures are NULL.
    """
    begins = F.lit(since).cast("timestamp")
    recent = events.where((F.col("event_month") >= F.trunc(F.lit(since), "month")) & (F.col(TIME) >= begins))
    earlier = seen.select(CUSTOMER, (begins - F.expr("interval 1 microsecond")).alias(TIME))
    return recent.unionByName(earlier, allowMissingColumns=True)
