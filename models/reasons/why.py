"""What stands beside a churn score: its reasons, and how sure the model is of the level it reports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_type

from models.bundle import Bundle
from models.confidence import confidence
from models.reasons.reasons import REASON, reasons_of
from models.reasons.wording import Wording

CONFIDENCE, REASONS = "confidence", "reasons"
WHY = {CONFIDENCE: pa.float64(), REASONS: pa.list_(REASON)}
"""The columns and their types."""


@dataclass(frozen=True)
class Why:
    """What reasons are told in; with a bundle and a batch of customers it gives the columns `WHY`."""

    wording: Wording

    def columns(
        self, bundle: Bundle, matrix: NDArray[np.float32], inside: NDArray[np.bool_]
    ) -> dict[str, pa.Array]:  # fmt: skip
        """Both columns, NULL where `inside` (n,) is false; `matrix` float32 (n, d) are the inputs of all rows."""
        chosen = np.flatnonzero(inside)
        their = matrix[chosen]
        reasons = reasons_of(bundle, their, wording=self.wording)
        sure = confidence(bundle, their)
        found = {CONFIDENCE: pa.nulls(len(chosen), pa.float64()) if sure is None else pa.array(sure), REASONS: reasons}
        places = np.cumsum(inside) - 1
        return {name: array.take(pa.array(places, mask=~inside)) for name, array in found.items()}


def why_fields() -> list[T.StructField]:
    """The columns as Spark knows them."""
    return [T.StructField(name, from_arrow_type(kind)) for name, kind in WHY.items()]
