"""What customers buy, how much, how often, and how that changes: one view over order lines."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, YEAR_OF_WEEKS, Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import (
    acceleration,
    difference,
    overdue_ratio,
    ratio,
    same,
    share_of_months,
    share_of_year,
    signed_log,
    trend_30d_vs_60d,
    trend_30d_vs_90d,
    trend_90d_vs_180d,
    yearly,
)
from featurestore.features.order_value import JUDGED, RANKED
from featurestore.features.times import in_bands, most_frequent, shares
from featurestore.views import FeatureView

SOLD = (Condition("amount", ">", 0),)
RETURNED = (Condition("amount", "<", 0),)
PRODUCT = (Condition("is_product", "=", True),)
SOLD_PRODUCT = (*SOLD, *PRODUCT)
WINDOWS = (*[Window(days) for days in (7, 14, 30, 60, 90, 180, 365)], LIFETIME)
FEW_WINDOWS = (Window(30), Window(90), Window(365), LIFETIME)
YEAR = Window(365)
LAST_YEAR = tuple(Window(days, offset_days=YEAR_OF_WEEKS) for days in (30, 60, 90))
BEFORE = (Window(30, offset_days=30), Window(30, offset_days=60))
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
    Feature("returns_count", Aggregate.DISTINCT, LIFETIME, "bigint", "returns",
            "Returns and cancellations: distinct order ids with a line of negative amount",
            measure="order_id", where=RETURNED, family="returns"),
    Feature("products_distinct", Aggregate.DISTINCT, LIFETIME, "bigint", "products",
            "Distinct products on lines of positive amount, exact",
            measure="product_id", where=SOLD_PRODUCT, family="variety"),
)  # fmt: skip
LINE_MEASURES = (
    Feature("returned_amount_sum", Aggregate.SUM, LIFETIME, MONEY, CURRENCY,
            "Sum of the negative amounts, as a positive number",
            measure="amount", where=RETURNED, family="returns", negated=True),
    Feature("gross_amount_mean", Aggregate.MEAN, LIFETIME, "double", CURRENCY,
            "Mean amount of a line of positive amount",
            measure="amount", where=SOLD, family="basket"),
    Feature("amount_max", Aggregate.MAX, LIFETIME, MONEY, CURRENCY, "Largest amount of a line",
            measure="amount", family="basket"),
    Feature("quantity_sum", Aggregate.SUM, LIFETIME, "bigint", "pieces", "Pieces of products, returns negative",
            measure="quantity", where=PRODUCT, family="basket"),
)  # fmt: skip


def _order_value(aggregate: Aggregate, type_: str, description: str) -> Feature:
    """An aggregate over the values of orders: the value of an order is the sum of its positive lines."""
    return Feature(f"order_value_{aggregate}", aggregate, LIFETIME, type_, CURRENCY, description, measure="amount",
                   where=SOLD, per="order_id", family="basket")  # fmt: skip


PER_ORDER = (
    *_order_value(Aggregate.MEAN, "double", "Mean gross value of an order").over((Window(90), YEAR, LIFETIME)),
    *_order_value(Aggregate.MAX, MONEY, "Largest gross value of an order").over((Window(90), YEAR, LIFETIME)),
    *_order_value(Aggregate.MIN, MONEY, "Smallest gross value of an order").over((YEAR, LIFETIME)),
    *_order_value(Aggregate.STD, "double", "Sample standard deviation of the gross value of orders").over(
        (YEAR, LIFETIME)
    ),
    *Feature("basket_size_mean", Aggregate.MEAN, LIFETIME, "double", "pieces", "Mean pieces of products sold an order",
             measure="quantity", where=SOLD_PRODUCT, per="order_id", family="basket").over((YEAR, LIFETIME)),
)  # fmt: skip
FAVOURITE = (
    Feature("product_mode_365d", Aggregate.MODE, YEAR, "string", "product id",
            "Product on most lines of positive amount, smallest id of several",
            measure="product_id", where=SOLD_PRODUCT, family="variety"),
    Feature("product_mode_share_365d", Aggregate.MODE_SHARE, YEAR, "double", "share",
            "Share of the lines of positive amount that hold the most frequent product",
            measure="product_id", where=SOLD_PRODUCT, family="variety"),
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
    *Feature("order_days", Aggregate.ACTIVE_DAYS, LIFETIME, "bigint", "days",
             "UTC days with an order", where=SOLD, family="frequency").over((Window(90), YEAR, LIFETIME)),
    Feature("active_months_365d", Aggregate.ACTIVE_MONTHS, YEAR, "bigint", "months",
            "UTC calendar months with an order", where=SOLD, family="frequency"),
    Feature("active_months_lifetime", Aggregate.ACTIVE_MONTHS, LIFETIME, "bigint", "months",
            "UTC calendar months with an order", where=SOLD, family="frequency"),
    Feature("gap_days_mean_lifetime", Aggregate.GAP_MEAN, LIFETIME, "double", "days",
            "Mean gap between days with an order", where=SOLD, family="rhythm"),
    Feature("gap_days_std_lifetime", Aggregate.GAP_STD, LIFETIME, "double", "days",
            "Sample standard deviation of the gaps between days with an order", where=SOLD, family="rhythm"),
    Feature("gap_days_max_lifetime", Aggregate.GAP_MAX, LIFETIME, "bigint", "days",
            "Longest gap between days with an order", where=SOLD, family="rhythm"),
    Feature("gap_days_mean_365d", Aggregate.GAP_MEAN, YEAR, "double", "days",
            "Mean gap between days with an order", where=SOLD, family="rhythm"),
    Feature("gap_days_max_365d", Aggregate.GAP_MAX, YEAR, "bigint", "days",
            "Longest gap between days with an order", where=SOLD, family="rhythm"),
    Feature("order_streak_longest_lifetime", Aggregate.STREAK_LONGEST, LIFETIME, "bigint", "days",
            "Longest run of consecutive UTC days with an order", where=SOLD, family="rhythm"),
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
    Derived("overdue_days", difference, ("recency_days", "gap_days_mean_lifetime"), "double", "days",
            "Recency less the customer's own mean gap; above 0 is overdue", "fewer than two days with an order",
            family="rhythm"),
    Derived("active_months_share_365d", share_of_year, ("active_months_365d", "tenure_days"), "double", "share",
            "Share of the calendar months of the last year, or of the tenure if shorter, that saw an order",
            "never NULL", family="frequency"),
    Derived("active_months_share_lifetime", share_of_months, ("active_months_lifetime", "tenure_days"), "double",
            "share", "Share of the calendar months of the tenure that saw an order",
            "no event of the source", family="frequency"),
    *[
        Derived(f"return_rate_{window}", ratio, (f"returned_amount_sum_{window}", f"gross_amount_sum_{window}"),
                "double", "share", f"Returned over gross amount, {words}", f"nothing bought {words}", family="returns")
        for window, words in (("90d", "in 90 days"), ("365d", "in 365 days"), ("lifetime", "ever"))
    ],
    Derived("orders_trend_30d_vs_60d", trend_30d_vs_60d, ("orders_count_30d", "orders_count_60d"), "double", "ratio",
            "Rate of orders in 30 days over the rate in the 30 days before", "no order in the earlier days",
            family="trend"),
    Derived("orders_acceleration_30d", acceleration,
            ("orders_count_30d", "orders_count_30d_back_30d", "orders_count_30d_back_60d"), "double", "orders",
            "Change of orders from the 30 days before to the last 30, less the change before that", "never NULL",
            family="trend"),
    Derived("recency_log", signed_log, ("recency_days",), "double", "ln(1 + days)", "Logarithm of 1 + recency",
            "no order", family="recency", for_models=False),
    Derived("frequency_log", signed_log, ("orders_count_lifetime",), "double", "ln(1 + orders)",
            "Logarithm of 1 + orders in the lifetime", "never NULL", family="frequency", for_models=False),
    Derived("monetary_log", signed_log, ("monetary",), "double", "ln(1 + currency)",
            "Logarithm of 1 + mean net value of an order, with its sign", "no order", family="monetary",
            for_models=False),
    Derived("yearly_value", yearly, ("amount_sum_lifetime", "tenure_days"), "double", "currency a year",
            "Net value a year of tenure (a month at least): order value x orders a year, the simple historical "
            "lifetime value (Berger and Nasr, Journal of Interactive Marketing, 1998) before margin",
            "no event of the source", family="value"),
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

ALIASES = (
    ("days_since_last_purchase", "recency_days"),
    ("total_spent", "amount_sum_lifetime"),
    ("purchase_count", "orders_count_lifetime"),
    ("avg_order_value", "monetary"),
    ("spend_per_purchase", "order_value_mean_lifetime"),
    ("purchase_frequency_30d", "orders_count_30d"),
    ("purchase_frequency_90d", "orders_count_90d"),
    ("purchase_trend_30d_vs_60d", "orders_trend_30d_vs_60d"),
    ("revenue_trend", "amount_trend_30d_vs_90d"),
    ("return_rate", "return_rate_lifetime"),
)
"""Names that the field and its documents use for features that the naming rule calls otherwise."""

ORDERS_VIEW = FeatureView(
    name="orders",
    source="orders",
    description="Recency, frequency, money, returns, variety, rhythm and trend from order lines",
    folds=(
        *RECENCY,
        *[feature for measure in MEASURES for feature in measure.over(WINDOWS)],
        *[feature for measure in LINE_MEASURES for feature in measure.over(FEW_WINDOWS)],
        *ORDERS_COUNT.over((*LAST_YEAR, *BEFORE)),
        *AMOUNT_SUM.over((*LAST_YEAR, Window(90, offset_days=90))),
        *PER_ORDER,
        *FAVOURITE,
        *RHYTHM,
        *in_bands(ORDERS_COUNT, YEAR),
        *most_frequent("order", YEAR, where=SOLD),
    ),
    derived=(*DERIVED, *shares(ORDERS_COUNT, YEAR)),
    ranked=RANKED,
    judged=JUDGED,
    aliases=ALIASES,
)
