"""The rows of a view as they could have been known: whoever had been seen by then, folded from what was known by then.

No read, write or action. Roll-ups and snapshots cannot answer this: only raw events tell when they became known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.definitions import AS_OF_DATE
from featurestore.fold import CUSTOMER, TIME, Limits
from featurestore.spine import folded_at
from featurestore.spine_fold import KNOWN
from featurestore.views import FeatureView


def folded_as_known(
    events: DataFrame, view: FeatureView, *, days: Sequence[date], delay: timedelta, limits: Limits
) -> DataFrame:
    """customer_id, as_of_date and the folds and derived features of `view` at midnight UTC of `days`.

    An event counts at a day where event_time < day and known_at < day + `delay`. A customer has a row from the first
    day on at which an event of theirs counts, as in a snapshot. Two shuffles of the events by customer.
    """
    counts_after = F.greatest(F.col(TIME), F.col(KNOWN) - F.lit(delay))
    seen = events.groupBy(CUSTOMER).agg(F.min(counts_after).alias("seen_after"))
    reached = F.filter(F.array(*map(F.lit, sorted(days))), lambda day: day.cast("timestamp") > F.col("seen_after"))
    spine = seen.select(CUSTOMER, F.explode(reached).alias(AS_OF_DATE))
    return folded_at(events, spine, view.folds, view.derived, limits=limits, as_of=AS_OF_DATE, decision_delay=delay)
