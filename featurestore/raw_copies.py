"""Files beside the tables that name customers: raw copies lose the records that do, documents the words.

A record is a line of text, packed or not, or a row of Parquet. Each file is written beside itself and renamed, so that
it is whole at any moment; one that names nobody is not touched.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from featurestore.named_records import naming

LINES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson")
UNFINISHED = ".unfinished"
ERASED = "(erased)"


def without_records(file: Path, ids: Collection[str]) -> int:
    """Take the records that name one of `ids` out of a raw copy; how many, 0 for a file of another kind."""
    name = file.name.lower()
    if name.endswith(".parquet"):
        return _without_rows(file, ids)
    if name.removesuffix(".gz").endswith(LINES):
        return _without_lines(file, naming(ids), packed=name.endswith(".gz"))
    return 0


def _without_lines(file: Path, names: Callable[[str], bool], *, packed: bool) -> int:
    gone = 0
    with _replacing(file) as unfinished:
        with _opened(file, "rb", packed=packed) as old, _opened(unfinished, "wb", packed=packed) as new:
            for line in old:
                if names(line.decode("utf-8", errors="replace")):
                    gone += 1
                else:
                    new.write(line)
        if not gone:
            unfinished.unlink()
    return gone


def _without_rows(file: Path, ids: Collection[str]) -> int:
    gone, known = 0, frozenset(ids)
    with _replacing(file) as unfinished:
        with pq.ParquetFile(file) as old, pq.ParquetWriter(unfinished, old.schema_arrow) as new:
            for batch in old.iter_batches():
                kept = [known.isdisjoint(_texts_of(row)) for row in batch.to_pylist()]
                gone += kept.count(False)
                new.write_batch(batch.filter(pa.array(kept, pa.bool_())))
        if not gone:
            unfinished.unlink()
    return gone


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts_of(inner)
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield str(value)


def without_words(file: Path, words: re.Pattern[bytes]) -> int:
    """Put `ERASED` in the place of ids in the texts of a JSON document, keys and numbers left alone; how many texts."""
    changed = 0

    def cleaned(value: Any) -> Any:
        nonlocal changed
        if isinstance(value, dict):
            return {key: cleaned(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [cleaned(inner) for inner in value]
        if not isinstance(value, str):
            return value
        told = said_without(value, words)
        changed += told != value
        return told

    try:
        document = cleaned(json.loads(file.read_text(encoding="utf-8")))
    except ValueError:  # no document
        return 0
    if changed:
        with _replacing(file) as unfinished:
            unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return changed


def said_without(text: str, words: re.Pattern[bytes]) -> str:
    """A text with `ERASED` in the place of the ids that `words` finds."""
    return words.sub(ERASED.encode(), text.encode()).decode()


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """A file beside `file` to write to, which takes its place, mode and all, if it is there in the end."""
    unfinished = file.with_name(file.name + UNFINISHED)
    try:
        yield unfinished
        if unfinished.exists():
            unfinished.chmod(file.stat().st_mode)
            unfinished.replace(file)
            file.with_name(f".{file.name}.crc").unlink(missing_ok=True)  # Hadoop's checksum of the file before
    finally:
        unfinished.unlink(missing_ok=True)


def _opened(file: Path, mode: str, *, packed: bool) -> IO[bytes]:
    return gzip.open(file, mode) if packed else file.open(mode)  # type: ignore[return-value]
