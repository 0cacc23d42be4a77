"""A customer who was erased is in no file any more, comes back by no batch, and nobody else has changed by a digit."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stdout
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from featurestore import erasure, erasure_records, ingest_runs, kept_cut_points, suppression
from featurestore.alias_ingest import ingest_aliases
from featurestore.erasure_key import ErasureKey
from featurestore.errors import ConfigurationError, DataContractError
from featurestore.ingest import ingest
from featurestore.ingest_runs import reports
from featurestore.labels import PURCHASE_30D
from featurestore.record_tables import add_records
from featurestore.replay import replay
from featurestore.snapshot_records import complete_dates
from featurestore.tables import Transaction, Warehouse
from featurestore.training_set import Request, build_training_set
from featurestore.training_set_records import recorded
from featurestore.user_tables import create, declare, write
from featurestore.views import FeatureSet
from jobs import erase, erasure_files
from jobs.main import main
from jobs.run import JOB_RUNS
from models.splits import plan_splits
from models.training_rows import split_column
from tests.small_orders import LIMITS, SMALL_VIEW, build
from tests.spark.ingest.conftest import HEADER, NOW, line, shop
from tests.spark.score_rows import score, write_scores

SECRET = "a secret of at least thirty-two signs"
KEY = ErasureKey(SECRET.encode())
GONE = ("cust-02", "merged-02")
"""One person: the second is an alias of the first."""
DAYS = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
PLAN = plan_splits(date(2024, 4, 1), horizon_days=30, source_start=date(2023, 1, 1), step_days=60)
LINES = [
    line(
        customer,
        order=f"{n}-{k}",
        sku="ab"[k % 2],
        pieces=str(n + 1),
        price="3.00",
        at=f"2023-{m:02}-{k + 1:02} 10:00:00",
    )
    for n, customer in enumerate(["cust-01", "cust-02", "merged-02", "cust-03", "cust-04", "cust-05", "cust-06"])
    for k in range(n % 3 + 2)
    for m in (2 + n, 11)
]
LINES.append(line("cust-01", order="last", at="2024-05-01 00:00:00"))
BAD = [line("cust-02", pieces="many"), line("cust-03", pieces="few")]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TESSERA_ERASURE_KEY", SECRET)


@pytest.fixture(scope="module")
def whole(spark, tmp_path_factory) -> Path:
    """A warehouse with everything in it that may name a customer."""
    root = tmp_path_factory.mktemp("erasure") / "lakehouse"
    warehouse = Warehouse(spark, str(root))
    raw = root / "raw" / "orders.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text("\n".join([HEADER, *LINES, *BAD]) + "\n")
    ingest(warehouse, shop(), str(raw), ingested_at=NOW)
    aliases = root / "raw" / "aliases.csv"
    aliases.write_text("alias_id,customer_id\nmerged-02,cust-02\n")
    ingest_aliases(warehouse, str(aliases), ingested_at=NOW, run_id="r")
    build(warehouse, [*DAYS, *PLAN.as_ofs])
    build_training_set(warehouse, request(), limits=LIMITS, run_id="r", built_at=NOW)
    write_scores(warehouse, DAYS[0], [score(name) for name in ("cust-01", "cust-02")])
    write_scores(warehouse, DAYS[1], [score(name, spend=9.0) for name in ("cust-01", "cust-02")])
    own = spark.createDataFrame([("cust-01", NOW, 1, None), ("cust-02", NOW, 2, None), ("cust-03", NOW, 3, "cust-02")],
                                "customer_id string, at timestamp, points int, friend string")  # fmt: skip
    table = declare("points", primary_keys=["customer_id"], timestamp_key="at", schema=own.schema)
    create(warehouse, table)
    write(warehouse, table, own, mode="merge")
    told = (
        "r",
        1,
        "score",
        '{"customers": "select \'cust-02\' customer_id"}',
        "f",
        {},
        {},
        "{}",
        1.0,
        "done",
        None,
        NOW,
    )
    add_records(warehouse, JOB_RUNS, [told], transaction=Transaction("job_runs:r"))
    (root / "mlruns").mkdir()
    (root / "mlruns" / "guard.json").write_text(json.dumps({"findings": ["cust-02 2024-01-01: stored 1, rebuilt 2"]}))
    return root


@pytest.fixture
def copied(spark, whole, tmp_path) -> Warehouse:
    """That warehouse, for one test to change."""
    root = tmp_path / "lakehouse"
    shutil.copytree(whole, root)
    return Warehouse(spark, str(root))


@pytest.fixture(scope="module")
def swept(spark, whole, tmp_path_factory) -> tuple[Path, str]:
    """The warehouse after the person of `GONE` was erased by one of the two ids, and what was said."""
    root = tmp_path_factory.mktemp("swept") / "lakehouse"
    shutil.copytree(whole, root)
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(said):
        patched.setenv("TESSERA_ERASURE_KEY", SECRET)
        erased(Warehouse(spark, str(root)), "merged-02")
    return root, said.getvalue()


@pytest.fixture
def after(spark, swept, tmp_path) -> Warehouse:
    """That warehouse, for one test to change."""
    root = tmp_path / "lakehouse"
    shutil.copytree(swept[0], root)
    return Warehouse(spark, str(root))


def request(plan=PLAN):
    return Request(PURCHASE_30D, FeatureSet("few", (SMALL_VIEW,)), plan.dates, split_column(plan), 42)


def rows_of_others(root) -> dict[str, list[str]]:
    """By table that names customers, the rows of those who stay, and all cut points; without reading by Spark."""
    found = {}
    for log in sorted(Path(root).glob("*/_delta_log")):
        held = DeltaTable(log.parent)
        names = {field.name for field in held.schema().fields}
        if "customer_id" in names or log.parent.name.startswith("population_"):
            rows = held.to_pyarrow_table(columns=sorted(names - {"kept_since"})).to_pylist()
            found[log.parent.name] = sorted(repr(row) for row in rows if row.get("customer_id") not in GONE)
    return found


def places_that_name(root, ids=GONE) -> list[str]:
    """Every file below the warehouse whose bytes, or values where it is Parquet, hold one of the ids."""
    found = []
    for file in (one for one in Path(root).rglob("*") if one.is_file()):
        told = file.read_bytes()
        if file.suffix == ".parquet":
            told += repr(pq.read_table(file).to_pylist()).encode()
        found += [f"{file.relative_to(root)}: {one}" for one in ids if one.encode() in told]
    return found


def erased(warehouse, *ids, status=0, more=("--set", "erasure.columns={points: [friend]}")):
    words = ["--customer", *ids] if ids else []
    assert main(["erase", *words, "--warehouse", warehouse.root, *more]) == status


def receipt_of(warehouse) -> Path:
    (found,) = (Path(warehouse.root) / "receipts").iterdir()
    return found


def test_nothing_names_an_erased_person_and_nobody_else_changes(whole, swept, after, capsys):
    before, said = rows_of_others(whole), swept[1]
    before["points"] = [row for row in before["points"] if "cust-02" not in row]  # named as a friend, too
    assert {place.split("/")[0] for place in places_that_name(whole)} >= {
        "events_orders", "quarantine_orders", "features_orders", "training_set_purchase_30d", "customer_scores",
        "customer_scores_latest", "points", "customer_aliases", "job_runs", "raw", "mlruns",
    }  # fmt: skip
    assert places_that_name(after.root) == []
    assert rows_of_others(after.root) == before
    assert "1 ids asked for, 2 with those of the same persons" in said
    assert "can no longer be replayed: purchase_30d version 1" in said

    file = receipt_of(after)
    told = json.loads(file.read_text())
    assert {one["table"]: one["rows_removed"] for one in told["tables"]}["points"] == 2
    assert told["search"]["customers_found"] == 0 and told["search"]["same_text_elsewhere"] == []
    assert main(["erase", "--verify", str(file), "--customer", "cust-02", "cust-03", "--warehouse", after.root]) == 0
    said = capsys.readouterr().out
    assert "cust-02: erased" in said and "cust-03: not among them" in said
    file.write_text(file.read_text().replace('"asked": 1', '"asked": 2'))
    assert main(["erase", "--verify", str(file), "--warehouse", after.root]) == 3
    assert "not what was signed" in capsys.readouterr().err


def test_what_was_built_from_them_says_so_and_is_built_again_without_them(after):
    first = recorded(after, PURCHASE_30D.name)[1]
    assert first.erased_since and not first.is_current(after)
    with pytest.raises(DataContractError, match="can no longer be replayed bit for bit: customers were erased"):
        replay(after, first, request(), limits=LIMITS)
    with pytest.raises(DataContractError, match="version 1 of table 'events_orders' .* is gone"):
        after.read("events_orders", version=1)
    second = build_training_set(after, request(), limits=LIMITS, run_id="r", built_at=NOW)
    assert (
        second.version == 2
        and second.fingerprint != first.fingerprint
        and list(second.erasures) == list(first.erased_since)
    )
    assert (
        replay(after, recorded(after, PURCHASE_30D.name)[2], request(), limits=LIMITS).content_hash
        == second.content_hash
    )
    assert build_training_set(after, request(), limits=LIMITS, run_id="r", built_at=NOW).reused


def test_no_later_batch_brings_them_back_and_conservation_holds(after, tmp_path):
    (batch,) = reports(after, "orders")
    events = after.read("events_orders").count()
    assert batch.accepted_erased == batch.rows_accepted - events > 0 and batch.quarantined_erased == 1
    again = tmp_path / "again.csv"
    again.write_text("\n".join([HEADER, *LINES, *BAD, line("cust-07", order="new"), "broken,cust-02"]) + "\n")
    with pytest.raises(ConfigurationError, match="no erasure key was given"):
        ingest(after, shop(), str(again), ingested_at=NOW)
    with pytest.raises(ConfigurationError, match="is another one"):
        ingest(after, shop(), str(again), ingested_at=NOW, erasure_key=ErasureKey(b"x" * 32))
    report = ingest(after, shop(), str(again), ingested_at=NOW + timedelta(days=1), erasure_key=KEY)
    assert (report.rows_accepted, report.rows_quarantined, report.rows_suppressed) == (1, 0, batch.accepted_erased + 2)
    assert report.rows_read == sum(getattr(report, f"rows_{name}") for name in
                                   ("accepted", "quarantined", "duplicate", "suppressed"))  # fmt: skip
    aliases = tmp_path / "aliases.csv"
    aliases.write_text("alias_id,customer_id\nmerged-02,cust-02\nx,cust-01\n")
    named = ingest_aliases(after, str(aliases), ingested_at=NOW, run_id="r", erasure_key=KEY)
    assert (named.rows_accepted, named.rows_suppressed) == (1, 1)
    assert places_that_name(after.root) == []


def places_at(warehouse, day) -> dict[str, int]:
    """By customer, the r_score of a snapshot."""
    rows = DeltaTable(f"{warehouse.root}/features_orders").to_pyarrow_table(
        columns=["customer_id", "as_of_date", "r_score"]
    )
    return {row["customer_id"]: row["r_score"] for row in rows.to_pylist() if row["as_of_date"] == day}


def cut_points(warehouse) -> list[str]:
    names = ["as_of_date", "feature", "cutpoints", "percentiles", "n"]
    return sorted(map(repr, warehouse.records("population_orders", names)))


def test_recorded_cut_points_serve_later_builds_of_the_same_dates(spark, whole, after, tmp_path):
    once = Warehouse(spark, str(whole))
    assert set(DAYS) <= complete_dates(after, SMALL_VIEW)  # nothing is due
    listed = {row["as_of_date"]: row["rows"] for row in after.records("snapshots", ("as_of_date", "rows"))}
    there = after.rows_by_date("features_orders")
    assert listed == {day: there.get(day, 0) for day in listed} and listed[DAYS[2]] == 5
    late = tmp_path / "late.csv"
    late.write_text("\n".join([HEADER, line("cust-06", order="late", at="2023-03-01 10:00:00")]) + "\n")
    ingest(after, shop(), str(late), ingested_at=NOW + timedelta(days=1), erasure_key=KEY)
    assert DAYS[2] in build(after, DAYS).built
    assert cut_points(after) == cut_points(once)
    others = {name: place for name, place in places_at(once, DAYS[2]).items() if name not in GONE}
    assert places_at(after, DAYS[2]) == others


@pytest.mark.parametrize("place", ["delete_rows", "_swept_and_searched"])
def test_an_erasure_that_is_cut_off_is_ended_by_the_next(copied, monkeypatch, capsys, place):
    others = rows_of_others(copied.root)
    others["points"] = [row for row in others["points"] if "cust-02" not in row]
    real = getattr(erase, place)

    def dying(*given, **named):
        real(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erase, place, dying)
        erased(copied, "cust-02", status=130)
    erased(copied)
    assert "was cut off; ending it" in capsys.readouterr().out
    assert places_that_name(copied.root) == [] and rows_of_others(copied.root) == others
    assert {row["status"] for row in copied.records("erasures", ("status",))} == {"done"}
    (batch,) = reports(copied, "orders")
    assert batch.rows_accepted - batch.accepted_erased == copied.read("events_orders").count()


WRITES = [(Warehouse, "delete_keys"), (suppression, "put_records"), (erasure_records, "put_records"),
          (ingest_runs, "put_records"), (kept_cut_points, "put_records"), (erasure, "put_records"),
          (erasure_files, "put_records"), (erasure, "cut_history"), (erasure_files, "without_records"),
          (erasure_files, "without_words"), (erase, "keep_plan"), (erase, "forget_plan")]  # fmt: skip


@pytest.mark.deep
@pytest.mark.timeout(7200)
def test_an_erasure_killed_at_any_of_its_writes_is_ended_by_the_same_command(spark, whole, tmp_path, monkeypatch):
    others, number, ended = None, 0, False
    while not ended:
        root = tmp_path / str(number)
        shutil.copytree(whole, root)
        copied = Warehouse(spark, str(root))
        if others is None:
            others = rows_of_others(root)
            others["points"] = [row for row in others["points"] if "cust-02" not in row]
        places = iter(range(1_000))

        def dying(write, last=number, places=places):
            def wrapped(*given, **named):
                done = write(*given, **named)
                if next(places) == last:
                    raise KeyboardInterrupt
                return done

            return wrapped

        with monkeypatch.context() as patched:
            for owner, name in WRITES:
                patched.setattr(owner, name, dying(getattr(owner, name)))
            ended = main(["erase", "--customer", "cust-02", "--set", "erasure.columns={points: [friend]}",
                          "--warehouse", copied.root]) == 0  # fmt: skip
        erased(copied, *(() if ended else ("cust-02",)), status=2 if ended else 0)
        assert places_that_name(root) == [], number
        assert rows_of_others(root) == others, number
        assert len({row["erasure_id"] for row in copied.records("erasures", ("erasure_id",))}) <= 2
        shutil.rmtree(root)
        number += 1
    assert number > 15


def test_an_id_that_nobody_has_takes_nothing_away_but_is_kept_out(copied):
    versions = {name: copied.version(name) for name in ("events_orders", "training_sets")}
    erased(copied, "never-seen")
    assert {name: copied.version(name) for name in versions} == versions
    assert recorded(copied, PURCHASE_30D.name)[1].is_current(copied)
    assert copied.read("suppressed_customers").count() == 1


def test_a_missing_or_short_key_is_refused_before_anything_is_read(copied, monkeypatch, capsys):
    monkeypatch.delenv("TESSERA_ERASURE_KEY")
    erased(copied, "cust-02", status=2)
    assert "openssl rand -hex 32" in capsys.readouterr().err
    monkeypatch.setenv("TESSERA_ERASURE_KEY", "short")
    erased(copied, "cust-02", status=2)
    assert "at least 32" in capsys.readouterr().err
    erased(copied, status=2, more=("--set", "erasure.key_file=/nowhere"))
    assert "cannot be read" in capsys.readouterr().err
