"""When customers come: shares of the hours of the day and of the weekend, on the source's own clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from featurestore.definitions import Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import ratio

BANDS = {
    "night": ("from 0 to 6 o'clock", (Condition("local_hour", "<", 6),)),
    "morning": ("from 6 to 12 o'clock", (Condition("local_hour", ">=", 6), Condition("local_hour", "<", 12))),
    "evening": ("from 18 to 24 o'clock", (Condition("local_hour", ">=", 18),)),
    "weekend": ("on Saturday or Sunday", (Condition("local_weekday", ">=", 6),)),
}
"""The rest of the day is the afternoon, that of the week its working days."""


def in_bands(counted: Feature, window: Window) -> tuple[Feature, ...]:
    """`counted` over `window`, of each band alone: what the shares are made of."""
    return tuple(
        replace(counted, name=f"{counted.name}_{band}_{window.name}", window=window, family="time of day",
                where=(*counted.where, *where), description=f"{counted.description}, {when}", for_models=False)
        for band, (when, where) in BANDS.items()
    )  # fmt: skip


def shares(counted: Feature, window: Window) -> tuple[Derived, ...]:
    """The share of each band in `counted` over `window`."""
    whole = f"{counted.name}_{window.name}"
    return tuple(
        Derived(f"{counted.name}_{band}_share_{window.name}", ratio, (f"{counted.name}_{band}_{window.name}", whole),
                "double", "share", f"Share of the {counted.unit} that fall {when}, local time",
                f"no {counted.unit} in the window", family="time of day")
        for band, (when, _) in BANDS.items()
    )  # fmt: skip


def most_frequent(what: str, window: Window, *, where: Iterable[Condition] = ()) -> tuple[Feature, ...]:
    """The hour of day and the weekday that hold most events; `what` names the events."""
    return tuple(
        Feature(f"{name}_{window.name}", Aggregate.MODE, window, "int", unit, description, measure=measure,
                where=tuple(where), family="time of day")
        for name, measure, unit, description in (
            (f"{what}_hour_mode", "local_hour", "hour 0 to 23",
             f"Local hour of most {what} events, earliest of several"),
            (f"{what}_weekday_mode", "local_weekday", "weekday 1 Monday to 7 Sunday",
             f"Local weekday of most {what} events, earliest of several"),
        )
    )  # fmt: skip
