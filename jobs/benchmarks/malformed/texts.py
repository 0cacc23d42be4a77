"""Files of bytes that are no text, or not the text they claim to be; CSV files whose structure is broken."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from jobs.benchmarks.malformed.trial import DATA, DONE, HEADER, SETTINGS, Drawing, Trial, csv_rows, csv_text, ingesting

Bytes = Callable[[Drawing, bytes], bytes]


def _cut(draw: Drawing, good: bytes) -> bytes:
    return good[: draw.chance.randrange(len(good))]


def _flipped(draw: Drawing, good: bytes) -> bytes:
    changed = bytearray(good)
    for _ in range(draw.chance.randint(1, 12)):
        changed[draw.chance.randrange(len(HEADER) + 1, len(good))] = draw.chance.randrange(256)
    return bytes(changed)


def _inserted(draw: Drawing, good: bytes, piece: bytes) -> bytes:
    at = draw.chance.randrange(len(HEADER) + 1, len(good))
    return good[:at] + piece + good[at:]


BYTES: dict[str, tuple[Bytes, set[int]]] = {
    "random": (lambda draw, good: draw.chance.randbytes(draw.chance.randint(1, 2000)), {DATA}),
    "random after a header": (lambda draw, good: f"{HEADER}\n".encode() + draw.chance.randbytes(400), {DONE, DATA}),
    "cut": (_cut, {DONE, DATA}),
    "flipped": (_flipped, {DONE}),
    "NUL inside": (lambda draw, good: _inserted(draw, good, b"\0" * draw.chance.randint(1, 9)), {DONE}),
    "only NUL": (lambda draw, good: b"\0" * draw.chance.randint(1, 400), {DATA}),
    "byte order mark": (lambda draw, good: b"\xef\xbb\xbf" + good, {DONE}),
    "two byte order marks": (lambda draw, good: b"\xef\xbb\xbf" * 2 + good, {DONE, DATA}),
    "UTF-16 as UTF-8": (lambda draw, good: good.decode().encode("utf-16"), {DATA}),
    "Latin-1 as UTF-8": (lambda draw, good: _inserted(draw, good, "Größe".encode("latin-1")), {DONE}),
    "a broken character": (lambda draw, good: _inserted(draw, good, b"\xf0\x9f\x9b"), {DONE}),
    "an overlong character": (lambda draw, good: _inserted(draw, good, b"\xc0\xaf\xed\xa0\x80"), {DONE}),
    "carriage returns": (lambda draw, good: good.replace(b"\n", b"\r"), {DONE}),
    "separators of Unicode": (lambda draw, good: _inserted(draw, good, "\u2028\u0085\v\f".encode()), {DONE}),
    "an end of file inside": (lambda draw, good: _inserted(draw, good, b"\x1a"), {DONE}),
}


def of_bytes(draw: Drawing) -> Trial:
    """Bytes that were cut, flipped, mixed up or encoded otherwise."""
    kind = draw.one_of([*BYTES, "gzip cut", "gzip that is none", "text called gzip", "odd name"])
    good = csv_text(draw.records()).encode()
    if kind in BYTES:
        change, may_end = BYTES[kind]
        content = change(draw, good)
        # A file may be cut, or drawn, to one that has no header: then it holds nothing that could be counted.
        return ingesting(draw, "bytes", kind, draw.write("orders.csv", content), may_end, rows=csv_rows(content))
    packed = gzip.compress(good)
    if kind == "gzip cut":
        path = draw.write("orders.csv.gz", packed[: draw.chance.randrange(1, len(packed) - 1)])
        return ingesting(draw, "bytes", kind, path, {DATA})
    if kind == "gzip that is none":
        return ingesting(draw, "bytes", kind, draw.write("orders.csv.gz", draw.chance.randbytes(200)), {DATA})
    if kind == "text called gzip":
        return ingesting(draw, "bytes", kind, draw.write("orders.csv.gz", good), {DATA})
    name = draw.one_of(["o r d.csv", "a%20b.csv", "ünï🛒.csv", "a#b.csv", "a?b.csv", "a[1].csv", "a{b,c}.csv", "_x.csv",
                        ".x.csv", "x.csv.crc", "a'b\".csv", "a\\b.csv", "a:b.csv", "-", "x" * 200])  # fmt: skip
    # A folder, so that the name is found there and not read as a pattern.
    draw.write(name, good)
    return ingesting(draw, "bytes", f"name {name[:12]}", str(draw.folder / name), {DONE, SETTINGS, DATA})


def _ragged(draw: Drawing, records: list[list[str]]) -> str:
    for fields in draw.chance.sample(records, draw.chance.randint(1, len(records))):
        if draw.chance.random() < 0.5:
            del fields[draw.chance.randrange(len(fields)) :]
        else:
            fields.extend(["more"] * draw.chance.randint(1, 40))
    return csv_text(records)


def _quotes(draw: Drawing, records: list[list[str]]) -> str:
    for fields in draw.chance.sample(records, draw.chance.randint(1, len(records))):
        at = draw.chance.randrange(len(fields))
        pattern = draw.one_of(['"{}', '{}"', '""{}', '"{}""', 'a"{}"b', '"{}"x', '"', '"""', '\\"{}', '"{}\\"', "'{}"])
        fields[at] = pattern.format(fields[at])
    return csv_text(records)


def _mixed(draw: Drawing, records: list[list[str]]) -> str:
    lines = csv_text(records).splitlines()
    at = draw.chance.randrange(1, len(lines))
    lines[at] = lines[at].replace(",", draw.one_of([";", "\t", "|", ", ", ",,", "\u201a", "\x1f"]))
    return "\n".join(lines)


def _header(draw: Drawing, records: list[list[str]]) -> str:
    names = HEADER.split(",")
    at = draw.chance.randrange(len(names))
    names[at] = draw.one_of(["", " ", names[at].upper(), names[at - 1], f" {names[at]} ", "`x`", "a.b", '"a""b"', "\0",
                             "_raw", "_malformed", "_corrupt_record", "x" * 5000, "🛒", "*"])  # fmt: skip
    return csv_text(records, header=",".join(names))


STRUCTURES: dict[str, tuple[Callable[[Drawing, list[list[str]]], str], set[int]]] = {
    "ragged": (_ragged, {DONE}),
    "quotes": (_quotes, {DONE}),
    "another separator": (lambda draw, rows: csv_text(rows, separator=draw.one_of(";|\t~:")), {DATA}),
    "mixed separators": (_mixed, {DONE, DATA}),
    "no header": (lambda draw, rows: csv_text(rows).split("\n", 1)[1], {DATA}),
    "one name changed": (_header, {DONE, DATA}),
    "a column twice": (lambda draw, rows: csv_text([[*r, r[0]] for r in rows], header=f"{HEADER},customer"), {DATA}),
    "a strange column": (
        lambda draw, rows: csv_text([[*r, "x"] for r in rows], header=f"{HEADER},{draw.one_of(['Order', '', '_raw'])}"),
        {DONE, DATA},
    ),
    "the header again": (lambda draw, rows: csv_text([*rows, HEADER.split(",")]), {DONE}),
    "only a header": (lambda draw, rows: f"{HEADER}\n", {DONE}),
    "only a header, no line end": (lambda draw, rows: HEADER, {DONE}),
    "empty": (lambda draw, rows: "", {DATA}),
    "only blank lines": (lambda draw, rows: " \n\n\t\n", {DATA}),
    "blank lines between": (lambda draw, rows: csv_text(rows).replace("\n", "\n\n \n"), {DONE}),
    "only separators": (lambda draw, rows: f"{HEADER}\n" + ",,,,,,\n" * 3, {DONE}),
    "every line twice": (lambda draw, rows: csv_text([*rows, *rows]), {DONE}),
    "a very long field": (lambda draw, rows: csv_text([[*rows[0][:3], "x" * 300_000, *rows[0][4:]]]), {DONE}),
    "a name three times": (lambda draw, rows: csv_text(rows, header=HEADER + ",x" * 3), {DATA}),
    "a line of many fields": (lambda draw, rows: csv_text([*rows, ["9"] * 25_000]), {DONE, DATA}),
}


def of_csv(draw: Drawing) -> Trial:
    """CSV whose rows, quotes, separators or header are not what its header, or its configuration, promises."""
    kind = draw.one_of(list(STRUCTURES))
    make, may_end = STRUCTURES[kind]
    text = make(draw, draw.records())
    rows: int | None = csv_rows(text)
    changes: dict[str, object] = {}
    if draw.chance.random() < 0.2:
        changes, rows, may_end = {"options": {"multiLine": True}}, None, {DONE, DATA}
    return ingesting(draw, "csv", kind, draw.write("orders.csv", text), may_end, rows=rows, **changes)
