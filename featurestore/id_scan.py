"""Every file of a warehouse searched for ids: its bytes, and of Parquet all values, read without Delta or Spark SQL.

An id counts where it stands as a word: with no letter, digit or decimals right before or after it.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from featurestore.named_records import naming

CHUNK_BYTES = 8 * 2**20
BATCH_ROWS = 65_536
BYTES = ""
"""In the place of a column: the bytes of the file."""
FOUND = "path string, column string, equal bigint, words bigint, bytes bigint, values bigint, sha256 string"


@dataclass(frozen=True)
class Found:
    """A place where ids stand: a column of a Parquet file, or its bytes (column "").

    `equal` counts values that are an id (of records: that name one), `words` values, or places in bytes, that hold one.
    """

    path: str
    column: str
    equal: int
    words: int


@dataclass(frozen=True)
class Scan:
    """What was searched, and what was found: files, bytes, text values in Parquet; the SHA-256 of each file."""

    files: int
    bytes: int
    values: int
    hashes: dict[str, str]
    found: tuple[Found, ...]


def files_below(root: str, *, leave_out: Collection[str] = ()) -> list[str]:
    """All files below a folder, as paths relative to it; `leave_out` names files and folders directly in it."""
    top = Path(root)
    found = (file for file in top.rglob("*") if file.is_file())
    return sorted(str(name) for file in found if (name := file.relative_to(top)).parts[0] not in leave_out)


def scan(
    spark: SparkSession, root: str, names: Sequence[str], ids: Collection[str], *, numbers: Collection[str] = (),
    records: Collection[str] = (),
) -> Scan:  # fmt: skip
    """Search the files `names` below `root` for `ids`, a task a file at a time, of which it holds one batch of rows.

    `numbers` are columns whose whole numbers may be ids, too; `records` those whose texts are records of a file, that
    name an id by one of their parts.
    """
    looked_for, as_text, as_records = tuple(sorted(ids)), frozenset(numbers), frozenset(records)

    def search(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        words = pattern(looked_for)
        for batch in batches:
            for name in batch.column("path").to_pylist():
                yield pa.RecordBatch.from_pylist(
                    list(_searched(root, name, looked_for, words, as_text, as_records)), schema=_SCHEMA
                )

    files = spark.createDataFrame([(name,) for name in names], "path string")
    tasks = max(1, min(len(names), spark.sparkContext.defaultParallelism * 4))
    # A row a file, and one for each place where something is found.
    rows = [row.asDict() for row in files.repartition(tasks).mapInArrow(search, FOUND).collect()]
    whole = [row for row in rows if row["sha256"] is not None]
    found = [
        Found(row["path"], row["column"], row["equal"], row["words"]) for row in rows if row["equal"] + row["words"]
    ]
    return Scan(len(whole), sum(row["bytes"] for row in whole), sum(row["values"] for row in whole),
                {row["path"]: row["sha256"] for row in whole},
                tuple(sorted(found, key=lambda one: (one.path, one.column))))  # fmt: skip


_SCHEMA = pa.schema([(name, pa.int64() if kind == "bigint" else pa.string())
                     for name, kind in (part.split() for part in FOUND.split(", "))])  # fmt: skip


def pattern(ids: Iterable[str]) -> re.Pattern[bytes]:
    r"""Finds any of `ids` as a word in UTF-8.

    >>> words = pattern(["c-1", "13085"])
    >>> [bool(words.search(text)) for text in (b"id=13085,", b"130851", b"0.13085", b"13085.5", b"xc-1", b" c-1.")]
    [True, False, False, False, False, True]
    """
    longest_first = sorted({one.encode() for one in ids}, key=lambda one: (-len(one), one))
    either = b"|".join(map(re.escape, longest_first)) or b"(?!)"
    return re.compile(rb"(?<![0-9A-Za-z_])(?<![0-9]\.)(?:" + either + rb")(?![0-9A-Za-z_])(?!\.[0-9])")


def _searched(
    root: str, name: str, ids: Sequence[str], words: re.Pattern[bytes], numbers: Collection[str],
    records: Collection[str],
) -> Iterator[dict[str, object]]:  # fmt: skip
    file = Path(root) / name
    digest, size, hits = sha256(), 0, 0
    longest = max((len(one.encode()) for one in ids), default=0)
    with file.open("rb") as stream:
        for chunk, new in _overlapping(stream, longest + 2):
            digest.update(new)
            size += len(new)
            hits += len(words.findall(chunk))
    if name.endswith(".gz"):
        with gzip.open(file, "rb") as stream:
            hits += sum(len(words.findall(chunk)) for chunk, _ in _overlapping(stream, longest + 2))
    values = 0
    if name.endswith(".parquet"):
        places, values = _values(file, ids, words, numbers, records)
        for column, (equal, held) in places.items():
            yield {"path": name, "column": column, "equal": equal, "words": held}
    yield {"path": name, "column": BYTES, "equal": 0, "words": hits, "bytes": size, "values": values,
           "sha256": digest.hexdigest()}  # fmt: skip


def _overlapping(stream: IO[bytes] | gzip.GzipFile, overlap: int) -> Iterator[tuple[bytes, bytes]]:
    """Chunks with the end of the chunk before, in which an id may begin; and what of each is new."""
    before = b""
    while new := stream.read(CHUNK_BYTES):
        yield before + new, new
        before = new[-overlap:]


def _values(
    file: Path, ids: Sequence[str], words: re.Pattern[bytes], numbers: Collection[str], records: Collection[str]
) -> tuple[dict[str, tuple[int, int]], int]:
    """By column, how many of its values are an id, and how many hold one; and how many texts were looked at."""
    equal: Counter[str] = Counter()
    held: Counter[str] = Counter()
    looked_at = 0
    known, names = pa.array(ids, pa.string()), naming(ids)
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
            for column, texts in _texts(batch, numbers):
                looked_at += len(texts)
                for text, many in _counts(texts):
                    named = column in records and names(text)
                    equal[column] += many * named
                    held[column] += many * (named or words.search(text.encode()) is not None)
                equal[column] += pc.sum(pc.is_in(texts, value_set=known)).as_py() or 0
    return {column: (equal[column], held[column]) for column in held if held[column]}, looked_at


def _counts(texts: pa.Array) -> Iterator[tuple[str, int]]:
    """Each text once, and how often it is there."""
    for one in pc.value_counts(texts.drop_null()).to_pylist():
        yield one["values"], one["counts"]


def _texts(batch: pa.RecordBatch, numbers: Collection[str]) -> Iterator[tuple[str, pa.Array]]:
    """The text arrays of a batch, those inside of others too, by the name of the column."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        is_number = name in numbers and pa.types.is_integer(column.type)
        yield from ((name, leaf) for leaf in _leaves(column.cast(pa.string()) if is_number else column))


def _leaves(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from _leaves(column.cast(kind.value_type))
    elif pa.types.is_struct(kind):
        for inner in column.flatten():
            yield from _leaves(inner)
    elif pa.types.is_map(kind):
        yield from _leaves(column.keys)
        yield from _leaves(column.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(column.flatten())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield column.cast(pa.string())
