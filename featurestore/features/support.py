"""What customers needed help with: one view over tickets, opened and resolved."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, Aggregate, Condition, Derived, Feature, FeatureView, Window
from featurestore.derived import difference

OPENED = (Condition("ticket_event", "=", "opened"),)
RESOLVED = (Condition("ticket_event", "=", "resolved"),)
ESCALATED = (Condition("is_escalated", "=", True),)
WINDOWS = (*[Window(days) for days in (30, 90, 365)], LIFETIME)


def _tickets(window: Window) -> Feature:
    return Feature(
        f"tickets_count_{window.name}", Aggregate.COUNT, window, "bigint", "tickets",
        "Tickets opened", where=OPENED, family="support",
    )  # fmt: skip


def _resolved(window: Window) -> Feature:
    return Feature(
        f"tickets_resolved_count_{window.name}", Aggregate.COUNT, window, "bigint", "tickets",
        "Tickets resolved", where=RESOLVED, family="support",
    )  # fmt: skip


def _escalations(window: Window) -> Feature:
    return Feature(
        f"escalations_count_{window.name}", Aggregate.COUNT, window, "bigint", "tickets",
        "Tickets resolved after an escalation", where=ESCALATED, family="support",
    )  # fmt: skip


def _satisfaction(window: Window) -> Feature:
    return Feature(
        f"satisfaction_mean_{window.name}", Aggregate.MEAN, window, "double", "points 1 to 5",
        "Mean satisfaction with resolved tickets", measure="satisfaction", family="support",
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
        *[make(window) for make in (_tickets, _resolved, _escalations, _satisfaction) for window in WINDOWS],
    ),
    derived=(
        Derived("tickets_open", difference, ("tickets_count_lifetime", "tickets_resolved_count_lifetime"), "bigint",
                "tickets", "Tickets opened and not resolved yet", "never NULL", family="support"),
    ),
)  # fmt: skip
