"""Feature columns by name as the float32 matrix that a booster reads; NULL becomes NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from models.errors import CannotTrain
from models.vocabulary import NO_WORDS


def feature_matrix(
    rows: pa.RecordBatch | pa.Table, features: Sequence[str], *, words: Mapping[str, Sequence[str]] = NO_WORDS
) -> NDArray[np.float32]:
    """The columns `features` of `rows`, in that order, as float32 of shape (rows, features).

    Booleans are 0 and 1; decimals and integers go through float64, as they do in a Spark cast, so that a
    model meets the numbers it was fitted on. A column of text gives the place of each value among its `words`,
    and for any other value the place after the last. Raises KeyError for an absent column, CannotTrain for one
    of text without `words`.

    >>> feature_matrix(pa.table({"a": [1, None], "b": [True, False]}), ["b", "a"]).tolist()
    [[1.0, 1.0], [0.0, nan]]
    """
    matrix = np.empty((rows.num_rows, len(features)), dtype=np.float32)
    for at, name in enumerate(features):
        matrix[:, at] = _codes(rows.column(name), words[name]) if name in words else numbers(rows.column(name), name)
    return matrix


def _codes(column: pa.Array | pa.ChunkedArray, known: Sequence[str]) -> NDArray[np.float64]:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    text = column.cast(pa.string())
    places = pc.fill_null(pc.index_in(text, value_set=pa.array(known, pa.string())), len(known))
    coded = np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.float64)
    return np.where(np.asarray(pc.is_null(text).to_numpy(zero_copy_only=False), dtype=np.bool_), np.nan, coded)


def numbers(column: pa.Array | pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """The values of a column, float64 (n,), NaN for NULL; CannotTrain for one that holds no numbers."""
    kind = column.type
    if kinds.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif not (kinds.is_floating(kind) or kinds.is_integer(kind) or kinds.is_decimal(kind)):
        raise CannotTrain.not_numeric({name: str(kind)})
    doubles = column.cast(pa.float64(), safe=False)
    if isinstance(doubles, pa.ChunkedArray):
        doubles = doubles.combine_chunks()
    return np.asarray(doubles.to_numpy(zero_copy_only=False), dtype=np.float64)
