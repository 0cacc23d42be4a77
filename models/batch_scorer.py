"""A model as a function from a frame of features to the same frame with its predictions."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.functions import arrow_udf

from models.bundle import Bundle, refuse_other_features
from models.training_rows import column

PREDICTION = "prediction"


def batch_scorer(
    bundle: Bundle, *, feature_fingerprint: str, output: str = PREDICTION
) -> Callable[[DataFrame], DataFrame]:
    """What `FeatureStore.score_batch` takes: adds the calibrated probability of each row as a double `output`.

    `feature_fingerprint` is that of the training set's lookups, so that a model never meets features of another
    meaning. Every row gets a prediction; whom the label does not ask about is the caller's to leave out.
    Raises OtherFeatures, when it meets a frame, for a model of other features or an absent column.
    """

    def predicted(*features: pa.Array) -> pa.Array:
        rows = pa.RecordBatch.from_arrays(list(features), names=list(bundle.features))
        return pa.array(bundle.predict(bundle.matrix(rows)))

    def score(rows: DataFrame) -> DataFrame:
        refuse_other_features(bundle, feature_fingerprint=feature_fingerprint, available=rows.columns)
        udf = arrow_udf(predicted, "double")  # type: ignore[call-overload]
        return rows.withColumn(output, udf(*[column(name) for name in bundle.features]))

    return score
