"""Every customer of a snapshot with the segments of three schemes: RFM cell, cluster, behaviour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

from models.conditions import require_condition
from models.logistic import Floats
from models.segments.buyers import is_buyer
from models.segments.measures import MEASURES
from models.segments.record import SegmentModel
from models.segments.rules import Rules
from models.training_rows import CUSTOMER

RFM, BEHAVIOUR = "rfm_segment", "behavioural_segment"
CLUSTER, PERSONA, MISSING = "cluster_id", "cluster_persona", "cluster_missing"
NO_ORDER = "no order before the date"
NOT_STABLE = "no number of clusters was stable"


def assigned(snapshot: DataFrame, *, model: SegmentModel, rules: Rules) -> DataFrame:
    """customer_id, the measures, and the segments of each row of `snapshot`, by frozen centroids and ordered rules.

    A customer without an order, and everyone under a model without clusters, has no cluster, and `cluster_missing`
    says why. Raises ConfigurationError for a rule that Spark cannot read as a condition.
    """
    check_conditions(snapshot, rules)
    measures = [F.col(name).cast("double").alias(name) for name in MEASURES]
    rows = snapshot.select(CUSTOMER, RFM, F.expr(rules.sql()).alias(BEHAVIOUR), *measures)
    why = F.lit(None if model.clusters else NOT_STABLE).cast("string")
    found = F.when(is_buyer(), _cluster(model)).cast("int")
    return rows.withColumn(CLUSTER, found).withColumns(
        {PERSONA: _persona(model), MISSING: F.when(is_buyer(), why).otherwise(F.lit(NO_ORDER))}
    )


def check_conditions(snapshot: DataFrame, rules: Rules) -> None:
    """Raises ConfigurationError for a `where` that is no condition on these columns; starts no job."""
    for rule in rules.segments:
        if rule.where is not None:
            require_condition(snapshot, rule.where, where=f"segment '{rule.name}'")


def _cluster(model: SegmentModel) -> Column:
    """The id of the nearest centroid, found in Arrow; NULL measures give NULL."""

    def nearest_id(*measures: pa.Array) -> pa.Array:
        return ids_of(model, [one.to_numpy(zero_copy_only=False) for one in measures])

    return arrow_udf(nearest_id, "int")(*MEASURES)  # type: ignore[call-overload]


def ids_of(model: SegmentModel, measures: Sequence[Floats]) -> pa.Array:
    """The id of the nearest centroid, int32 (n,), of the `MEASURES`, (n,) each; NULL where one is NaN or not there.

    NULL for all under a model without clusters.
    """
    values = np.column_stack(measures)
    known = (values[:, 2] > 0) & np.isfinite(values).all(axis=1) & bool(model.clusters)
    ids = np.zeros(len(values), dtype=np.int32)
    ids[known] = model.ids(values[known]) if known.any() else 0
    return pa.array(ids, pa.int32(), mask=~known)


def personas_of(model: SegmentModel, ids: pa.Array) -> pa.Array:
    """The names, string (n,), of clusters by their ids, int32 (n,); NULL where there is none."""
    known = pa.array([one.id for one in model.clusters], pa.int32())
    names = pa.array([one.persona for one in model.clusters], pa.string())
    return names.take(pc.index_in(ids, value_set=known))


def _persona(model: SegmentModel) -> Column:
    name = F.lit(None).cast("string")
    for one in model.clusters:
        name = F.when(F.col(CLUSTER) == one.id, F.lit(one.persona)).otherwise(name)
    return name
