"""Which batch an input is: a hash of the source, the names of its files and their bytes."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs
from pyspark.sql import DataFrame, SparkSession

from featurestore.source_config import SourceConfig

CHUNK_BYTES = 8 * 2**20
ARROW_SCHEMES = {"s3a": "s3", "s3n": "s3"}


def batch_id(spark: SparkSession, described: str, files: Sequence[str]) -> str:
    """SHA-256 over what describes the source and each file's name and bytes; the folder does not matter.

    The configuration is a part of the description (see `described`): the same file under a corrected mapping is
    another batch, in which rows accepted before are duplicates and rows set aside before may be accepted.
    """
    digest = hashlib.sha256(f"{described}\n".encode())
    hashes = {row["file"]: row["sha256"] for row in _file_hashes(spark, files).collect()}  # one row a file
    for file, name in sorted(zip(files, relative_names(files), strict=True), key=lambda pair: pair[1]):
        digest.update(f"{name}\n{hashes[file]}\n".encode())
    return digest.hexdigest()


def described(config: SourceConfig) -> str:
    """A configured source as text."""
    return f"{config.source}\n{config.model_dump_json()}"


def relative_names(files: Sequence[str]) -> list[str]:
    """The files' names below the folder that they share.

    >>> relative_names(["file:///a/b/x.csv", "file:///a/b/c/y.csv"])
    ['x.csv', 'c/y.csv']
    """
    paths = [unquote(urlsplit(file).path) for file in files]
    shared = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    return [posixpath.relpath(path, shared) for path in paths]


def _file_hashes(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    """The SHA-256 of every file, read where the tasks run: one task a file, in chunks."""
    listed = spark.createDataFrame([(file,) for file in files], "file string")
    return listed.repartition(len(files), "file").mapInArrow(_hashed, "file string, sha256 string")


def _hashed(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    for batch in batches:
        files = batch.column("file").to_pylist()
        yield pa.RecordBatch.from_pydict({"file": files, "sha256": [file_hash(file) for file in files]})


def file_hash(uri: str) -> str:
    """SHA-256 (hex) of the bytes of the file that `uri` names."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        system, path = fs.LocalFileSystem(), unquote(parts.path)
    else:
        system, path = fs.FileSystem.from_uri(
            uri.replace(parts.scheme, ARROW_SCHEMES.get(parts.scheme, parts.scheme), 1)
        )
    digest = hashlib.sha256()
    # Without compression=None, Arrow unpacks by the file's suffix.
    with system.open_input_stream(path, compression=None) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
