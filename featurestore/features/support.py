"""What customers needed help with: one view over tickets, opened and resolved."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import difference, ratio
from featurestore.views import FeatureView

OPENED = (Condition("ticket_event", "=", "opened"),)
RESOLVED = (Condition("ticket_event", "=", "resolved"),)
ESCALATED = (Condition("is_escalated", "=", True),)
WINDOWS = (*[Window(days) for days in (30, 90, 365)], LIFETIME)
ALL_WINDOWS = (*[Window(days) for days in (7, 14, 30, 60, 90, 180, 365)], LIFETIME)


TICKETS_COUNT = Feature("tickets_count", Aggregate.COUNT, LIFETIME, "bigint", "tickets", "Tickets opened",
                        where=OPENED, family="support")  # fmt: skip
TICKETS = (
    Feature("tickets_resolved_count", Aggregate.COUNT, LIFETIME, "bigint", "tickets", "Tickets resolved",
            where=RESOLVED, family="support"),
    Feature("escalations_count", Aggregate.COUNT, LIFETIME, "bigint", "tickets", "Tickets resolved after an escalation",
            where=ESCALATED, family="support"),
    Feature("satisfaction_mean", Aggregate.MEAN, LIFETIME, "double", "points 1 to 5",
            "Mean satisfaction with resolved tickets",
            measure="satisfaction", family="support"),
    Feature("resolution_days_mean", Aggregate.SPAN_MEAN, LIFETIME, "double", "days",
            "Mean time from opening to resolution of the tickets with both in the window",
            measure="ticket_id", family="support"),
)  # fmt: skip
LATEST = (
    Feature("satisfaction_last_lifetime", Aggregate.LAST, LIFETIME, "bigint", "points 1 to 5",
            "Satisfaction with the ticket resolved last", measure="satisfaction", family="support"),
    Feature("satisfaction_min_365d", Aggregate.MIN, Window(365), "bigint", "points 1 to 5",
            "Lowest satisfaction with a resolved ticket", measure="satisfaction", family="support"),
)  # fmt: skip

SINCE = (
    Feature("days_since_last_support_event", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days",
            "Days since a ticket was last opened or resolved", family="recency"),
    Feature("days_since_last_ticket", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days",
            "Days since the last ticket was opened", where=OPENED, family="support"),
    Feature("days_since_last_escalation", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days",
            "Days since an escalated ticket was resolved", where=ESCALATED, family="support"),
)  # fmt: skip

SUPPORT_VIEW = FeatureView(
    name="support",
    source="support",
    description="Tickets, how they ended, and how lately",
    folds=(
        *SINCE,
        *TICKETS_COUNT.over(ALL_WINDOWS),
        *[feature for measure in TICKETS for feature in measure.over(WINDOWS)],
        *LATEST,
    ),
    derived=(
        Derived("tickets_open", difference, ("tickets_count_lifetime", "tickets_resolved_count_lifetime"), "bigint",
                "tickets", "Tickets opened and not resolved yet", "never NULL", family="support"),
        Derived("escalation_rate_365d", ratio, ("escalations_count_365d", "tickets_resolved_count_365d"), "double",
                "share", "Share of the tickets resolved in 365 days that were escalated", "none resolved in 365 days",
                family="support"),
        Derived("resolution_rate_365d", ratio, ("tickets_resolved_count_365d", "tickets_count_365d"), "double",
                "ratio", "Tickets resolved over tickets opened in 365 days", "none opened in 365 days",
                family="support"),
    ),
    aliases=(
        ("support_tickets", "tickets_count_lifetime"),
        ("open_tickets", "tickets_open"),
        ("mean_time_to_resolution", "resolution_days_mean_lifetime"),
        ("satisfaction", "satisfaction_mean_lifetime"),
        ("escalations", "escalations_count_lifetime"),
    ),
)  # fmt: skip
