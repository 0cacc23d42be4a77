"""What stored rows become when a snapshot is brought up to date: carried over, or extended by new features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import AS_OF_DATE
from featurestore.fold import CUSTOMER, TIME


def late_customers(events: DataFrame, *, batch_seqs: Iterable[int], dates: Sequence[date]) -> DataFrame:
    """customer_id of those with an event in the batches before the last date, and for each date how many events.

    The counts are bigint columns `before_0`, `before_1`, ... in the order of `dates`.
    """
    late = events.where(F.col("batch_seq").isin(sorted(batch_seqs)))
    counts = [
        F.count_if(F.col(TIME) < F.lit(day).cast("timestamp")).alias(f"before_{n}") for n, day in enumerate(dates)
    ]
    return late.groupBy(CUSTOMER).agg(*counts)


def late_totals(customers: DataFrame, *, dates: Sequence[date]) -> DataFrame:
    """One row: for each date its late events and their customers, from `late_customers`."""
    pairs = [(F.col(f"before_{n}"), n) for n in range(len(dates))]
    events = [F.coalesce(F.sum(before), F.lit(0)).alias(f"events_{n}") for before, n in pairs]
    return customers.agg(*events, *[F.count_if(before > 0).alias(f"customers_{n}") for before, n in pairs])


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
