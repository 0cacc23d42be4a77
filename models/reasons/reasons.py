"""Reasons of a batch of customers as a column: what moved their log-odds most, family by family, in plain words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.bundle import Bundle
from models.reasons.contributions import Strongest, explain_of, strongest
from models.reasons.texts import Values, in_places, texts_of
from models.reasons.wording import Wording

REASON = pa.struct([("feature", pa.string()), ("value", pa.float64()), ("contribution", pa.float64()),
                    ("text", pa.string())])  # fmt: skip
REASONS_SQL = "array<struct<feature:string,value:double,contribution:double,text:string>>"


def reasons_of(bundle: Bundle, matrix: NDArray[np.float32], *, wording: Wording) -> pa.Array:
    """For each row its strongest families, the largest first; NULL for all where the model has no exact contributions.

    matrix: float32 (n, d), the model's inputs. `contribution` is what the whole family adds to the
    uncalibrated log-odds against the average of the rows that the model learned from; `feature` the strongest of the
    family and `value` its value, NULL where it has none or is a word. It is no cause: `text` says what is.
    """
    explain = explain_of(bundle)
    if explain is None:
        return pa.nulls(len(matrix), pa.list_(REASON))
    chosen = wording.of(bundle.features)
    families = [chosen.features[name].family for name in bundle.features]
    found = strongest(explain(matrix), families, most=chosen.families, least=chosen.least)
    return _told(found, bundle.features, Values(matrix, bundle.features, bundle.words), chosen)


def _told(found: Strongest, features: tuple[str, ...], values: Values, wording: Wording) -> pa.Array:
    said: list[tuple[NDArray[np.intp], pa.Array]] = [(np.empty(0, np.intp), pa.array([], pa.string()))]
    numbers = np.full(len(found.rows), np.nan)
    for place in np.unique(found.features):
        mine = np.flatnonzero(found.features == place)
        name, at = features[place], found.rows[mine]
        numbers[mine] = values.numbers(name, at)
        raises = found.contributions[mine] > 0
        said.append((mine, texts_of(name, wording.features[name], values, at=at, raises=raises)))
    structs = pa.StructArray.from_arrays(
        [pa.array(features, pa.string()).take(pa.array(found.features)), pa.array(numbers, mask=np.isnan(numbers)),
         pa.array(found.contributions, pa.float64()), in_places(said)],
        fields=list(REASON),
    )  # fmt: skip
    return pa.ListArray.from_arrays(pa.array(found.offsets), structs)
