"""Definitions in words: what a view, a feature or a label means, and from which columns of which source."""

from __future__ import annotations

from collections.abc import Mapping

from featurestore.definitions import Aggregate, Cell, Derived, Feature, Ranked, Window
from featurestore.fold import measures_of
from featurestore.views import FeatureSet, FeatureView, aliases_of

WORDS = {
    Aggregate.COUNT: "number of events",
    Aggregate.SUM: "sum of {measure}",
    Aggregate.MEAN: "mean of {measure}",
    Aggregate.STD: "sample standard deviation of {measure}",
    Aggregate.MIN: "smallest {measure}",
    Aggregate.MAX: "largest {measure}",
    Aggregate.FIRST: "first {measure}",
    Aggregate.LAST: "last {measure}",
    Aggregate.MODE: "most frequent {measure}, the smallest of several",
    Aggregate.MODE_SHARE: "share of the most frequent {measure}",
    Aggregate.QUANTILE_APPROX: "{measure} that a share of {quantile} lies at or below, to 1 %",
    Aggregate.DISTINCT: "number of distinct {measure}",
    Aggregate.DISTINCT_APPROX: "number of distinct {measure}, estimated above 1,024 (standard error 3.1 %)",
    Aggregate.ACTIVE_DAYS: "number of UTC days with an event",
    Aggregate.ACTIVE_MONTHS: "number of UTC months with an event",
    Aggregate.DAYS_SINCE_LAST: "days since the last event",
    Aggregate.DAYS_SINCE_FIRST: "days since the first event",
    Aggregate.GAP_MEAN: "mean days between consecutive days with an event",
    Aggregate.GAP_STD: "sample standard deviation of the days between consecutive days with an event",
    Aggregate.GAP_MAX: "most days between consecutive days with an event",
    Aggregate.STREAK_LONGEST: "longest run of consecutive UTC days with an event",
    Aggregate.SPAN_SUM: "sum of the days from the first to the last event of each {measure}",
    Aggregate.SPAN_MEAN: "mean days from the first to the last event of each {measure} with two events at least",
    Aggregate.STREAK_LAST: "length of the latest run of consecutive UTC days with an event",
}


def window_in_words(window: Window) -> str:
    """When the events of a window happened, relative to as_of.

    >>> window_in_words(Window(30)), window_in_words(Window(30, offset_days=30))
    ('in the 30 days before as_of', 'from 60 to 30 days before as_of')
    >>> window_in_words(Window(60, offset_days=-60))
    'in the 60 days from as_of on'
    """
    if window.days is None:
        return "ever before as_of"
    if window.offset_days == -window.days:
        return f"in the {window.days} days from as_of on"
    if window.offset_days:
        return f"from {window.days + window.offset_days} to {window.offset_days} days before as_of"
    return f"in the {window.days} days before as_of"


def in_words(feature: Feature | Derived | Ranked | Cell, source: str) -> str:
    """How a feature is computed, from which columns of `source`."""
    match feature:
        case Feature():
            measure = f"{source}.{feature.measure}"
            if feature.per is not None:
                measure = f"sum of {measure} per {source}.{feature.per}"
            what = WORDS[feature.aggregate].format(measure=measure, quantile=feature.quantile)
            sign = ", signs turned" if feature.negated else ""
            where = f", where {' and '.join(map(str, feature.where))}" if feature.where else ""
            return f"{what}{sign} over events of {source} {window_in_words(feature.window)}{where}"
        case Derived():
            settled = [f"{name}={value}" for name, value in feature.parameters]
            return f"{feature.function.__name__}({', '.join([*feature.inputs, *settled])})"
        case Ranked():
            good = "low" if feature.low_is_good else "high"
            among = f"1 to {feature.parts} by {feature.feature} among all customers of the snapshot"
            return f"{among}, {good} is {feature.parts}"
        case Cell():
            return "the named cell of r_score against the mean of f_score and m_score"


def explain_feature(feature: Feature | Derived | Ranked | Cell, owner: FeatureView | FeatureSet) -> list[str]:
    """Lines that say what the feature means, how it is computed, and what NULL says."""
    source = owner.source if isinstance(owner, FeatureView) else ", ".join(owner.sources)
    also = ", ".join(aliases_of(feature.name, owner))
    return [
        f"{owner.name}.{feature.name} ({feature.type}, {feature.unit})" + (f", also {also}" if also else ""),
        f"  meaning   {feature.description}",
        f"  computed  {in_words(feature, source)}",
        f"  NULL      {feature.null_means}",
    ]


def explain_view(view: FeatureView) -> list[str]:
    """Lines that say what a view reads and holds."""
    columns = measures_of(view.folds)
    longest = max((f.window.days + f.window.offset_days for f in view.folds if f.window.days), default=0)
    has_lifetime = any(fold.window.days is None for fold in view.folds)
    kinds: Mapping[str, int] = {
        "folds": len(view.folds), "derived": len(view.derived),
        "ranked": len(view.ranked) + bool(view.cell) + len(view.judged),
    }  # fmt: skip
    return [
        f"view {view.name}: {view.description}",
        f"  table        {view.table}, one row a customer and date",
        f"  reads        events_{view.source}: {', '.join(columns)}",
        f"  looks back   {longest} days" + (" and, for lifetime features, to the first event" if has_lifetime else ""),
        f"  features     {len(view.features)}: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()),
        f"  fingerprint  {view.fingerprint}",
    ]
