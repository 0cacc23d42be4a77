"""A few rows made on the driver as a frame whose size Spark knows, so that no shuffle is planned for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from featurestore.schemas import Column


def local_rows(spark: SparkSession, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> DataFrame:
    """`rows`, values in the order of `columns`, as a local relation; for records of runs, never of customers.

    Instants have a time zone. Frames made of Python tuples are scans of unknown size instead, which a MERGE shuffles.
    """
    ddl = ", ".join(f"`{column.name}` {column.type}" for column in columns)
    schema = to_arrow_schema(cast(StructType, StructType.fromDDL(ddl)))
    plain = [{c.name: _plain(value) for c, value in zip(columns, row, strict=True)} for row in rows]
    return spark.createDataFrame(pa.Table.from_pylist(plain, schema=schema))


def _plain(value: Any) -> Any:
    """Arrow takes a map as its pairs."""
    return list(value.items()) if isinstance(value, Mapping) else value
