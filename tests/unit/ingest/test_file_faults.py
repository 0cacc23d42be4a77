"""Files that are whole and files that are not, as they are found in folders that others fill."""

from __future__ import annotations

import bz2
import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from featurestore.file_faults import TAIL_BYTES, fault

LINES = b"a,b,c\n" + b"".join(b"%d,x,y\n" % number for number in range(20_000))
PACKED = gzip.compress(LINES)
JSON = b'{"a": 1}\n' * 1000


def parquet():
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": list(range(50_000)), "b": [f"{n * 7919}" for n in range(50_000)]}), sink,
                   write_page_checksum=True)  # fmt: skip
    return sink.getvalue().to_pybytes()


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


PARQUET = parquet()
WHOLE = {
    "csv": ("x.csv", LINES), "csv without a last line break": ("x.csv", LINES[:-1]), "header only": ("x.csv", b"a,b,c"),
    "NUL in a field": ("x.csv", LINES.replace(b",", b"\0,", 1)),
    "quoted break": ("x.csv", b'a,b\n1,"x, y"'), "gzip": ("x.csv.gz", PACKED), "two gzips": ("x.csv.gz", PACKED * 2),
    "bzip2": ("x.csv.bz2", bz2.compress(LINES)), "json": ("x.json", JSON), "json without break": ("x.json", JSON[:-1]),
    "no line of json": ("x.json", b""), "parquet": ("x.parquet", PARQUET),
    "long line of json": ("x.json", b'{"a": "' + b"x" * 2 * TAIL_BYTES + b'"}'),
    "line longer than the tail": ("x.csv", b"a,b\n1," + b"x" * 2 * TAIL_BYTES),
}  # fmt: skip
BROKEN = {
    "empty csv": ("x.csv", b"", "empty"), "cut line": ("x.csv", LINES[:-4], "cut off"),
    "cut json": ("x.json", JSON[:-4], "cut off"), "unwritten": ("x.csv", LINES + b"\0" * 4096, "NUL"),
    "cut gzip": ("x.csv.gz", PACKED[:-9], "to its end"), "cut header of gzip": ("x.csv.gz", PACKED[:5], "to its end"),
    "flipped gzip": ("x.csv.gz", flipped(PACKED, len(PACKED) // 2), "to its end"),
    "no gzip": ("x.csv.gz", LINES, "to its end"), "empty gzip": ("x.csv.gz", b"", ""),
    "cut bzip2": ("x.csv.bz2", bz2.compress(LINES)[:-9], "to its end"),
    "cut parquet": ("x.parquet", PARQUET[: len(PARQUET) // 2], "to its end"),
    "flipped page": ("x.parquet", flipped(PARQUET, 1000), "to its end"),
    "empty parquet": ("x.parquet", b"", "to its end"), "no parquet": ("x.parquet", LINES, "to its end"),
}  # fmt: skip


def found(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_bytes(content)
    kind = name.split(".")[1]
    return fault(path.as_uri(), format=kind, options=options)


@pytest.mark.parametrize(("name", "content"), WHOLE.values(), ids=WHOLE)
def test_a_whole_file_is_taken(tmp_path, name, content):
    assert found(tmp_path, name, content) is None


@pytest.mark.parametrize(("name", "content", "said"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_not_whole_is_found_out(tmp_path, name, content, said):
    why = found(tmp_path, name, content)
    assert why is not None and said in why


def test_what_cannot_be_told_by_bytes_is_left_to_the_reader(tmp_path):
    assert found(tmp_path, "x.csv", "a,b\n1,é".encode("utf-16"), encoding="UTF-16") is None
    assert found(tmp_path, "x.csv", b'a,b\n1,"x\n', multiLine=True) is None
    assert found(tmp_path, "x.csv", b"a||b\n1", sep="||") is not None
