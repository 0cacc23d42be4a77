"""The parts of a score that models give: a learned head, what a customer is worth, the cluster of the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import types as T

from models.bundle import Bundle
from models.heads import Head
from models.lifetime.record import LifetimeModel
from models.lifetime.scoring import CLV_12M, CLV_36M, NUMBERS, P_ALIVE, STATUS, customers_of, statuses_of, worth_of
from models.logistic import Floats
from models.one_pass import Batch
from models.reasons.why import Why, why_fields
from models.segments.assign import ids_of, personas_of
from models.segments.measures import MEASURES
from models.segments.record import SegmentModel

SEGMENT, PERSONA = "behavior_segment", "persona"
LIFETIME_FIELDS = (
    *(T.StructField(name, T.DoubleType()) for name in (P_ALIVE, CLV_12M, CLV_36M)),
    T.StructField(STATUS, T.StringType()),
)
SEGMENT_FIELDS = (T.StructField(SEGMENT, T.IntegerType()), T.StructField(PERSONA, T.StringType()))

WHY_FIELDS = tuple(why_fields())


@dataclass(frozen=True)
class HeadPart:
    """The output of one learned head: calibrated for the date, NULL outside the head's population."""

    head: Head
    bundle: Bundle

    @property
    def reads(self) -> Sequence[str]:
        return (*self.head.decided_by, *self.bundle.words)

    @property
    def inputs(self) -> Sequence[str]:
        return [name for name in self.bundle.features if name not in self.bundle.words]

    @property
    def fields(self) -> Sequence[T.StructField]:
        return (head_field(self.head),)

    def columns(self, batch: Batch) -> Mapping[str, pa.Array]:
        inside = population(batch.rows, self.head)
        matrix = batch.matrix(self.bundle)
        found = self.bundle.predict(matrix if inside.all() else matrix[inside])
        return {self.head.output: _where(inside, found)}


@dataclass(frozen=True)
class LifetimePart:
    """`p_alive`, `clv_12m`, `clv_36m` and `clv_status`, NULL without an order; of rows as `with_numbers` makes them."""

    model: LifetimeModel

    @property
    def reads(self) -> Sequence[str]:
        return NUMBERS

    @property
    def inputs(self) -> Sequence[str]:
        return ()

    @property
    def fields(self) -> Sequence[T.StructField]:
        return LIFETIME_FIELDS

    def columns(self, batch: Batch) -> Mapping[str, pa.Array]:
        found = worth_of(self.model, customers_of(batch.rows))
        numbers = {name: pa.array(values, from_pandas=True) for name, values in found.items()}
        return {**numbers, STATUS: statuses_of(self.model, found)}


@dataclass(frozen=True)
class SegmentPart:
    """The id and the name of the nearest frozen centroid; NULL without an order, and where there are no clusters."""

    model: SegmentModel

    @property
    def reads(self) -> Sequence[str]:
        return MEASURES

    @property
    def inputs(self) -> Sequence[str]:
        return ()

    @property
    def fields(self) -> Sequence[T.StructField]:
        return SEGMENT_FIELDS

    def columns(self, batch: Batch) -> Mapping[str, pa.Array]:
        ids = ids_of(self.model, [batch.numbers(name) for name in MEASURES])
        return {SEGMENT: ids, PERSONA: personas_of(self.model, ids)}


@dataclass(frozen=True)
class WhyPart:
    """What stands beside a head's scores, by its model: reasons and confidence, NULL outside its population."""

    head: Head
    bundle: Bundle
    why: Why

    @property
    def reads(self) -> Sequence[str]:
        return HeadPart(self.head, self.bundle).reads

    @property
    def inputs(self) -> Sequence[str]:
        return HeadPart(self.head, self.bundle).inputs

    @property
    def fields(self) -> Sequence[T.StructField]:
        return WHY_FIELDS

    def columns(self, batch: Batch) -> Mapping[str, pa.Array]:
        return self.why.columns(self.bundle, batch.matrix(self.bundle), population(batch.rows, self.head))


def head_field(head: Head) -> T.StructField:
    """The column that a head writes."""
    return T.StructField(head.output, T.DoubleType())


def population(rows: pa.RecordBatch, head: Head) -> NDArray[np.bool_]:
    """Rows inside the population of a head, (n,); a feature that is NULL compares as false, `<>` included."""
    values = {name: rows.column(name) for name in head.decided_by}
    known = np.all([_numpy(pc.is_valid(one)) for one in values.values()], axis=0)
    inside = head.holds(lambda name: _numpy(values[name].cast(pa.float64(), safe=False)))
    return np.asarray(known & inside, dtype=np.bool_)


def _numpy(values: pa.Array) -> NDArray:
    return values.to_numpy(zero_copy_only=False)


def _where(inside: NDArray[np.bool_], values: Floats) -> pa.Array:
    full = np.zeros(len(inside))
    full[inside] = values
    return pa.array(full, mask=~inside)
