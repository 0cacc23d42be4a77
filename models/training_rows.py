"""A training set as frames: its splits, its counts, and the counted samples that the driver may read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from featurestore.customer_draw import SHARES, draw, draw_column
from models.errors import CannotTrain
from models.logistic import Floats
from models.matrix import feature_matrix
from models.splits import FIT, STOP, STOPPING_PURPOSE, STOPPING_SHARE, SplitPlan
from models.vocabulary import NO_WORDS

log = logging.getLogger(__name__)

CUSTOMER, AS_OF, SPLIT = KEY_AND_SPLIT = ("customer_id", "as_of_date", "split")
KEY = (CUSTOMER, AS_OF)
SEGMENT = "rfm_segment"
_DRAW, _SEGMENT = "sample_draw", "key_segment"
SampleRule = Literal["customer", "row"]


@dataclass(frozen=True)
class SplitCount:
    """Labelled rows of one split, and how many of them have the outcome, or an amount above 0."""

    rows: int = 0
    positives: int = 0


@dataclass(frozen=True)
class Sample:
    """Rows on the driver, of `rows_total`: `matrix` float32 (n, d), NaN for NULL; `labels` (n,), 0/1 or amounts.

    `customers` (n,) are their ids as objects, `days` (n,) their as-of dates as datetime64[D]; `segments` (n,) names of
    groups of customers, None where the rows have none.
    """

    split: str
    matrix: NDArray[np.float32]
    labels: Floats
    rows_total: int
    customers: NDArray[np.object_]
    days: NDArray[np.datetime64]
    segments: NDArray[np.object_] | None = None


def split_column(plan: SplitPlan, *, customer_id: str = CUSTOMER, as_of_date: str = AS_OF) -> Column:
    """`SplitPlan.split_of` as a column: NULL for a date outside the plan."""
    when = F.lit(None).cast("string")
    for day, split in plan.dates.items():
        when = F.when(F.col(as_of_date) == F.lit(day), F.lit(split)).otherwise(when)
    if not plan.by_customer:
        return when
    stops = draw_column(F.col(customer_id), purpose=STOPPING_PURPOSE) < STOPPING_SHARE
    return F.when((when == FIT) & F.coalesce(stops, F.lit(False)), F.lit(STOP)).otherwise(when)


def labelled_rows(training_set: DataFrame, *, label: str) -> DataFrame:
    """The rows that a head learns from and is judged on: in its population, mature, and in a split."""
    known = F.col(label).isNotNull() & F.col(SPLIT).isNotNull()
    return training_set.where(known).withColumn(label, F.col(label).cast("double"))


def count_splits(rows: DataFrame, *, label: str) -> dict[str, SplitCount]:
    """Labelled rows and positives by split, in one pass; a split without rows is absent."""
    counted = rows.groupBy(SPLIT).agg(F.count(label).alias("n"), F.count_if(F.col(label) > 0).alias("positives"))
    # Collects one row a split.
    return {row[SPLIT]: SplitCount(int(row["n"]), int(row["positives"])) for row in counted.collect()}


def read_sample(
    rows: DataFrame, *, split: str, features: Sequence[str], label: str, total: int, at_most: int,
    words: Mapping[str, Sequence[str]] = NO_WORDS, by: SampleRule = "customer", purpose: str = "",
) -> Sample:  # fmt: skip
    """All rows of a split, or `at_most` by a stable draw, which is logged; sorted by key.

    The draw is a hash of the customer, so that all rows of one are in or out together, or `by` "row" of customer
    and date; another `purpose` (with a seed in it, say) draws others.
    """
    chosen = rows.where(F.col(SPLIT) == split)
    by_what = F.col(CUSTOMER) if by == "customer" else F.concat_ws(" ", CUSTOMER, AS_OF)
    place = draw_column(by_what, purpose=purpose or f"sample of {split}")
    if total > at_most:
        log.warning("split '%s': %d of %d rows are read, drawn by %s (%s)", split, at_most, total, by,
                    purpose or "for evaluation")  # fmt: skip
        chosen = chosen.where(F.coalesce(place, F.lit(0)) < int(SHARES * at_most / total))
    named = [
        one.alias(name) for one, name in zip(as_float32(rows.schema, features, words=words), features, strict=True)
    ]
    wanted = [F.col(name).alias(f"key_{name}") for name in KEY] + [F.col(label).alias("label_value"), *named]
    if SEGMENT in rows.columns:
        wanted.append(F.col(SEGMENT).cast("string").alias(_SEGMENT))
    # Bounded: no more than about `at_most` rows reach the driver, and the slice below makes it exact.
    table = chosen.select(*wanted, place.alias(_DRAW)).toArrow()
    table = table.sort_by([(_DRAW, "ascending")]).slice(0, at_most)
    return _sample(table.sort_by([(f"key_{name}", "ascending") for name in KEY]), split, features, total=total)


def drawn(rows: Sample, at: NDArray[np.intp], *, at_most: int, seed: int) -> NDArray[np.intp]:
    """At most so many of the positions `at`, whole customers first to last by a draw that the seed decides."""
    if len(at) <= at_most:
        return at
    log.info("%d of %d rows of a trial are learned from, by customer", at_most, len(at))
    order = np.array([draw(one, purpose=f"trial seed {seed}") for one in rows.customers[at]])
    return np.sort(at[np.argsort(order, kind="stable")[:at_most]])


def joined(samples: Sequence[Sample]) -> Sample:
    """The rows of several samples as one, in their order; its split is that of the first."""
    return Sample(
        samples[0].split,
        np.concatenate([one.matrix for one in samples]),
        np.concatenate([one.labels for one in samples]),
        sum(one.rows_total for one in samples),
        np.concatenate([one.customers for one in samples]),
        np.concatenate([one.days for one in samples]),
    )


def as_float32(
    schema: T.StructType, features: Sequence[str], *, words: Mapping[str, Sequence[str]] = NO_WORDS
) -> list[Column]:
    """Features as Spark floats by way of double, as `models.matrix` does it in Arrow; NULL becomes NaN.

    Text becomes its place among its `words`; CannotTrain for text without.
    """
    kinds = {name: schema[name].dataType for name in features}
    text = {name: kind.simpleString() for name, kind in kinds.items() if not is_number(kind) and name not in words}
    if text:
        raise CannotTrain.not_numeric(text)
    nan = F.lit(float("nan")).cast("float")
    numbers = {name: _code(name, words[name]) if name in words else column(name) for name in features}
    return [F.coalesce(numbers[name].cast("double").cast("float"), nan) for name in features]


def _code(name: str, known: Sequence[str]) -> Column:
    place = F.array_position(F.array(*map(F.lit, known)), column(name).cast("string")) if known else F.lit(0)
    coded = F.when(place > 0, place - 1).otherwise(F.lit(len(known)))
    return F.when(column(name).isNotNull(), coded)


def is_number(kind: T.DataType) -> bool:
    """Whether a model can read values of this type."""
    return isinstance(kind, (T.NumericType, T.BooleanType))


def column(name: str) -> Column:
    """The column of exactly this name; a dot in it is no field access."""
    return F.col(f"`{name}`")


def _sample(table: pa.Table, split: str, features: Sequence[str], *, total: int) -> Sample:
    labels = np.asarray(table.column("label_value").to_numpy(), dtype=np.float64)
    customers = np.array(table.column(f"key_{CUSTOMER}").to_pylist(), dtype=object)
    days = table.column(f"key_{AS_OF}").to_numpy().astype("datetime64[D]")
    segments = np.array(table.column(_SEGMENT).to_pylist(), dtype=object) if _SEGMENT in table.column_names else None
    return Sample(split, feature_matrix(table, features), labels, total, customers, days, segments)
