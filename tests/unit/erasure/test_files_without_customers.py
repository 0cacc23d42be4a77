"""Raw copies lose the records that name a customer, documents the words; what names nobody stays to the byte."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from featurestore.erasure_plan import ErasurePlan
from featurestore.errors import DataContractError
from featurestore.id_scan import Found, Scan, _searched, pattern
from featurestore.raw_copies import without_records, without_words
from jobs.erasure_files import Searched

IDS = {"cust-2", "13085"}
LINES = ["customer,sku", "cust-2,a", "cust-20,b", '"13085",c', "130851,13085x", "cust-1,0.13085"]
KEPT = [LINES[0], LINES[2], LINES[4], LINES[5]]


@pytest.mark.parametrize(("name", "opened"), [("a.csv", open), ("a.jsonl.gz", gzip.open), ("a.TXT", open)])
def test_lines_go_by_whole_fields(tmp_path, name, opened):
    file = tmp_path / name
    with opened(file, "wt") as out:
        out.write("\n".join(LINES) + "\n")
    file.chmod(0o640)
    assert without_records(file, IDS) == 2
    with opened(file, "rt") as told:
        assert told.read().splitlines() == KEPT
    assert file.stat().st_mode & 0o777 == 0o640 and [one.name for one in tmp_path.iterdir()] == [name]
    before = file.stat().st_mtime_ns
    assert without_records(file, IDS) == 0 and file.stat().st_mtime_ns == before


def test_rows_of_parquet_go_wherever_the_id_stands_in_them(tmp_path):
    file = tmp_path / "a.parquet"
    friends = [{"who": who, "n": 2, "more": [{"friend": friend}]} for who, friend in [("x", "cust-2"), ("y", "z")]]
    rows = [{"who": "cust-1", "n": 13085, "more": []}, {"who": "cust-2", "n": 1, "more": []}, *friends]
    pq.write_table(pa.Table.from_pylist(rows), file)
    assert without_records(file, IDS) == 3
    assert pq.read_table(file).to_pylist() == rows[3:]


def test_documents_keep_their_numbers_and_their_shape(tmp_path):
    file = tmp_path / "guard.json"
    file.write_text(json.dumps({"n": 13085, "found": ["13085 2024-01-01: stored 1", {"who": "cust-20"}]}))
    assert without_words(file, pattern(IDS)) == 1
    assert json.loads(file.read_text()) == {"n": 13085, "found": ["(erased) 2024-01-01: stored 1", {"who": "cust-20"}]}
    assert without_words(file, pattern(IDS)) == 0


def test_a_search_finds_ids_across_chunks_in_packed_files_and_inside_of_values(tmp_path, monkeypatch):
    monkeypatch.setattr("featurestore.id_scan.CHUNK_BYTES", 7)
    (tmp_path / "a.log").write_bytes(b"x" * 5 + b" cust-2 and cust-20, id 13085.")
    with gzip.open(tmp_path / "b.csv.gz", "wb") as out:
        out.write(b"a,b\ncust-2,1\n")
    table = {
        "who": ["cust-1", "cust-2"],
        "n": [13085, 2],
        "map": [[("k", "of cust-2")], []],
        "no": ["cust-20", "0.13085"],
    }
    pq.write_table(
        pa.table({**table, "map": pa.array(table["map"], pa.map_(pa.string(), pa.string()))}), tmp_path / "c.parquet"
    )

    def found(name, numbers=()):
        told = list(_searched(str(tmp_path), name, sorted(IDS), pattern(IDS), numbers, ()))
        return {one["column"]: (one["equal"], one["words"]) for one in told if one["equal"] or one["words"]}

    assert found("a.log") == {"": (0, 2)}
    assert found("b.csv.gz") == {"": (0, 1)}
    in_values = {name: counts for name, counts in found("c.parquet", ("n",)).items() if name}
    assert in_values == {"who": (1, 1), "n": (1, 1), "map": (0, 1)}


def test_a_record_names_by_its_parts_and_a_word_inside_of_a_longer_text_stands_elsewhere(tmp_path):
    named, worded = '{"who":"13085.0"}', '{"what":"SET 10 CARDS 13085"}'
    for table, texts in (("quarantine_orders", [worded]), ("quarantine_support", [worded, named])):
        (tmp_path / table).mkdir()
        pq.write_table(pa.table({"raw": texts}), tmp_path / table / "a.parquet")
    seen = [
        Found(name, one["column"], one["equal"], one["words"])
        for name in ("quarantine_orders/a.parquet", "quarantine_support/a.parquet")
        for one in _searched(str(tmp_path), name, sorted(IDS), pattern(IDS), (), {"raw"})
        if one["column"]
    ]
    assert [(one.equal, one.words) for one in seen] == [(0, 1), (1, 2)]
    whole = {one.path.split("/")[0]: frozenset({one.path}) for one in seen}
    plan = ErasurePlan("e", datetime(2026, 1, 1, tzinfo=UTC), 1, tuple(sorted(IDS)), {})
    Searched(Scan(1, 1, 1, {}, (seen[0],)), whole, {}).refuse_left(plan)
    assert Searched(Scan(1, 1, 1, {}, tuple(seen)), whole, {}).elsewhere() == [seen[0]]
    with pytest.raises(DataContractError, match="1 places still name"):
        Searched(Scan(1, 1, 1, {}, tuple(seen)), whole, {}).refuse_left(plan)
