"""Features that need several views at once: what came after what, and how long nothing happened at all."""

from __future__ import annotations

from collections.abc import Collection

from featurestore.definitions import Derived
from featurestore.derived import difference, least

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
    return tuple(one for one in (activity, *AFTER_LAST_ORDER) if one.inputs and set(one.inputs) <= set(available))


AFTER_LAST_ORDER = (
    Derived("days_from_order_to_interaction", difference, ("recency_days", "days_since_last_interaction"), "double",
            "days", "From the last order to the last interaction; negative if the order came later",
            "no order or no interaction", family="recency"),
    Derived("days_from_order_to_ticket", difference, ("recency_days", "days_since_last_ticket"), "double",
            "days", "From the last order to the last ticket opened; negative if the order came later",
            "no order or no ticket", family="support"),
)  # fmt: skip
