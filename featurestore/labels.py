"""Labels on frames: their values for all customers in one pass over the events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.errors import ConfigurationError
from featurestore.fold import FoldPlan, Limits
from featurestore.frames import folded, instant
from featurestore.label_config import LABELS, label
from featurestore.label_definitions import Label, named
from featurestore.views import repeated

__all__ = ["CHURN_60D", "LABELS", "PURCHASE_30D", "Label", "label", "labelled", "value_of"]

PURCHASE_30D, CHURN_60D = LABELS["purchase_30d"], LABELS["churn_60d"]


def labelled(events: DataFrame, labels: Sequence[Label], *, as_ofs: Sequence[date], limits: Limits) -> DataFrame:
    """customer_id, as_of_date and a double per label (NULL outside its population), in one pass.

    The labels, of any horizons, are of one source. `events` must hold everything up to the last as-of plus the
    longest horizon: maturity is the caller's to check, see `Label.is_mature`.
    """
    sources = sorted({one.source for one in labels})
    if len(sources) > 1:
        raise ConfigurationError(f"labels of one pass have one source, not {', '.join(sources)}.")
    named(labels)
    folds = tuple(dict.fromkeys(fold for one in labels for fold in one.folds))
    derived = tuple(dict.fromkeys(feature for one in labels for feature in one.derived))
    twice = repeated([*(fold.name for fold in folds), *(one.name for one in derived)])
    if twice:
        raise ConfigurationError(f"labels of one pass mean different features by {', '.join(twice)}.")
    plan = FoldPlan(folds, derived, tuple(map(instant, as_ofs)), limits)
    values = [value_of(one).alias(one.name) for one in labels]
    return folded(events, plan).select("customer_id", "as_of_date", *values)


def value_of(one: Label) -> SparkColumn:
    """The label of a row that holds its folds and derived features, by their names."""

    def feature(name: str) -> SparkColumn:
        return F.col(one.stored(name))

    def number(constant: Decimal) -> SparkColumn:
        return F.lit(constant)

    outcome = F.col(one.future.name)
    if one.at_least is not None:
        floor = F.lit(one.at_least).cast(one.future.type)
        outcome = F.when(outcome.isNotNull(), F.greatest(outcome, floor))  # greatest alone would skip a NULL
    if one.holds is not None:
        outcome = one.holds.holds(outcome, feature, number)
    inside = F.lit(True)
    for member in one.population:
        inside = inside & member.comparison.holds(feature(member.feature), feature, number)
    return F.when(inside, outcome.cast("double"))
