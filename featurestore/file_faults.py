"""What is wrong with a file as a whole: cut off while it was written or sent, broken, empty. Found before any row is
taken from it, by the task that reads it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from featurestore.file_systems import file_system

CHUNK_BYTES = 8 * 2**20
TAIL_BYTES = 64 * 2**10
ROWS_AT_A_TIME = 65_536
CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
"""Compressions that can be checked to the last byte; of others, a broken file stops the run when it is read."""
UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".inprogress", ".swp")
"""What programs call a file that they have not finished yet."""
LINES_OF_BYTES = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "cp1252"}
"""Encodings in which a line ends with the byte 10 and nothing else does."""


def fault(uri: str, *, format: str, options: Mapping[str, str | bool]) -> str | None:  # noqa: A002 - the settings' word
    """Why the file cannot be taken in, None for one that is whole as far as can be told.

    A file of Parquet is decoded, a compressed one unpacked, to its end. The last line of a text that does not end
    with a line break must be whole: a JSON value, or as many fields as the header of a CSV file has.
    """
    system, path = file_system(uri)
    try:
        if format == "parquet":
            _decode(system, path)
            return None
        first, last = _ends(system, path, CODECS.get(path[path.rfind(".") :].lower()))
    except (OSError, EOFError, pa.ArrowException) as error:
        return f"it cannot be read to its end: {str(error).splitlines()[0]}"
    if not first:
        return "it is empty: a header line was expected" if format == "csv" else None
    if last.endswith(b"\0") and _is_bytewise(options):
        return "its end is not written yet: it is NUL bytes"
    if last.endswith((b"\n", b"\r")) or not _is_bytewise(options):
        return None
    *lines, line = last.splitlines()
    if not lines and len(last) >= TAIL_BYTES:  # where the line begins is out of sight
        return None
    if format == "json" and not _is_json(line):
        return "its last line is cut off"
    if format == "csv" and _fields(line, options) < _fields(first.splitlines()[0], options):
        return "its last line is cut off: it has fewer fields than the header, and no line break"
    return None


def _decode(system: fs.FileSystem, path: str) -> None:
    with system.open_input_file(path) as file:
        # Spark writes a checksum with each page; of files without, a flipped bit inside a value is a value.
        for _ in pq.ParquetFile(file, page_checksum_verification=True).iter_batches(ROWS_AT_A_TIME):
            pass


def _ends(system: fs.FileSystem, path: str, codec: str | None) -> tuple[bytes, bytes]:
    """The beginning and the end of a file's text; to its end it is only read where it must be unpacked."""
    if codec is None:
        with system.open_input_file(path) as file:
            first = file.read(TAIL_BYTES)
            file.seek(max(0, file.size() - TAIL_BYTES))
            return first, file.read()
    # Unpacked here and not by Arrow's own choice, which goes by the suffix.
    with system.open_input_stream(path, compression=None) as packed, pa.CompressedInputStream(packed, codec) as stream:
        first = last = stream.read(TAIL_BYTES)
        while chunk := stream.read(CHUNK_BYTES):
            last = (last + chunk)[-TAIL_BYTES:]
        return first, last


def _is_bytewise(options: Mapping[str, str | bool]) -> bool:
    is_by_line = str(options.get("multiLine", "false")).lower() != "true"
    return is_by_line and str(options.get("encoding", "UTF-8")).lower() in LINES_OF_BYTES


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return not line.strip()
    return True


def _fields(line: bytes, options: Mapping[str, str | bool]) -> int:
    text = line.decode("latin1")
    sep, quote = str(options.get("sep", ",")), str(options.get("quote", '"'))
    if len(sep) != 1 or len(quote) != 1:
        return text.count(sep) + 1
    return len(next(csv.reader([text], delimiter=sep, quotechar=quote), []))
