"""Which batch an input is: a hash of the source, the names of its files and their bytes."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyspark.sql import SparkSession

from featurestore.file_systems import file_system
from featurestore.source_config import SourceConfig

CHUNK_BYTES = 8 * 2**20
HOW_NOT_WHAT = {"user", "password", "overlap", "partition_by", "partitions", "fetch_rows"}
"""How a table is read and by whom; which rows it has is the same without."""


def batch_id(spark: SparkSession, described: str, files: Sequence[str]) -> str:
    """SHA-256 over what describes the source and each file's name and bytes; the folder does not matter.

    The configuration is a part of the description (see `described`): the same file under a corrected mapping is
    another batch, in which rows accepted before are duplicates and rows set aside before may be accepted.
    """
    return content_id(described, file_hashes(spark, files))


def content_id(described: str, hashes: Mapping[str, str]) -> str:
    """The same of files whose hashes are known, by URI."""
    digest = hashlib.sha256(f"{described}\n".encode())
    files = sorted(hashes)
    for file, name in sorted(zip(files, relative_names(files), strict=True), key=lambda pair: pair[1]):
        digest.update(f"{name}\n{hashes[file]}\n".encode())
    return digest.hexdigest()


def described(config: SourceConfig) -> str:
    """A configured source as text: all that decides what its rows become.

    What is not given is left out where an older version did not have it, so that its batches are known again.
    """
    unsaid = {name for name in ("jdbc", "only") if getattr(config, name) is None}
    left_out: dict[str, bool | set[str]] = dict.fromkeys({*unsaid, "new_columns", "settled_for"}, True)
    if config.jdbc is not None:
        left_out["jdbc"] = HOW_NOT_WHAT
    return f"{config.source}\n{config.model_dump_json(exclude=left_out)}"


def input_key(described: str) -> str:
    """What an input's columns and position are remembered by, as long as it is read in the same way."""
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def relative_names(files: Sequence[str]) -> list[str]:
    """The files' names below the folder that they share.

    >>> relative_names(["file:///a/b/x.csv", "file:///a/b/c/y.csv"])
    ['x.csv', 'c/y.csv']
    """
    paths = [unquote(urlsplit(file).path) for file in files]
    shared = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    return [posixpath.relpath(path, shared) for path in paths]


def file_hashes(spark: SparkSession, files: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of every file, by URI, read where the tasks run: one task a file, in chunks."""
    if not files:
        return {}
    listed = spark.createDataFrame([(file,) for file in files], "file string")
    hashed = listed.repartition(len(files), "file").mapInArrow(_hashed, "file string, sha256 string")
    return {row["file"]: row["sha256"] for row in hashed.collect()}  # a row a file


def _hashed(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    for batch in batches:
        files = batch.column("file").to_pylist()
        yield pa.RecordBatch.from_pydict({"file": files, "sha256": [file_hash(file) for file in files]})


def file_hash(uri: str) -> str:
    """SHA-256 (hex) of the bytes of the file that `uri` names."""
    system, path = file_system(uri)
    digest = hashlib.sha256()
    # Without compression=None, Arrow unpacks by the file's suffix.
    with system.open_input_stream(path, compression=None) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
