"""The dumb twin: every fold by a plain loop over a list of events, obviously right and slow.

Written from the contract, not from the engine; shares nothing with it but the definitions it reads.
"""

from __future__ import annotations

import math
import operator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from featurestore.definitions import Aggregate, Condition, Feature

COMPARE = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
           ">=": operator.ge}  # fmt: skip
DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def satisfies(event: dict[str, Any], condition: Condition) -> bool:
    value = event[condition.column]
    return value is not None and COMPARE[condition.operator](value, condition.value)


def in_window(event: dict[str, Any], feature: Feature, as_of: datetime) -> bool:
    until = as_of - timedelta(days=feature.window.offset_days)
    since = datetime.min.replace(tzinfo=UTC)
    if feature.window.days is not None:
        since = until - timedelta(days=feature.window.days)
    return since <= event["event_time"] < until


def fold(events: list[dict[str, Any]], feature: Feature, as_of: datetime) -> Any:  # noqa: C901 - one case an aggregate
    """The value of `feature` for one customer's `events` (any order) at `as_of`."""
    chosen = [e for e in events if in_window(e, feature, as_of) and all(satisfies(e, c) for c in feature.where)]
    if feature.measure is not None:
        chosen = [e for e in chosen if e[feature.measure] is not None]
    sign = -1 if feature.negated else 1
    if feature.per is not None:
        chosen = [e for e in chosen if e[feature.per] is not None]
    values = [e[feature.measure] for e in chosen] if feature.measure else []
    if feature.per is not None:
        keys = {e[feature.per] for e in chosen}
        values = [sum(e[feature.measure] for e in chosen if e[feature.per] == key) for key in keys]
    times = sorted(e["event_time"] for e in chosen)
    days = sorted({(t - EPOCH).days for t in times})
    gaps = [b - a for a, b in pairwise(days)]
    match feature.aggregate:
        case Aggregate.COUNT:
            return len(chosen)
        case Aggregate.SUM:
            return sum((sign * v for v in values), start=Decimal(0) if feature.type.startswith("decimal") else 0)
        case Aggregate.MEAN:
            return float(Fraction(sum(Fraction(v) for v in values)) / len(values)) * sign if values else None
        case Aggregate.MIN:
            return min((sign * v for v in values), default=None)
        case Aggregate.MAX:
            return max((sign * v for v in values), default=None)
        case Aggregate.DISTINCT:
            return len(set(values))
        case Aggregate.ACTIVE_DAYS:
            return len(days)
        case Aggregate.ACTIVE_MONTHS:
            return len({(t.year, t.month) for t in times})
        case Aggregate.DAYS_SINCE_LAST:
            return in_days(as_of - times[-1]) if times else None
        case Aggregate.DAYS_SINCE_FIRST:
            return in_days(as_of - times[0]) if times else None
        case Aggregate.STD:
            if len(values) < 2:
                return None
            exact = [Fraction(v) for v in values]
            mean = sum(exact) / len(exact)
            return math.sqrt(float(sum((v - mean) ** 2 for v in exact) / (len(exact) - 1)))
        case Aggregate.FIRST | Aggregate.LAST:
            ordered = sorted(chosen, key=lambda e: (e["event_time"], e["event_id"]))
            ends = [e[feature.measure] for e in ordered]
            return None if not ends else ends[0] if feature.aggregate is Aggregate.FIRST else ends[-1]
        case Aggregate.MODE:
            return min(values, key=lambda v: (-values.count(v), v), default=None)
        case Aggregate.MODE_SHARE:
            return max(values.count(v) for v in values) / len(values) if values else None
        case Aggregate.QUANTILE_APPROX:  # the exact quantile: the smallest value with that share at or below it
            enough = [v for v in values if Fraction(sum(w <= v for w in values), len(values)) >= quantile_of(feature)]
            return float(min(enough)) if enough else None
        case Aggregate.DISTINCT_APPROX:
            return len(set(values))
        case Aggregate.STREAK_LONGEST | Aggregate.STREAK_LAST:
            streaks = [0]
            for i, day in enumerate(days):
                if i and day - days[i - 1] == 1:
                    streaks[-1] += 1
                else:
                    streaks.append(1)
            return max(streaks) if feature.aggregate is Aggregate.STREAK_LONGEST else streaks[-1]
        case Aggregate.SPAN_SUM | Aggregate.SPAN_MEAN:
            found = [[e["event_time"] for e in chosen if e[feature.measure] == value] for value in set(values)]
            lengths = [microseconds(max(times) - min(times)) for times in found if len(times) > 1]
            if feature.aggregate is Aggregate.SPAN_SUM:
                return sum(lengths) / DAY_US
            return sum(lengths) / (len(lengths) * DAY_US) if lengths else None
        case Aggregate.GAP_MEAN:
            return sum(gaps) / len(gaps) if gaps else None
        case Aggregate.GAP_MAX:
            return max(gaps, default=None)
        case Aggregate.GAP_STD:
            if len(gaps) < 2:
                return None
            n = len(gaps)
            return math.sqrt((n * sum(g * g for g in gaps) - sum(gaps) ** 2) / (n * (n - 1)))


def quantile_of(feature: Feature) -> Fraction:
    return Fraction(str(feature.quantile))


def in_days(duration: timedelta) -> float:
    return microseconds(duration) / DAY_US


def microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def visible(events: list[dict[str, Any]], as_of: datetime) -> bool:
    return any(e["event_time"] < as_of for e in events)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
