"""What scores the same heads otherwise: SparkXGB's `transform`, model after model, and one process without Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from numpy.typing import NDArray
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.bundle import Bundle
from models.coherence import coherent
from models.heads import ACTIVE, CHURN, DECLINE, HEADS, PURCHASE, Head, head_named
from models.one_pass import Batch
from models.risk import LOWEST_RISK, RISK_LEVELS
from models.score import CUSTOMER, OTHERS, PASSED_ON, lifecycle, risk_level
from models.score_parts import population
from models.training_rows import as_float32

Models = Mapping[str, Bundle]


def by_transform(rows: DataFrame, models: Models, day: date) -> DataFrame:
    """The scores by `SparkXGBClassifierModel` and `SparkXGBRegressorModel`, inputs cast to floats as they expect."""
    features = next(iter(models.values())).features
    floats = [one.alias(f"x_{name}") for one, name in zip(as_float32(rows.schema, features), features, strict=True)]
    kept = {CUSTOMER, *PASSED_ON, *(name for head in HEADS.values() for name in head.decided_by)}
    chosen = rows.select(*kept, *floats)
    scored = reduce(lambda frame, one: _transformed(frame, head_named(one), models[one]), models, chosen)
    return scored.select(CUSTOMER, F.lit(day).alias("as_of_date"), CHURN.output,
                         risk_level(F.col(CHURN.output)).alias("churn_risk_level"), lifecycle().alias("lifecycle"),
                         *(coherent(head.output).alias(head.output) for head in OTHERS), *PASSED_ON)  # fmt: skip


def _transformed(rows: DataFrame, head: Head, bundle: Bundle) -> DataFrame:
    from xgboost.spark import SparkXGBClassifier, SparkXGBRegressor
    from xgboost.spark.summary import XGBoostTrainingSummary

    names = [f"x_{name}" for name in bundle.features]
    told: dict[str, Any] = {"features_col": names, "prediction_col": f"{head.name}_prediction"}
    if not head.is_amount:
        told |= {"probability_col": f"{head.name}_probability", "raw_prediction_col": f"{head.name}_raw"}
    estimator = (SparkXGBRegressor if head.is_amount else SparkXGBClassifier)(**told)
    booster = _booster(bundle, threads=1)
    booster.feature_names = None
    # As its own `fit` makes a model of a booster: it has no public way to one that was fitted elsewhere.
    native = estimator._convert_to_sklearn_model(booster.save_raw("json"), booster.save_config())  # noqa: SLF001
    model = estimator._copyValues(estimator._create_pyspark_model(native, XGBoostTrainingSummary()))  # noqa: SLF001
    found = model.transform(rows)
    root = F.greatest(F.col(f"{head.name}_prediction"), F.lit(0.0)) if head.is_amount else None
    score = vector_to_array(F.col(f"{head.name}_probability"))[1] if root is None else root * root
    inside = F.coalesce(head.holds(F.col, number=F.lit), F.lit(False))
    made: list[Column] = [F.col(f"`{name}`") for name in rows.columns]
    return found.select(*made, F.when(inside, score).alias(head.output))


@dataclass(frozen=True)
class Alone:
    """What one process does: from a Delta table to a Delta table, batch by batch, by so many threads."""

    source: str
    target: str
    models: Models
    threads: int
    batch_rows: int
    day: date

    def run(self) -> None:
        """Score everyone."""
        boosters = {name: _booster(one, threads=self.threads) for name, one in self.models.items()}
        read = {CUSTOMER, *PASSED_ON, *(name for head in HEADS.values() for name in head.decided_by)}
        read |= {name for one in self.models.values() for name in one.features}
        batches = DeltaTable(self.source).to_pyarrow_dataset().to_batches(
            columns=sorted(read), batch_size=self.batch_rows)  # fmt: skip
        scored = (self._scored(batch, boosters) for batch in batches if batch.num_rows)
        first = next(scored)
        reader = pa.RecordBatchReader.from_batches(first.schema, _chained(first, scored))
        write_deltalake(self.target, reader, mode="overwrite", partition_by=["as_of_date"])

    def _scored(self, rows: pa.RecordBatch, boosters: Mapping[str, Any]) -> pa.RecordBatch:
        batch, found = Batch(rows), {}
        inside = {name: population(rows, head_named(name)) for name in self.models}
        for name, bundle in self.models.items():
            raw = boosters[name].inplace_predict(batch.matrix(bundle)[inside[name]], predict_type="margin",
                                                 missing=np.nan)  # fmt: skip
            scores = np.full(rows.num_rows, np.nan)
            scores[inside[name]] = bundle.calibrator.apply(np.asarray(raw, dtype=np.float64))
            found[head_named(name).output] = scores
        churn = found[CHURN.output]
        found[PURCHASE.output] = np.fmin(found[PURCHASE.output], np.where(np.isnan(churn), np.inf, 1 - churn))
        active = found[ACTIVE.output]
        found[DECLINE.output] = np.where(np.isnan(found[DECLINE.output]), np.nan,
                                         np.fmax(found[DECLINE.output], 1 - active))  # fmt: skip
        found[PURCHASE.output] = np.where(inside[PURCHASE.name], found[PURCHASE.output], np.nan)
        of_others = np.where(inside[PURCHASE.name], "inactive", "no_orders")
        return pa.RecordBatch.from_pydict({
            CUSTOMER: rows.column(CUSTOMER),
            "as_of_date": pa.array([self.day] * rows.num_rows, pa.date32()),
            "churn_risk_level": _level(churn),
            "lifecycle": np.where(inside[CHURN.name], "active", of_others),
            **{name: pa.array(scores, from_pandas=True) for name, scores in found.items()},
            **{name: rows.column(name) for name in PASSED_ON},
        })  # fmt: skip


def _level(probability: NDArray[np.float64]) -> pa.Array:
    named = np.select([probability >= least for least, _ in RISK_LEVELS], [name for _, name in RISK_LEVELS],
                      LOWEST_RISK)  # fmt: skip
    return pa.array(named, pa.string(), mask=np.isnan(probability))


def _chained(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


def _booster(bundle: Bundle, *, threads: int) -> Any:
    from xgboost import Booster

    found = Booster({"nthread": threads})
    found.load_model(bytearray(bundle.model))
    return found
