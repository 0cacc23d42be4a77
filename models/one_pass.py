"""One batch of rows, and all parts of a score that are computed of it in one `mapInArrow`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from models.bundle import Bundle
from models.logistic import Floats
from models.matrix import feature_matrix
from models.training_rows import as_float32, column

INPUTS = "_inputs"
"""All numbers that matrices are made of, one array of floats a row: in Arrow that is a matrix already."""


@dataclass(frozen=True)
class Batch:
    """Rows of a snapshot as they came into a worker, and the matrices that several models read, each made once.

    `packed` are the features in the arrays `INPUTS`, in order; without any, `rows` hold each feature by its name.
    """

    rows: pa.RecordBatch
    packed: tuple[str, ...] = ()
    _matrices: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    def matrix(self, bundle: Bundle) -> NDArray[np.float32]:
        """The inputs of a model, float32 (n, d)."""
        inputs = repr((bundle.features, bundle.words))
        if inputs not in self._matrices:
            self._matrices[inputs] = self._assembled(bundle) if self.packed else bundle.matrix(self.rows)
        return self._matrices[inputs]

    def _assembled(self, bundle: Bundle) -> NDArray[np.float32]:
        values = self.rows.column(INPUTS).flatten().to_numpy().reshape(self.rows.num_rows, len(self.packed))
        if bundle.features == self.packed:
            return np.asarray(values)
        places = {name: at for at, name in enumerate(self.packed)}
        matrix = np.empty((self.rows.num_rows, len(bundle.features)), dtype=np.float32)
        for at, name in enumerate(bundle.features):
            is_text = name in bundle.words
            matrix[:, at] = self._codes(name, bundle) if is_text else values[:, places[name]]
        return matrix

    def _codes(self, name: str, bundle: Bundle) -> NDArray[np.float32]:
        return feature_matrix(self.rows, [name], words=bundle.words)[:, 0]

    def numbers(self, name: str) -> Floats:
        """A column as doubles, float64 (n,); NULL is NaN."""
        doubles = self.rows.column(name).cast(pa.float64(), safe=False)
        return np.asarray(doubles.to_numpy(zero_copy_only=False), dtype=np.float64)


class Part(Protocol):
    """Some columns of a score. It travels with the task; what it loads, it loads once a process."""

    @property
    def reads(self) -> Sequence[str]:
        """The columns of a row that it looks at one by one."""
        ...

    @property
    def inputs(self) -> Sequence[str]:
        """The columns that it reads as numbers of a matrix."""
        ...

    @property
    def fields(self) -> Sequence[T.StructField]:
        """The columns that it adds."""
        ...

    def columns(self, batch: Batch) -> Mapping[str, pa.Array]:
        """Its `fields` by name, of as many rows as the batch has; each row's depend on that row alone."""
        ...


@dataclass(frozen=True)
class OnePass:
    """What a worker does: the `carried` columns of each row and those of all `parts`."""

    carried: tuple[str, ...]
    parts: tuple[Part, ...]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return map(self.score, batches)

    def score(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The carried columns of `rows` and what each part makes of them."""
        columns = {name: rows.column(name) for name in self.carried}
        batch = Batch(rows, self.packed)
        for part in self.parts:
            columns |= part.columns(batch)
        return pa.RecordBatch.from_pydict(columns)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that leave the JVM as they are, each once."""
        return tuple(dict.fromkeys([*self.carried, *(name for part in self.parts for name in part.reads)]))

    @property
    def packed(self) -> tuple[str, ...]:
        """The columns that leave it as floats, in one array a row: no model reads a number otherwise."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.inputs))

    def over(self, rows: DataFrame) -> DataFrame:
        """The pass over a frame that holds what it reads."""
        chosen = self.chosen(rows)
        made = [one for part in self.parts for one in part.fields]
        return chosen.mapInArrow(self, T.StructType([*(chosen.schema[name] for name in self.carried), *made]))

    def chosen(self, rows: DataFrame) -> DataFrame:
        """What a worker is given of a frame."""
        numbers = F.array(*as_float32(rows.schema, self.packed)).alias(INPUTS)
        return rows.select(*(column(name) for name in self.reads), *([numbers] if self.packed else []))
