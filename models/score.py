"""All heads over all customers in one pass: rows cross into Python once, as Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql import types as T

from featurestore.errors import DataContractError
from models.bundle import Bundle, refuse_other_features
from models.coherence import coherent, counts
from models.errors import OtherFeatures
from models.heads import CHURN, HEADS, PURCHASE, Head, head_named, needed_columns
from models.logistic import Floats
from models.registry import Registered
from models.training_rows import column

CUSTOMER = "customer_id"
PASSED_ON = {"r_score": "int", "f_score": "int", "m_score": "int", "rfm_segment": "string"}
OTHERS = tuple(head for head in HEADS.values() if head != CHURN)
"""The heads whose output is a column as it is."""
RISK_LEVELS = ((0.8, "CRITICAL"), (0.6, "HIGH"), (0.4, "MEDIUM"))
LOWEST_RISK = "LOW"
# What the expressions after the models need of a row, beside what the models gave.
_CARRIED = (CUSTOMER, *needed_columns((CHURN, PURCHASE)), *PASSED_ON)


def score_frame(
    features: DataFrame,
    *,
    models: Mapping[str, Registered],
    feature_fingerprint: str,
    as_of_date: date,
    run_id: str,
    scored_at: datetime,
    observation: Observation | None = None,
) -> DataFrame:
    """`customer_scores` as far as the heads in `models` (by name) go: a row for each row of `features`.

    `features` is one snapshot: `customer_id`, the features of every model, the population features,
    `r_score`, `f_score`, `m_score`, `rfm_segment`. A score is NULL outside the population of its head.
    `observation`, when the result is written, holds `rows`, `coherence_violations` (of `models.coherence`, and those
    of each rule) and `scored_<head>`. Raises OtherFeatures for a model of other features or an absent column.
    """
    heads = tuple(head_named(name) for name in models)
    require_scorable(features.columns, models=models, feature_fingerprint=feature_fingerprint)
    scored = _with_scores(features, heads=heads, models=models, as_of=as_of_date)
    if observation is not None:
        scored = scored.observe(observation, *_observed(heads))
    return scored.select(
        F.col(CUSTOMER),
        F.lit(as_of_date).cast("date").alias("as_of_date"),
        F.col(CHURN.output),
        risk_level(F.col(CHURN.output)).alias("churn_risk_level"),
        lifecycle().alias("lifecycle"),
        *(coherent(head.output).alias(head.output) for head in OTHERS),
        *(F.col(name).cast(kind).alias(name) for name, kind in PASSED_ON.items()),
        _constant_map({name: model.bundle.at(as_of_date).calibration_status for name, model in models.items()}).alias(
            "calibration_status"
        ),
        _constant_map({name: model.version for name, model in models.items()}).alias("model_versions"),
        F.lit(feature_fingerprint).alias("feature_fingerprint"),
        F.lit(run_id).alias("run_id"),
        F.lit(scored_at).cast("timestamp").alias("scored_at"),
    )


def require_scorable(columns: Sequence[str], *, models: Mapping[str, Registered], feature_fingerprint: str) -> None:
    """Raise before any row is read where a model, a column or a definition does not fit."""
    if not models:
        raise DataContractError("there is no model to score with. Train first: ./spark-submit.sh train")
    for model in models.values():
        refuse_other_features(model.bundle, feature_fingerprint=feature_fingerprint, available=columns)
    asked = dict.fromkeys([*_CARRIED, *needed_columns(map(head_named, models))])
    missing = [name for name in asked if name not in set(columns)]
    if missing:
        raise OtherFeatures.columns("scoring", missing=missing, available=columns)


def risk_level(probability: Column) -> Column:
    """CRITICAL at .8 and above, HIGH at .6, MEDIUM at .4, else LOW; NULL where the probability is."""
    level = F.lit(LOWEST_RISK)
    for least, name in reversed(RISK_LEVELS):
        level = F.when(probability >= least, F.lit(name)).otherwise(level)
    return F.when(probability.isNotNull(), level)


def lifecycle() -> Column:
    """`active` in the churn population, `no_orders` without any order, else `inactive`."""
    known = F.when(_is_inside(CHURN), F.lit("active"))
    return known.when(_is_inside(PURCHASE), F.lit("inactive")).otherwise(F.lit("no_orders"))


def _is_inside(head: Head) -> Column:
    return F.coalesce(head.holds(F.col, number=F.lit), F.lit(False))


def _observed(heads: Sequence[Head]) -> list[Column]:
    scored = [F.count(head.output).alias(f"scored_{head.name}") for head in heads]
    return [F.count(F.lit(1)).alias("rows"), *counts(), *scored]


def _constant_map(values: Mapping[str, str]) -> Column:
    return F.create_map(*(F.lit(word) for pair in sorted(values.items()) for word in pair))


def _with_scores(
    features: DataFrame, *, heads: Sequence[Head], models: Mapping[str, Registered], as_of: date
) -> DataFrame:
    """The carried columns and a score a known head, NULL for one without a model."""
    read = [name for head in heads for name in (*head.decided_by, *models[head.name].bundle.features)]
    inputs = dict.fromkeys([*_CARRIED, *read])
    chosen = features.select(*(column(name) for name in inputs))
    outputs = [T.StructField(head.output, T.DoubleType()) for head in heads]
    schema = T.StructType([*(chosen.schema[name] for name in _CARRIED), *outputs])
    scored = chosen.mapInArrow(_Scorer(tuple((head, models[head.name].bundle.at(as_of)) for head in heads)), schema)
    absent = {head.output: F.lit(None).cast("double") for head in HEADS.values() if head not in heads}
    return scored.withColumns(absent) if absent else scored


@dataclass(frozen=True)
class _Scorer:
    """What a worker does: it travels with the task, boosters as bytes, and loads each once a process."""

    models: tuple[tuple[Head, Bundle], ...]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        return map(self.score, batches)

    def score(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The carried columns of `rows` and one score a head, NULL outside its population."""
        columns = {name: rows.column(name) for name in _CARRIED}
        matrices: dict[str, NDArray[np.float32]] = {}
        for head, bundle in self.models:
            inputs = repr((bundle.features, bundle.words))
            if inputs not in matrices:
                matrices[inputs] = bundle.matrix(rows)
            inside = _population(rows, head)
            columns[head.output] = _where(inside, bundle.predict(matrices[inputs][inside]))
        return pa.RecordBatch.from_pydict(columns)


def _population(rows: pa.RecordBatch, head: Head) -> NDArray[np.bool_]:
    """Rows inside the population of a head, (n,); a feature that is NULL compares as false, `<>` included."""
    values = {name: rows.column(name) for name in head.decided_by}
    known = np.all([_numpy(pc.is_valid(column)) for column in values.values()], axis=0)
    inside = head.holds(lambda name: _numpy(values[name].cast(pa.float64(), safe=False)))
    return np.asarray(known & inside, dtype=np.bool_)


def _numpy(column: pa.Array) -> NDArray:
    return column.to_numpy(zero_copy_only=False)


def _where(inside: NDArray[np.bool_], values: Floats) -> pa.Array:
    full = np.zeros(len(inside))
    full[inside] = values
    return pa.array(full, mask=~inside)
