"""Ten features that know the future, in the ways in which real pipelines come to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

CUSTOMER, AS_OF, ORDERED, VALUE = "customer_id", "as_of_date", "ordered_at", "order_value"
TRUNCATED = "__truncated"


@dataclass(frozen=True)
class Leak:
    """`value` folds a customer's orders (`ordered_at`, `order_value`) around `as_of_date`; None: it is no fold."""

    name: str
    story: str
    value: Column | None = None


def planted() -> list[Leak]:
    """The ten; those without a fold are made of the label itself by `with_leaks`."""
    now = F.col(AS_OF).cast("timestamp")
    ahead = F.date_diff(F.col(ORDERED), now)
    future = F.col(ORDERED) >= now
    return [
        Leak("future_spend_30d", "a window on the wrong side of the as-of",
             F.sum(F.when(future & (ahead < 30), F.col(VALUE)))),
        Leak("future_orders_90d", "the label's own measure, further ahead", F.count_if(future & (ahead < 90))),
        Leak("orders_around_60d", "a window centred on the as-of", F.count_if(F.abs(ahead) < 30)),
        Leak("spend_all_time", "a total that was exported today", F.sum(VALUE)),
        Leak("orders_all_time", "a count that was exported today", F.count(ORDERED)),
        Leak("last_order_age", "the last order as the customer table has it now", F.max(ahead)),
        Leak("days_to_next_order", "a gap to an event that has not happened yet", F.min(F.when(future, ahead))),
        Leak("is_inactive_today", "a status that was set after the outcome",
             F.coalesce((F.max(ahead) < 0).cast("int"), F.lit(1))),
        Leak("label_rate_of_customer", "target encoding over all rows, the row itself and the test included"),
        Leak("label_with_noise", "the label under another name, one in ten wrong"),
    ]  # fmt: skip


def with_leaks(rows: DataFrame, orders: DataFrame, *, label: str, leaks: Mapping[str, Leak]) -> DataFrame:
    """`rows` with every leak as a column, and for folds `<name>__truncated`: the same fold before the as-of only.

    orders: customer_id, ordered_at, order_value, one row an order.
    """
    folds = {name: leak.value for name, leak in leaks.items() if leak.value is not None}
    joined = rows.select(CUSTOMER, AS_OF).join(orders, CUSTOMER)
    whole = joined.groupBy(CUSTOMER, AS_OF).agg(*(value.alias(name) for name, value in folds.items()))
    past = joined.where(F.col(ORDERED) < F.col(AS_OF).cast("timestamp"))
    before = past.groupBy(CUSTOMER, AS_OF).agg(*(value.alias(name + TRUNCATED) for name, value in folds.items()))
    encoded = rows.groupBy(CUSTOMER).agg(F.avg(label).alias("label_rate_of_customer"))
    wrong = F.pmod(F.xxhash64(CUSTOMER, AS_OF), F.lit(10)) == 0
    noisy = F.when(wrong, 1 - F.col(label)).otherwise(F.col(label))
    return (
        rows.join(whole, [CUSTOMER, AS_OF], "left")
        .join(before, [CUSTOMER, AS_OF], "left")
        .join(encoded, [CUSTOMER], "left")
        .withColumn("label_with_noise", noisy)
    )
