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
from featurestore.persons import asked_of_persons, told_as_known
from featurestore.spine import MICROSECOND, folded_at
from featurestore.spine_fold import KNOWN
from featurestore.views import FeatureView


def folded_as_known(
    events: DataFrame, view: FeatureView, *, days: Sequence[date], delay: timedelta, limits: Limits,
    aliases: DataFrame | None = None,
) -> DataFrame:  # fmt: skip
    """customer_id, as_of_date and the folds and derived features of `view` at midnight UTC of `days`.

    An event counts at a day where event_time < day and known_at < day + `delay`. A customer has a row from the first
    day on at which an event of theirs counts, as in a snapshot; an id that is known to be another person by then has
    none, the person has. `events` stand under their own customers. Two shuffles of the events by customer.
    """
    counts_after = F.greatest(F.col(TIME), F.col(KNOWN) - F.lit(delay))
    seen = told_as_known(events, aliases).groupBy(CUSTOMER).agg(F.min(counts_after).alias("seen_after"))
    reached = F.filter(F.array(*map(F.lit, sorted(days))), lambda day: day.cast("timestamp") > F.col("seen_after"))
    spine = seen.select(CUSTOMER, F.explode(reached).alias(AS_OF_DATE))
    return folded_at(
        events, _themselves(spine, aliases, delay), view.folds, view.derived, limits=limits, as_of=AS_OF_DATE,
        decision_delay=delay, aliases=aliases,
    )  # fmt: skip


def _themselves(spine: DataFrame, aliases: DataFrame | None, delay: timedelta) -> DataFrame:
    """The rows of customers who are not known to be another person at their day."""
    own = spine.withColumns({TIME: F.col(AS_OF_DATE).cast("timestamp"), "own": F.col(CUSTOMER)})
    asked = asked_of_persons(own, aliases, delay_us=delay // MICROSECOND)
    return asked.where(F.col(CUSTOMER) == F.col("own")).select(CUSTOMER, AS_OF_DATE)
