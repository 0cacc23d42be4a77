"""What customers buy, how much, how often, and how that changes: one view over order lines."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, YEAR_OF_WEEKS, Aggregate, Condition, Derived, Feature, Ranked, Window
from featurestore.derived import (
    overdue_ratio,
    ratio,
    same,
    share_of_months,
    share_of_year,
    trend_30d_vs_90d,
    trend_90d_vs_180d,
)
from featurestore.views import FeatureView

SOLD = (Condition("amount", ">", 0),)
RETURNED = (Condition("amount", "<", 0),)
PRODUCT = (Condition("is_product", "=", True),)
SOLD_PRODUCT = (*SOLD, *PRODUCT)
WINDOWS = (*[Window(days) for days in (7, 14, 30, 60, 90, 180, 365)], LIFETIME)
LAST_YEAR = tuple(Window(days, offset_days=YEAR_OF_WEEKS) for days in (30, 60, 90))
MONEY, CURRENCY = "decimal(18,2)", "currency"


ORDERS_COUNT = Feature("orders_count", Aggregate.DISTINCT, LIFETIME, "bigint", "orders",
    "Orders: distinct order ids with at least one line of positive amount",
    measure="order_id", where=SOLD, family="frequency",
)  # fmt: skip
AMOUNT_SUM = Feature(
    "amount_sum", Aggregate.SUM, LIFETIME, MONEY, CURRENCY, "Net value: sum of amounts, returns negative",
    measure="amount", family="monetary",
)  # fmt: skip
MEASURES = (
    ORDERS_COUNT,
    AMOUNT_SUM,
    Feature("gross_amount_sum", Aggregate.SUM, LIFETIME, MONEY, CURRENCY, "Sum of the positive amounts",
            measure="amount", where=SOLD, family="monetary"),
    Feature("returned_amount_sum", Aggregate.SUM, LIFETIME, MONEY, CURRENCY,
            "Sum of the negative amounts, as a positive number",
            measure="amount", where=RETURNED, family="returns", negated=True),
    Feature("returns_count", Aggregate.DISTINCT, LIFETIME, "bigint", "returns",
            "Returns and cancellations: distinct order ids with a line of negative amount",
            measure="order_id", where=RETURNED, family="returns"),
    Feature("gross_amount_mean", Aggregate.MEAN, LIFETIME, "double", CURRENCY,
            "Mean amount of a line of positive amount",
            measure="amount", where=SOLD, family="basket"),
    Feature("amount_max", Aggregate.MAX, LIFETIME, MONEY, CURRENCY, "Largest amount of a line",
            measure="amount", family="basket"),
    Feature("products_distinct", Aggregate.DISTINCT, LIFETIME, "bigint", "products",
            "Distinct products on lines of positive amount, exact",
            measure="product_id", where=SOLD_PRODUCT, family="variety"),
    Feature("quantity_sum", Aggregate.SUM, LIFETIME, "bigint", "pieces", "Pieces of products, returns negative",
            measure="quantity", where=PRODUCT, family="basket"),
)  # fmt: skip


def _since(name: str, aggregate: Aggregate, description: str, **more: object) -> Feature:
    return Feature(name, aggregate, LIFETIME, "double", "days", description, **more)  # type: ignore[arg-type]


RECENCY = (
    _since("recency_days", Aggregate.DAYS_SINCE_LAST, "Days since the last order", where=SOLD, family="recency"),
    _since("days_since_last_return", Aggregate.DAYS_SINCE_LAST, "Days since the last return or cancellation",
           where=RETURNED, family="returns"),
    _since("days_since_last_line", Aggregate.DAYS_SINCE_LAST, "Days since the last line of any kind, returns included",
           family="recency"),
    _since("tenure_days", Aggregate.DAYS_SINCE_FIRST, "Days since the first event of the source", family="tenure"),
)  # fmt: skip

RHYTHM = (
    Feature("order_days_lifetime", Aggregate.ACTIVE_DAYS, LIFETIME, "bigint", "days",
            "UTC days with an order", where=SOLD, family="frequency"),
    Feature("active_months_365d", Aggregate.ACTIVE_MONTHS, Window(365), "bigint", "months",
            "UTC calendar months with an order", where=SOLD, family="frequency"),
    Feature("active_months_lifetime", Aggregate.ACTIVE_MONTHS, LIFETIME, "bigint", "months",
            "UTC calendar months with an order", where=SOLD, family="frequency"),
    Feature("gap_days_mean_lifetime", Aggregate.GAP_MEAN, LIFETIME, "double", "days",
            "Mean gap between days with an order", where=SOLD, family="rhythm"),
    Feature("gap_days_std_lifetime", Aggregate.GAP_STD, LIFETIME, "double", "days",
            "Sample standard deviation of the gaps between days with an order", where=SOLD, family="rhythm"),
    Feature("gap_days_max_lifetime", Aggregate.GAP_MAX, LIFETIME, "bigint", "days",
            "Longest gap between days with an order", where=SOLD, family="rhythm"),
    Feature("gap_days_mean_365d", Aggregate.GAP_MEAN, Window(365), "double", "days",
            "Mean gap between days with an order", where=SOLD, family="rhythm"),
)  # fmt: skip

DERIVED = (
    Derived("frequency", same, ("orders_count_lifetime",), "bigint", "orders",
            "Orders in the lifetime", "never NULL", family="frequency"),
    Derived("monetary", ratio, ("amount_sum_lifetime", "orders_count_lifetime"), "double", CURRENCY,
            "Mean net value of an order over the lifetime", "no order", family="monetary"),
    Derived("monetary_365d", ratio, ("amount_sum_365d", "orders_count_365d"), "double", CURRENCY,
            "Mean net value of an order over 365 days", "no order in 365 days", family="monetary"),
    Derived("overdue_ratio", overdue_ratio, ("recency_days", "gap_days_mean_lifetime"), "double", "ratio",
            "Recency over the customer's own mean gap; above 1 is overdue", "fewer than two days with an order",
            family="rhythm"),
    Derived("active_months_share_365d", share_of_year, ("active_months_365d", "tenure_days"), "double", "share",
            "Share of the calendar months of the last year, or of the tenure if shorter, that saw an order",
            "never NULL", family="frequency"),
    Derived("active_months_share_lifetime", share_of_months, ("active_months_lifetime", "tenure_days"), "double",
            "share", "Share of the calendar months of the tenure that saw an order",
            "no event of the source", family="frequency"),
    Derived("return_rate_365d", ratio, ("returned_amount_sum_365d", "gross_amount_sum_365d"), "double", "share",
            "Returned over gross amount in 365 days", "nothing bought in 365 days", family="returns"),
    Derived("orders_trend_30d_vs_90d", trend_30d_vs_90d, ("orders_count_30d", "orders_count_90d"), "double", "ratio",
            "Rate of orders in 30 days over the rate in the 60 days before", "no order in the earlier days",
            family="trend"),
    Derived("orders_trend_90d_vs_180d", trend_90d_vs_180d, ("orders_count_90d", "orders_count_180d"), "double",
            "ratio", "Rate of orders in 90 days over the rate in the 90 days before", "no order in the earlier days",
            family="trend"),
    Derived("amount_trend_30d_vs_90d", trend_30d_vs_90d, ("gross_amount_sum_30d", "gross_amount_sum_90d"), "double",
            "ratio", "Gross spend rate in 30 days over the rate in the 60 days before",
            "nothing bought in the earlier days", family="trend"),
    Derived("amount_trend_90d_vs_180d", trend_90d_vs_180d, ("gross_amount_sum_90d", "gross_amount_sum_180d"),
            "double", "ratio", "Gross spend rate in 90 days over the rate in the 90 days before",
            "nothing bought in the earlier days", family="trend"),
)  # fmt: skip

RANKED = (
    Ranked("r_score", "recency_days", "Recency among all customers of the snapshot; 5 most recent", low_is_good=True),
    Ranked("f_score", "frequency", "Lifetime orders among all customers of the snapshot"),
    Ranked("m_score", "monetary", "Mean net order value among all customers of the snapshot"),
)

ORDERS_VIEW = FeatureView(
    name="orders",
    source="orders",
    description="Recency, frequency, money, returns, variety, rhythm and trend from order lines",
    folds=(
        *RECENCY,
        *[feature for measure in MEASURES for feature in measure.over(WINDOWS)],
        *ORDERS_COUNT.over(LAST_YEAR),
        *AMOUNT_SUM.over(LAST_YEAR),
        *RHYTHM,
    ),
    derived=DERIVED,
    ranked=RANKED,
)
