"""What customers look at, how often, how long and how lately: one view over page views and the like."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import (
    acceleration,
    minutes,
    ratio,
    trend_7d_vs_14d,
    trend_30d_vs_90d,
    trend_90d_vs_180d,
)
from featurestore.features.times import in_bands, most_frequent, shares
from featurestore.judgements import engagement_score, session_segment
from featurestore.views import FeatureView


def _of_type(name: str) -> tuple[Condition, ...]:
    return (Condition("interaction_type", "=", name),)


PRODUCT_VIEW, CART_ADDITION = _of_type("product_view"), _of_type("add_to_cart")
WINDOWS = (*[Window(days) for days in (7, 14, 30, 60, 90, 180, 365)], LIFETIME)
SHORT_WINDOWS = tuple(Window(days) for days in (7, 30, 90))
QUARTER, YEAR = Window(90), Window(365)
BEFORE = (Window(30, offset_days=30), Window(30, offset_days=60))


INTERACTIONS_COUNT = Feature("interactions_count", Aggregate.COUNT, LIFETIME, "bigint", "interactions",
                             "Interactions of any kind", family="engagement")  # fmt: skip
ENGAGEMENT = (
    INTERACTIONS_COUNT,
    Feature("sessions_distinct", Aggregate.DISTINCT, LIFETIME, "bigint", "sessions", "Distinct sessions",
            measure="session_id", family="engagement"),
    Feature("product_views_count", Aggregate.COUNT, LIFETIME, "bigint", "views", "Views of a product's page",
            where=PRODUCT_VIEW, family="engagement"),
    Feature("cart_additions_count", Aggregate.COUNT, LIFETIME, "bigint", "additions", "Products put into the cart",
            where=CART_ADDITION, family="engagement"),
)  # fmt: skip
INTEREST = (
    Feature("page_views_count", Aggregate.COUNT, LIFETIME, "bigint", "views", "Views of a page that is no product's",
            where=_of_type("page_view"), family="engagement"),
    Feature("bot_commands_count", Aggregate.COUNT, LIFETIME, "bigint", "commands",
            "Commands to the bot: interactions of type bot_command", where=_of_type("bot_command"),
            family="engagement"),
    Feature("interaction_days", Aggregate.ACTIVE_DAYS, LIFETIME, "bigint", "days", "UTC days with an interaction",
            family="engagement"),
    Feature("products_viewed_distinct", Aggregate.DISTINCT, LIFETIME, "bigint", "products",
            "Distinct products looked at, exact", measure="product_id", where=PRODUCT_VIEW, family="variety"),
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
    Feature("interaction_gap_days_std_lifetime", Aggregate.GAP_STD, LIFETIME, "double", "days",
            "Sample standard deviation of the gaps between days with an interaction", family="rhythm"),
    Feature("interaction_gap_days_max_lifetime", Aggregate.GAP_MAX, LIFETIME, "bigint", "days",
            "Longest gap between days with an interaction", family="rhythm"),
    Feature("interaction_streak_longest_90d", Aggregate.STREAK_LONGEST, QUARTER, "bigint", "days",
            "Longest run of consecutive UTC days with an interaction", family="rhythm"),
    Feature("interaction_streak_last_90d", Aggregate.STREAK_LAST, QUARTER, "bigint", "days",
            "Length of the latest run of consecutive UTC days with an interaction", family="rhythm"),
)  # fmt: skip

DEVICE = (
    Feature("device_mode_365d", Aggregate.MODE, YEAR, "string", "name",
            "Device of most interactions, first by name of several", measure="device", family="device"),
    Feature("device_mode_share_365d", Aggregate.MODE_SHARE, YEAR, "double", "share",
            "Share of the interactions with the most frequent device", measure="device", family="device"),
    Feature("devices_distinct_365d", Aggregate.DISTINCT, YEAR, "bigint", "devices", "Distinct devices",
            measure="device", family="device"),
)  # fmt: skip

SESSIONS = (
    Feature("session_days_mean_90d", Aggregate.SPAN_MEAN, QUARTER, "double", "days",
            "Mean length of a session: from its first to its last interaction, sessions of one left out",
            measure="session_id", family="sessions", for_models=False),
    Feature("session_days_sum_90d", Aggregate.SPAN_SUM, QUARTER, "double", "days",
            "Time spent in sessions: the sum of their lengths", measure="session_id", family="sessions"),
)  # fmt: skip

NO_SESSION = "no session in 90 days"
DERIVED = (
    Derived("interactions_trend_7d_vs_14d", trend_7d_vs_14d, ("interactions_count_7d", "interactions_count_14d"),
            "double", "ratio", "Rate of interactions in 7 days over the rate in the 7 days before",
            "no interaction in the earlier days", family="trend"),
    Derived("interactions_trend_30d_vs_90d", trend_30d_vs_90d, ("interactions_count_30d", "interactions_count_90d"),
            "double", "ratio", "Rate of interactions in 30 days over the rate in the 60 days before",
            "no interaction in the earlier days", family="trend"),
    Derived("interactions_trend_90d_vs_180d", trend_90d_vs_180d,
            ("interactions_count_90d", "interactions_count_180d"), "double", "ratio",
            "Rate of interactions in 90 days over the rate in the 90 days before",
            "no interaction in the earlier days", family="trend"),
    Derived("sessions_trend_30d_vs_90d", trend_30d_vs_90d, ("sessions_distinct_30d", "sessions_distinct_90d"),
            "double", "ratio", "Rate of sessions in 30 days over the rate in the 60 days before; a session across the "
            "edge counts for the 30 days", "no session in the earlier days", family="trend"),
    Derived("interactions_acceleration_30d", acceleration,
            ("interactions_count_30d", "interactions_count_30d_back_30d", "interactions_count_30d_back_60d"), "double",
            "interactions", "Change of interactions from the 30 days before to the last 30, less the change before "
            "that", "never NULL", family="trend"),
    Derived("session_minutes_mean_90d", minutes, ("session_days_mean_90d",), "double", "minutes",
            "Mean length of a session, sessions of one interaction left out",
            "no session of two interactions in 90 days", family="sessions"),
    Derived("session_pages_mean_30d", ratio, ("interactions_count_30d", "sessions_distinct_30d"), "double",
            "interactions", "Interactions a session in 30 days", "no session in 30 days", family="sessions"),
    Derived("session_pages_mean_90d", ratio, ("interactions_count_90d", "sessions_distinct_90d"), "double",
            "interactions", "Interactions a session in 90 days", NO_SESSION, family="sessions"),
    Derived("basket_intensity", ratio, ("cart_additions_count_90d", "sessions_distinct_90d"), "double", "additions",
            "Additions to the cart a session in 90 days", NO_SESSION, family="sessions"),
    Derived("cart_rate_90d", ratio, ("cart_additions_count_90d", "product_views_count_90d"), "double", "ratio",
            "Additions to the cart a product view in 90 days: the cart-to-view rate of shops",
            "no product view in 90 days", family="sessions"),
    Derived("product_view_share_90d", ratio, ("product_views_count_90d", "interactions_count_90d"), "double", "share",
            "Share of the interactions of 90 days that are product views", "no interaction in 90 days",
            family="sessions"),
    Derived("engagement_score", engagement_score,
            ("session_minutes_mean_90d", "session_pages_mean_90d", "basket_intensity", "days_since_last_interaction"),
            "double", "0 to 1", "Weighted mean of time (.3), pages (.2) and basket (.3) a session, each up to a full "
            "mark, and recency (.2); weights and marks from the setting features.engagement",
            "no interaction ever", family="sessions"),
    Derived("session_segment", session_segment, ("engagement_score", "basket_intensity", "product_view_share_90d"),
            "string", "name", "high_engagement: score of .6; focused_shopper: a cart addition in half of the "
            "sessions; window_shopper: half of the interactions are product views; else casual_browser", NO_SESSION,
            family="sessions"),
)  # fmt: skip

ALIASES = (
    *((f"events_last_{days}_days", f"interactions_count_{days}d") for days in (7, 14, 30, 60)),
    ("product_views_last_7_days", "product_views_count_7d"),
    ("cart_additions_last_7_days", "cart_additions_count_7d"),
    ("bot_commands_last_7_days", "bot_commands_count_7d"),
    ("activity_trend_7d_vs_14d", "interactions_trend_7d_vs_14d"),
    ("engagement_trend", "sessions_trend_30d_vs_90d"),
    ("device", "device_mode_365d"),
)

INTERACTIONS_VIEW = FeatureView(
    name="interactions",
    source="interactions",
    description="How often, how long and how lately customers looked around, and what for",
    folds=(
        *SINCE,
        *[feature for measure in ENGAGEMENT for feature in measure.over(WINDOWS)],
        *[feature for measure in INTEREST for feature in measure.over(SHORT_WINDOWS)],
        *INTERACTIONS_COUNT.over(BEFORE),
        *RHYTHM,
        *DEVICE,
        *SESSIONS,
        *in_bands(INTERACTIONS_COUNT, QUARTER),
        *most_frequent("interaction", QUARTER),
    ),
    derived=(*DERIVED, *shares(INTERACTIONS_COUNT, QUARTER)),
    aliases=ALIASES,
)
