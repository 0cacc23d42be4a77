"""How the files of a table lie: how many of them one key's rows may be in, and putting them in the order of the key.

Readers pass over a file whose smallest and largest key, kept in the table's log, do not enclose the one they look for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from featurestore.delta_logs import DeltaLog
from featurestore.snapshot_records import among
from featurestore.tables import Warehouse

MEGABYTE = 2**20
MOST_FILES = 2
ROWS_OF_A_FILE_IN_ORDER = "spark.databricks.io.skipping.mdc.sortWithinFiles"
FILE_BYTES = "spark.databricks.delta.optimize.maxFileSize"


@dataclass(frozen=True)
class Layout:
    """The files of a table, or of one of its dates: how many, how large, and the range of keys of each."""

    files: int
    bytes: int
    least: tuple[str, ...]
    greatest: tuple[str, ...]

    def files_of(self, key: str) -> int:
        """Files that a reader of one key opens.

        >>> Layout(2, 10, ("a", "c"), ("d", "e")).files_of("c")
        2
        """
        return sum(low <= key <= high for low, high in zip(self.least, self.greatest, strict=True))

    @property
    def most_files(self) -> int:
        """The most files that a reader of any one key opens; ranges lie deepest where one of them begins.

        >>> Layout(2, 10, ("a", "c"), ("b", "e")).most_files, Layout(2, 10, ("a", "b"), ("e", "e")).most_files
        (1, 2)
        """
        if not self.least:
            return 0
        begun = np.searchsorted(np.sort(self.least), self.least, side="right")
        ended = np.searchsorted(np.sort(self.greatest), self.least, side="left")
        return int(np.max(begun - ended))


def layout(warehouse: Warehouse, table: str, key: str, *, day: date | None = None) -> Layout:
    """How the files of a table lie by a text column, those of one date if given; from its log, without a Spark job."""
    added = pa.table(DeltaLog(warehouse.path(table)).get_add_actions(flatten=True))
    if day is not None:
        added = added.filter(pc.equal(added["partition.as_of_date"], pa.scalar(day)))
    if not added.num_rows:
        return Layout(0, 0, (), ())
    least, greatest = (tuple(added[f"{end}.{key}"].to_pylist()) for end in ("min", "max"))
    return Layout(added.num_rows, sum(added["size_bytes"].to_pylist()), least, greatest)


def keep_in_order(
    warehouse: Warehouse, table: str, key: str, *, file_mb: int, day: date | None = None
) -> Layout | None:
    """Rewrite the files in the order of `key`, if there are several and one key's rows may be in more than two.

    The rows stay what they are: the change feed shows nothing. Returns the new layout, None where nothing was done: a
    table that fits one file of `file_mb` is read as fast as it is. Raises the conflict of another writer.
    """
    found = layout(warehouse, table, key, day=day)
    if found.bytes <= file_mb * MEGABYTE or found.most_files <= MOST_FILES:
        return None
    with _settings(warehouse.spark, {FILE_BYTES: str(file_mb * MEGABYTE), ROWS_OF_A_FILE_IN_ORDER: "true"}):
        chosen = DeltaTable.forPath(warehouse.spark, warehouse.path(table)).optimize()
        (chosen if day is None else chosen.where(among([day]))).executeZOrderBy(key)
    warehouse.journal.note_written(table)
    return layout(warehouse, table, key, day=day)


@contextmanager
def _settings(spark: SparkSession, values: dict[str, str]) -> Iterator[None]:
    """Session settings that Delta's OPTIMIZE takes from nowhere else, taken back afterwards."""
    for name, value in values.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in values:
            spark.conf.unset(name)
