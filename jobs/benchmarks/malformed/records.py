"""JSON lines that are none, and Parquet files that were cut, or whose columns have other types."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.benchmarks.malformed.trial import DATA, DONE, HEADER, SETTINGS, Drawing, Trial, ingesting

NAMES = HEADER.split(",")
LINES: tuple[str, ...] = (
    "{", "}", "[]", "[1, 2]", '"text"', "1", "null", "true", "{}", '{"customer": }', "{'customer': 'c1'}",
    '{"customer"}', '{"customer": "c1",}', '{"customer": NaN}', '{"customer": Infinity}', '{"customer": 1e999}',
    '{"pieces": 0x1}', '{"customer": {"id": 1}}', '{"customer": ["c1"]}', '{"customer": null}',
    '{"customer": "a", "customer": "b"}', '{"Customer": "c1"}', '{"": 1}', '{"customer": "\\ud800"}',
    '{"customer": "\\x41"}', '{"customer": "a\tb"}', "\t", '{"customer": "c1"} {"customer": "c2"}',
    '{"customer": "c1"', "// comment", "\0", "\ufeff{}", "NaN", "-", "[" * 3000, '{"a":' * 1500 + "1" + "}" * 1500,
    '{"pieces": ' + "9" * 2000 + "}", '{"a": "' + "x" * 200_000 + '"}',
)  # fmt: skip


def of_json(draw: Drawing) -> Trial:
    """JSON lines of which some are cut, of another shape, or no JSON at all."""
    lines = [json.dumps(dict(zip(NAMES, fields, strict=True))) for fields in draw.records()]
    kind = draw.one_of(["odd lines", "cut line", "retyped values", "over several lines", "only odd lines", "empty"])
    may_end = {DONE}
    if kind == "odd lines":
        for _ in range(draw.chance.randint(1, 5)):
            lines.insert(draw.chance.randint(0, len(lines)), draw.one_of(LINES))
    elif kind == "cut line":
        lines[-1] = lines[-1][: draw.chance.randrange(1, len(lines[-1]))]
    elif kind == "retyped values":
        odd = draw.one_of([1, 1.5, True, None, [], {}, [1], {"a": 1}, "", -0.0, 10**40])
        lines[0] = json.dumps({**json.loads(lines[0]), draw.one_of(NAMES): odd})
        may_end = {DONE, DATA}  # of another kind than the batches before, which is told
    elif kind == "over several lines":
        lines, may_end = [json.dumps([json.loads(line) for line in lines], indent=1)], {DATA}
    elif kind == "only odd lines":
        lines, may_end = [draw.one_of(LINES) for _ in range(3)], {DATA}
    else:
        lines, may_end = [], {DATA}
    text = "\n".join(lines) + "\n"
    rows = sum(1 for line in text.replace("\r", "\n").split("\n") if line.strip(" "))
    return ingesting(draw, "json", kind, draw.write("orders.json", text), may_end, rows=rows, format="json")


def _column(draw: Drawing, length: int) -> pa.Array:
    """Values of a type that no configuration expects."""
    makers: list[Callable[[int], Any]] = [
        lambda n: pa.array(range(n), pa.int32()),
        lambda n: pa.array([float("nan"), float("inf"), *[-0.0] * n][:n], pa.float64()),
        lambda n: pa.array([b"\xff\xfe"] * n, pa.binary()),
        lambda n: pa.array([None] * n, pa.string()),
        lambda n: pa.array([[1, 2]] * n, pa.list_(pa.int64())),
        lambda n: pa.array([{"a": 1}] * n, pa.struct([("a", pa.int64())])),
        lambda n: pa.array([True, None] * n, pa.bool_())[:n],
        lambda n: pa.array([0] * n, pa.timestamp("ns")),
        lambda n: pa.array([10**18] * n, pa.timestamp("us", tz="UTC")),
        lambda n: pa.array([-(10**17)] * n, pa.timestamp("us")),
        lambda n: pa.array([0] * n, pa.date32()),
        lambda n: pa.array([1] * n, pa.time64("us")),
        lambda n: pa.array([1] * n, pa.uint64()),
        lambda n: pa.array([10**37] * n, pa.decimal128(38, 0)),
        lambda n: pa.array(["x"] * n).dictionary_encode(),
    ]
    return draw.one_of(makers)(length)


def of_parquet(draw: Drawing) -> Trial:
    """Parquet files that were cut or changed in their bytes, or whose columns are other ones."""
    fields = draw.records()
    table = pa.table({name: [record[at] for record in fields] for at, name in enumerate(NAMES)})
    kind = draw.one_of(["cut", "flipped", "no bytes", "only a mark", "text", "retyped", "a column less", "no rows",
                        "odd names", "two shapes", "a column more"])  # fmt: skip
    if kind in ("cut", "flipped", "no bytes", "only a mark", "text"):
        path = draw.write("orders.parquet", _broken(draw, kind, _bytes(table)))
        return ingesting(draw, "parquet", kind, path, {DONE, DATA} if kind == "flipped" else {DATA}, format="parquet")
    name = draw.one_of(NAMES)
    at, rows, may_end = NAMES.index(name), len(fields), {DONE, SETTINGS, DATA}
    if kind in ("retyped", "two shapes"):
        changed = table.set_column(at, name, _column(draw, rows))
    elif kind == "a column less":
        changed, may_end = table.remove_column(at), {DONE if name == "line" else DATA}
    elif kind == "no rows":
        changed, rows, may_end = table.slice(0, 0), 0, {DONE, DATA}
    elif kind == "odd names":
        odd = draw.one_of(["", " ", "a.b", "`", "_raw", "Order", "x;y", "(", "ü"])
        changed = table.append_column(odd, _column(draw, rows))
    else:
        changed, may_end = table.append_column("more", _column(draw, rows)), {DONE, SETTINGS}
    path = draw.write("orders.parquet", _bytes(changed))
    if kind == "two shapes":
        draw.write("other.parquet", _bytes(table))
        path, rows = str(draw.folder / "*.parquet"), 2 * rows
    return ingesting(draw, "parquet", kind, path, may_end, rows=rows, format="parquet")


def _bytes(table: pa.Table) -> bytes:
    held = io.BytesIO()
    pq.write_table(table, held)
    return held.getvalue()


def _broken(draw: Drawing, kind: str, good: bytes) -> bytes:
    if kind == "cut":
        return good[: draw.chance.randrange(1, len(good) - 1)]
    if kind == "flipped":
        changed = bytearray(good)
        for _ in range(draw.chance.randint(1, 6)):
            changed[draw.chance.randrange(4, len(good) - 8)] ^= 1 << draw.chance.randrange(8)
        return bytes(changed)
    return {"no bytes": b"", "only a mark": b"PAR1", "text": b"customer,order\n1,2\n"}[kind]
