"""Arrow columns as a float32 matrix, whatever numbers they hold."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from models.errors import CannotTrain
from models.matrix import feature_matrix

COLUMNS = {
    "money": pa.array([Decimal("12345678901234.56"), None, Decimal("-0.10")], pa.decimal128(18, 2)),
    "count": pa.array([2**53 + 1, 0, None], pa.int64()),
    "flag": pa.array([True, None, False]),
    "ratio": pa.array([0.1, None, float("nan")], pa.float64()),
}
EXPECTED = np.array(
    [[12345678901234.56, 2**53, 1, 0.1], [np.nan, 0, np.nan, np.nan], [-0.1, np.nan, 0, np.nan]],
    dtype=np.float32,
)


@pytest.mark.parametrize("rows", [pa.table(COLUMNS), pa.RecordBatch.from_pydict(COLUMNS)], ids=["table", "batch"])
def test_values_and_order(rows: pa.Table | pa.RecordBatch) -> None:
    found = feature_matrix(rows, tuple(COLUMNS))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, EXPECTED)
    np.testing.assert_array_equal(feature_matrix(rows, ["flag", "money"]), EXPECTED[:, [2, 0]])


def test_no_rows_and_sliced_rows() -> None:
    table = pa.table(COLUMNS)
    assert feature_matrix(table.slice(0, 0), ["money", "flag"]).shape == (0, 2)
    np.testing.assert_array_equal(feature_matrix(table.slice(1), tuple(COLUMNS)), EXPECTED[1:])


def test_text_is_refused_by_name() -> None:
    with pytest.raises(CannotTrain, match="'country'"):
        feature_matrix(pa.table({"country": ["FR"]}), ["country"])
