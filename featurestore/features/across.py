"""Features that need several views at once: what came after what, and how long nothing happened at all."""

from __future__ import annotations

from collections.abc import Collection

from featurestore.definitions import Derived
from featurestore.derived import difference, least, ratio

LAST_EVENT = ("days_since_last_line", "days_since_last_interaction", "days_since_last_support_event",
              "days_since_last_profile_change")  # fmt: skip
"""Of each view, the days since the last event of its source, whatever it was."""


def across(available: Collection[str]) -> tuple[Derived, ...]:
    """The features that can be derived where the features `available` are."""
    last = tuple(name for name in LAST_EVENT if name in available)
    activity = Derived(
        "days_since_last_activity", least, last, "double", "days", "Days since the last event of any source",
        "no event of any source", family="recency",
    )  # fmt: skip
    return tuple(
        one for one in (activity, *AFTER_LAST_ORDER, *RATES) if one.inputs and set(one.inputs) <= set(available)
    )


AFTER_LAST_ORDER = (
    Derived("days_from_order_to_interaction", difference, ("recency_days", "days_since_last_interaction"), "double",
            "days", "From the last order to the last interaction; negative if the order came later",
            "no order or no interaction", family="recency"),
    Derived("days_from_order_to_ticket", difference, ("recency_days", "days_since_last_ticket"), "double",
            "days", "From the last order to the last ticket opened; negative if the order came later",
            "no order or no ticket", family="support"),
)  # fmt: skip

RATES = (
    Derived("spend_to_income_ratio", ratio, ("amount_sum_365d", "income"), "double", "share",
            "Net spend of 365 days over the income of a year", "income never told, no number, or 0", family="value"),
    Derived("orders_per_session_90d", ratio, ("orders_count_90d", "sessions_distinct_90d"), "double", "orders",
            "Orders a session in 90 days: the conversion rate of sessions", "no session in 90 days", family="sessions"),
    Derived("tickets_per_order_365d", ratio, ("tickets_count_365d", "orders_count_365d"), "double", "tickets",
            "Tickets opened an order in 365 days", "no order in 365 days", family="support"),
)  # fmt: skip
