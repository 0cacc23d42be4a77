"""Every customer of a snapshot with the segments of three schemes: RFM cell, cluster, behaviour."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

from featurestore.errors import ConfigurationError
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
        if rule.where is None:
            continue
        try:
            kind = snapshot.select(F.expr(rule.where)).schema[0].dataType.simpleString()
        except AnalysisException as problem:
            said = str(problem).splitlines()[0]
            raise ConfigurationError(f"segment '{rule.name}': where: {rule.where}\n  {said}") from None
        if kind != "boolean":
            raise ConfigurationError(f"segment '{rule.name}': where must be a condition, true or false; "
                                     f"'{rule.where}' is a {kind}.")  # fmt: skip


def _cluster(model: SegmentModel) -> Column:
    """The id of the nearest centroid, found in Arrow; NULL measures give NULL."""
    if not model.clusters:
        return F.lit(None).cast("int")

    def nearest_id(*measures: pa.Array) -> pa.Array:
        values = np.column_stack([one.to_numpy(zero_copy_only=False) for one in measures])
        known = (values[:, 2] > 0) & np.isfinite(values).all(axis=1)
        ids = np.zeros(len(values), dtype=np.int32)
        ids[known] = model.ids(values[known])
        return pa.array(ids, pa.int32(), mask=~known)

    return arrow_udf(nearest_id, "int")(*MEASURES)  # type: ignore[call-overload]


def _persona(model: SegmentModel) -> Column:
    name = F.lit(None).cast("string")
    for one in model.clusters:
        name = F.when(F.col(CLUSTER) == one.id, F.lit(one.persona)).otherwise(name)
    return name
