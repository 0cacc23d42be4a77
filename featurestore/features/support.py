"""What customers needed help with: one view over tickets, opened and resolved."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import difference
from featurestore.views import FeatureView

OPENED = (Condition("ticket_event", "=", "opened"),)
RESOLVED = (Condition("ticket_event", "=", "resolved"),)
ESCALATED = (Condition("is_escalated", "=", True),)
WINDOWS = (*[Window(days) for days in (30, 90, 365)], LIFETIME)


TICKETS = (
    Feature("tickets_count", Aggregate.COUNT, LIFETIME, "bigint", "tickets", "Tickets opened",
            where=OPENED, family="support"),
    Feature("tickets_resolved_count", Aggregate.COUNT, LIFETIME, "bigint", "tickets", "Tickets resolved",
            where=RESOLVED, family="support"),
    Feature("escalations_count", Aggregate.COUNT, LIFETIME, "bigint", "tickets", "Tickets resolved after an escalation",
            where=ESCALATED, family="support"),
    Feature("satisfaction_mean", Aggregate.MEAN, LIFETIME, "double", "points 1 to 5",
            "Mean satisfaction with resolved tickets",
            measure="satisfaction", family="support"),
)  # fmt: skip

SINCE = (
    Feature("days_since_last_support_event", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days",
            "Days since a ticket was last opened or resolved", family="recency"),
    Feature("days_since_last_ticket", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days",
            "Days since the last ticket was opened", where=OPENED, family="support"),
)  # fmt: skip

SUPPORT_VIEW = FeatureView(
    name="support",
    source="support",
    description="Tickets, how they ended, and how lately",
    folds=(
        *SINCE,
        *[feature for measure in TICKETS for feature in measure.over(WINDOWS)],
    ),
    derived=(
        Derived("tickets_open", difference, ("tickets_count_lifetime", "tickets_resolved_count_lifetime"), "bigint",
                "tickets", "Tickets opened and not resolved yet", "never NULL", family="support"),
    ),
)  # fmt: skip
