"""Row by row: which rules hold for a customer, which of them pays, and at what net value; no row sees another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

from models.actions.reckon import RECKONED_SQL, reckoned
from models.actions.rules import Actions
from models.conditions import require_condition, require_number

RECOMMENDED, NET_VALUE = "recommended_actions", "expected_net_value"
CANDIDATE = "_candidate"
_RECKONED = "_reckoned"


def require_expressions(scores: DataFrame, actions: Actions) -> None:
    """Raises ConfigurationError for a condition or a number of `actions` that is none on these columns."""
    for rule in actions.ordered:
        require_condition(scores, rule.where, where=f"rule '{rule.name}'")
    for name, one in (("lapse", actions.economics.lapse), ("year_spend", actions.economics.year_spend)):
        require_number(scores, one.sql, where=f"economics.{name}")


def with_recommendations(scores: DataFrame, actions: Actions) -> DataFrame:
    """`scores` with what the rules recommend, its net value, and the action that a customer may be chosen for.

    Spark says which conditions hold (NULL holds nothing), with what probability a customer lapses (NULL outside [0, 1])
    and what a year brings; the rest is reckoned in Arrow, see `reckon.reckoned`. `_candidate` is a struct(rule, offer,
    net bigint, cost bigint), the latter in units of `UNITS`, of a net value above 0, else NULL.
    """
    lapse = F.expr(actions.economics.lapse.sql).cast("double")
    year = F.expr(actions.economics.year_spend.sql).cast("double")
    holds = [F.coalesce(F.expr(rule.where), F.lit(False)) for rule in actions.ordered]
    found = F.col(_RECKONED)
    return (
        scores.withColumn(_RECKONED, _reckoning(actions)(F.when(lapse.between(0.0, 1.0), lapse), year, *holds))
        .withColumns({RECOMMENDED: found["recommended"], NET_VALUE: found["net_value"], CANDIDATE: found["acting"]})
        .drop(_RECKONED)
    )


def _reckoning(actions: Actions) -> Callable[..., Column]:
    def on_columns(lapse: pa.Array, year: pa.Array, *holds: pa.Array) -> pa.Array:
        numbers = [one.to_numpy(zero_copy_only=False) for one in (lapse, year)]
        return reckoned(actions, [np.asarray(one) for one in holds], *numbers)

    return arrow_udf(on_columns, RECKONED_SQL)  # type: ignore[call-overload]
