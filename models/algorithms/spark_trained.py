"""Algorithms that Spark trains on all rows; what comes out is plain arrays in a scikit-learn pipeline.

Preprocessing is learned from a counted sample, as for the algorithms of one machine, and applied to every row in Arrow.
Trees are those of Spark's regressors: of a 0/1 label the variance is half of the Gini impurity, so that the splits are
the same, and a leaf holds the share of ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from models.algorithms import parameters as p
from models.algorithms.contract import Fit, FrameRows, Place
from models.algorithms.on_one_machine import FittedPipeline, OnOneMachineAlgorithm, finite

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from sklearn.pipeline import Pipeline

_LABEL, _STOP, _INPUT, _PART = "fit_label", "fit_stop", "fit_input", "fit_part"
# Bins per feature that Spark looks for a split at.
_BINS = 64
# Boosting ends where a tree gains less than this share of the loss of the stopping rows.
_LEAST_GAIN = 1e-4

Fitter = Callable[["DataFrame", Any, int, int], Any]


@dataclass(frozen=True)
class SparkTrainedAlgorithm(OnOneMachineAlgorithm):
    """An algorithm of Spark ML behind the contract of all algorithms; in memory scikit-learn's of the same name."""

    @property
    def place(self) -> Place:
        return "spark"

    def fit_frame(self, rows: FrameRows, *, seed: int) -> Fit:
        """Fit on all rows of a frame, with preprocessing learned from a sample; the stopping rows end a boosting."""
        from pyspark import StorageLevel

        from models.algorithms.plain_models import FittedElsewhere
        from models.algorithms.preprocessing import pipeline

        known = rows.sample()
        whole = pipeline(FittedElsewhere(), columns=len(rows.features), categorical=known.categorical,
                         how=self.parameters.preprocessing, seed=seed)  # fmt: skip
        before = whole[:-1]
        before.fit(finite(known.matrix), known.labels)
        ready = _prepared(rows, before).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            model = FITTERS[self.name](ready, self.parameters, rows.learned, seed)
        finally:
            ready.unpersist()
        whole.steps[-1] = ("model", model)
        return Fit(FittedPipeline(whole), rows=rows.learned)


def _prepared(rows: FrameRows, before: Pipeline) -> DataFrame:
    """Label, stopping mark and the prepared columns as one vector.

    The place of a row follows from its key, so that two fits meet the same rows in the same places.
    """
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    from models.training_rows import as_float32, column

    frame = rows.frame
    keys, columns = (
        [f"{what}{at:05d}" for at in range(n)] for what, n in (("k", len(rows.key)), ("x", len(rows.features)))
    )
    floats = as_float32(frame.schema, rows.features, words=rows.words)
    parts = int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    chosen = frame.select(
        *(column(name).alias(short) for name, short in zip(rows.key, keys, strict=True)),
        column(rows.label).cast("double").alias(_LABEL), column(rows.stopping).alias(_STOP),
        *(one.alias(short) for one, short in zip(floats, columns, strict=True)),
    )  # fmt: skip
    placed = chosen.withColumn(_PART, F.pmod(F.xxhash64(*keys), F.lit(parts)).cast("int"))
    ordered = placed.repartitionById(parts, F.col(_PART)).sortWithinPartitions(*keys).select(_LABEL, _STOP, *columns)
    prepared = ordered.mapInArrow(
        _Preparer(before, tuple(columns)), f"{_LABEL} double, {_STOP} boolean, {_INPUT} array<double>"
    )
    return prepared.select(_LABEL, _STOP, array_to_vector(F.col(_INPUT)).alias(_INPUT))


@dataclass(frozen=True)
class _Preparer:
    before: Pipeline
    columns: tuple[str, ...]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                yield self.prepared(batch)

    def prepared(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Label and mark as they are, all columns as one list of doubles."""
        matrix = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in self.columns])
        ready = np.ascontiguousarray(self.before.transform(finite(matrix)), dtype=np.float64)
        ends = pa.array(np.arange(0, ready.size + 1, ready.shape[1], dtype=np.int32))
        lists = pa.ListArray.from_arrays(ends, pa.array(ready.ravel()))
        return pa.RecordBatch.from_arrays([batch.column(_LABEL), batch.column(_STOP), lists],
                                          names=[_LABEL, _STOP, _INPUT])  # fmt: skip


def _learned(rows: DataFrame) -> DataFrame:
    return rows.where(f"not {_STOP}")


def _logistic(rows: DataFrame, chosen: p.LogisticRegressionParameters, learned: int, seed: int) -> Any:
    from pyspark.ml.classification import LogisticRegression

    from models.algorithms.plain_models import LinearOdds

    # scikit-learn's C weighs the sum of the losses, Spark's penalty their mean.
    found = LogisticRegression(featuresCol=_INPUT, labelCol=_LABEL, maxIter=chosen.max_iterations, tol=1e-8,
                               regParam=1 / (chosen.c * max(learned, 1)), standardization=False)  # fmt: skip
    model = found.fit(_learned(rows))
    return LinearOdds().of(model.coefficients.toArray(), model.intercept)


def _tree(rows: DataFrame, chosen: p.DecisionTreeParameters, learned: int, seed: int) -> Any:
    from pyspark.ml.regression import DecisionTreeRegressor

    from models.algorithms.plain_models import TreeOdds

    found = DecisionTreeRegressor(featuresCol=_INPUT, labelCol=_LABEL, maxDepth=chosen.max_depth, maxBins=_BINS,
                                  minInstancesPerNode=chosen.min_leaf, seed=seed)  # fmt: skip
    return TreeOdds().of(found.fit(_learned(rows)).toDebugString, is_log_odds=False)


def _forest(rows: DataFrame, chosen: p.RandomForestParameters, learned: int, seed: int) -> Any:
    from pyspark.ml.regression import RandomForestRegressor

    from models.algorithms.plain_models import TreeOdds, mean_of

    found = RandomForestRegressor(
        featuresCol=_INPUT, labelCol=_LABEL, numTrees=chosen.trees, maxDepth=chosen.max_depth, maxBins=_BINS,
        minInstancesPerNode=chosen.min_leaf, featureSubsetStrategy=str(chosen.share_of_features), seed=seed,
    )  # fmt: skip
    return mean_of(TreeOdds().of(found.fit(_learned(rows)).toDebugString, is_log_odds=False))


def _boosting(rows: DataFrame, chosen: p.GradientBoostingParameters, learned: int, seed: int) -> Any:
    from pyspark.ml.classification import GBTClassifier

    from models.algorithms.plain_models import TreeOdds

    found = GBTClassifier(
        featuresCol=_INPUT, labelCol=_LABEL, maxIter=chosen.trees, maxDepth=chosen.max_depth, maxBins=_BINS,
        stepSize=chosen.learning_rate, minInstancesPerNode=chosen.min_leaf, validationIndicatorCol=_STOP,
        validationTol=_LEAST_GAIN, seed=seed,
    )  # fmt: skip
    return TreeOdds().of(found.fit(rows).toDebugString, is_log_odds=True)


FITTERS: Mapping[str, Fitter] = {
    "logistic_regression": _logistic,
    "decision_tree": _tree,
    "random_forest": _forest,
    "gradient_boosting": _boosting,
}
