"""What customers look at, how often, and how lately: one view over page views and the like."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import trend_30d_vs_90d, trend_90d_vs_180d
from featurestore.views import FeatureView

PRODUCT_VIEW = (Condition("interaction_type", "=", "product_view"),)
CART_ADDITION = (Condition("interaction_type", "=", "add_to_cart"),)
WINDOWS = (*[Window(days) for days in (7, 14, 30, 60, 90, 180, 365)], LIFETIME)
SHORT_WINDOWS = tuple(Window(days) for days in (7, 30, 90))


ENGAGEMENT = (
    Feature("interactions_count", Aggregate.COUNT, LIFETIME, "bigint", "interactions", "Interactions of any kind",
            family="engagement"),
    Feature("sessions_distinct", Aggregate.DISTINCT, LIFETIME, "bigint", "sessions", "Distinct sessions",
            measure="session_id", family="engagement"),
)  # fmt: skip
INTEREST = (
    Feature("product_views_count", Aggregate.COUNT, LIFETIME, "bigint", "views", "Views of a product's page",
            where=PRODUCT_VIEW, family="engagement"),
    Feature("cart_additions_count", Aggregate.COUNT, LIFETIME, "bigint", "additions", "Products put into the cart",
            where=CART_ADDITION, family="engagement"),
)  # fmt: skip

SINCE = tuple(
    Feature(name, aggregate, LIFETIME, "double", "days", description, where=where, family="recency")
    for name, aggregate, description, where in (
        ("days_since_last_interaction", Aggregate.DAYS_SINCE_LAST, "Days since the last interaction", ()),
        ("days_since_first_interaction", Aggregate.DAYS_SINCE_FIRST, "Days since the first interaction", ()),
        ("days_since_last_product_view", Aggregate.DAYS_SINCE_LAST, "Days since a product was looked at", PRODUCT_VIEW),
        ("days_since_last_cart_addition", Aggregate.DAYS_SINCE_LAST, "Days since the last addition to the cart",
         CART_ADDITION),
    )
)  # fmt: skip

RHYTHM = (
    Feature("interaction_days_lifetime", Aggregate.ACTIVE_DAYS, LIFETIME, "bigint", "days",
            "UTC days with an interaction", family="engagement"),
    Feature("interaction_gap_days_mean_lifetime", Aggregate.GAP_MEAN, LIFETIME, "double", "days",
            "Mean gap between days with an interaction", family="rhythm"),
)  # fmt: skip

DERIVED = (
    Derived("interactions_trend_30d_vs_90d", trend_30d_vs_90d, ("interactions_count_30d", "interactions_count_90d"),
            "double", "ratio", "Rate of interactions in 30 days over the rate in the 60 days before",
            "no interaction in the earlier days", family="trend"),
    Derived("interactions_trend_90d_vs_180d", trend_90d_vs_180d,
            ("interactions_count_90d", "interactions_count_180d"), "double", "ratio",
            "Rate of interactions in 90 days over the rate in the 90 days before",
            "no interaction in the earlier days", family="trend"),
)  # fmt: skip

INTERACTIONS_VIEW = FeatureView(
    name="interactions",
    source="interactions",
    description="How often and how lately customers looked around, and what for",
    folds=(
        *SINCE,
        *[feature for measure in ENGAGEMENT for feature in measure.over(WINDOWS)],
        *[feature for measure in INTEREST for feature in measure.over(SHORT_WINDOWS)],
        *RHYTHM,
    ),
    derived=DERIVED,
)
