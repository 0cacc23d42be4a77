"""Where rows of a database lie between being read and being taken in: a folder of Parquet files a read.

A database answers each question as it stands just then, and a batch is asked for its rows more than once: judged,
written, and after a kill again. So they land first, as they were read, and the batch is made of that.
"""

from __future__ import annotations

from collections.abc import Collection

from pyarrow import fs
from pyspark.sql import DataFrame

from featurestore.file_systems import file_system, remove_folder
from featurestore.tables import Warehouse

FOLDER = "landed"


def landed_path(warehouse: Warehouse, name: str) -> str:
    """The folder called `name`."""
    return f"{warehouse.root.rstrip('/')}/{FOLDER}/{name}"


def land(warehouse: Warehouse, rows: DataFrame, name: str) -> None:
    """Write `rows` there; half of them are of no use to anybody and go with `clear`."""
    rows.write.mode("overwrite").parquet(landed_path(warehouse, name))


def landed_files(warehouse: Warehouse, name: str) -> list[str]:
    """The files that have landed under `name`, none where the folder is gone."""
    system, path = file_system(landed_path(warehouse, name))
    if system.get_file_info(path).type != fs.FileType.Directory:
        return []
    return sorted(warehouse.spark.read.parquet(landed_path(warehouse, name)).inputFiles())


def clear(warehouse: Warehouse, *, prefix: str, but: Collection[str] = ()) -> None:
    """Remove what has landed under names that start with `prefix`, `but` these, and an empty folder with it."""
    folder = f"{warehouse.root.rstrip('/')}/{FOLDER}"
    system, path = file_system(folder)
    if system.get_file_info(path).type != fs.FileType.Directory:
        return
    there = {one.base_name for one in system.get_file_info(fs.FileSelector(path))}
    gone = {name for name in there if name.startswith(prefix) and name not in but}
    for name in sorted(gone):
        remove_folder(f"{folder}/{name}")
    if there == gone:
        remove_folder(folder)
