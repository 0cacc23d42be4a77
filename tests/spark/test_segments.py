"""Segments from snapshots to tables: the same twice, frozen, refitted with lasting ids, flows that add up."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from pyspark.sql import functions as F

import jobs.segment
from jobs.main import main
from models.errors import CannotTrain, OtherFeatures
from models.heads import SEGMENTS
from models.registry import Registry
from models.segments.assign import MISSING, NO_ORDER, NOT_STABLE
from models.segments.buyers import buyers, buyers_at
from models.segments.measures import MEASURES
from models.segments.record import SegmentModel
from models.segments.rules import load_rules

EARLIER, FIRST, SECOND, THIRD = date(2023, 11, 4), date(2023, 12, 2), date(2023, 12, 30), date(2024, 1, 27)
GROUPS = {"regular": (6.0, 20.0, 900.0), "fading": (60.0, 6.0, 60.0), "once": (400.0, 1.0, 350.0)}
"""Recency, order days and order value of three kinds of customers that are far apart."""
SCORES = ("r_score", "f_score", "m_score")
READ = load_rules("behavioural").columns()
COLUMNS = [*dict.fromkeys([*MEASURES, *READ, *SCORES])]
SCHEMA = ", ".join(["customer_id string", "rfm_segment string", *(f"{name} double" for name in COLUMNS)])
FEW = ["--set", "segments.k_most=3", "--set", "segments.seeds=2", "--set", "segments.starts=1"]
LINEAGE = ("run_id", "segmented_at")


def customer(name: str, measures, *, seed: int):
    """A row of a snapshot; without measures, someone who only sent something back."""
    if measures is None:
        values = {"orders_count_lifetime": 0.0}
        return (name, None, *(values.get(column) for column in COLUMNS))
    spread = np.exp(np.random.default_rng(seed).normal(0, 0.15, 3))
    recency, days, value = (float(one) for one in np.array(measures) * spread)
    values = dict.fromkeys(SCORES, 3.0) | dict(zip(MEASURES, (recency, max(days, 1.0), value), strict=True))
    values |= {"orders_count_lifetime": max(days, 1.0), "recency_days": recency}
    return (name, "Need Attention", *(values.get(column) for column in COLUMNS))


def snapshot(spark, *, seed: int, gone: int = 0, late: bool = False):
    """Forty customers of each kind; so many of the regular ones have become fading; one who has never ordered."""
    rows = [
        customer(f"{kind}{at}", GROUPS["fading"] if kind == "regular" and at < gone else measures, seed=seed + at)
        for kind, measures in GROUPS.items()
        for at in range(40)
    ]
    rows.append(customer("returner", None, seed=0))
    if late:
        rows.append(customer("late", GROUPS["regular"], seed=1))
    return spark.createDataFrame(rows, SCHEMA)


@pytest.fixture
def segment(spark, warehouse, monkeypatch, capsys):
    """Runs the job on made-up snapshots: its status and what it said."""
    frames = {
        EARLIER: snapshot(spark, seed=1), FIRST: snapshot(spark, seed=2), SECOND: snapshot(spark, seed=3, gone=5),
        THIRD: snapshot(spark, seed=4, gone=8, late=True),
    }  # fmt: skip
    monkeypatch.setattr(jobs.segment, "read_features", lambda _, __, *, dates: frames[dates[0]])

    def run(day: date, *more: str):
        status = main(["segment", "--as-of", str(day), "--warehouse", warehouse.root, *FEW, *more])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def content(warehouse, table: str):
    rows = warehouse.read(table)
    return sorted(map(repr, rows.drop(*(set(LINEAGE) & set(rows.columns))).collect()))


def registry(warehouse):
    return Registry(f"sqlite:///{warehouse.root}/mlflow.db", f"{warehouse.root}/mlruns", SegmentModel.load)


def test_segments_are_frozen_the_same_twice_and_their_flows_add_up(segment, warehouse, tmp_path):
    tables = ("customer_segments", "segment_profiles", "segment_flows")
    status, said = segment(FIRST)
    assert status == 0, said
    assert not warehouse.exists("segment_flows")
    assert segment(THIRD)[0] == 0
    status, said = segment(SECOND, "--pictures", str(tmp_path / "drawn"))
    assert status == 0, said
    assert "rfm: 121 of 121" in said and "cluster: 116 of 121 customers are where they were at 2023-12-02" in said
    assert {file.name for file in (tmp_path / "drawn").iterdir()} == {
        "rfm_cells.png", "behavioural_segments.png", "flows_cluster.png", "flows_behavioural.png",
    }  # fmt: skip

    model = registry(warehouse).load(SEGMENTS)
    assert model.version == "1" and model.bundle.as_of == "2023-12-02" and len(model.bundle.clusters) == 3
    assert {one.customers for one in model.bundle.clusters} == {40}
    artefacts = {file.name for file in (tmp_path / "lakehouse" / "mlruns").rglob("*.png")}
    assert {"choice_of_k.png", "cluster_map.png", "flows_cluster.png"} <= artefacts

    segments = warehouse.read("customer_segments")
    kinds = F.regexp_extract("customer_id", "^[a-z]+", 0)
    pairs = segments.where("as_of_date = '2023-12-02' and cluster_id is not null").select(kinds, "cluster_id")
    assert pairs.distinct().count() == 3
    returner = (
        segments.where("customer_id = 'returner'").select("cluster_id", MISSING, "behavioural_segment").distinct()
    )
    assert [tuple(row) for row in returner.collect()] == [(None, NO_ORDER, "not_yet_buying")]
    assert segments.where("cluster_id is null and customer_id <> 'returner'").count() == 0

    flows = warehouse.read("segment_flows")
    dates = flows.select("from_date", "to_date").distinct().orderBy("to_date").collect()
    assert [tuple(row) for row in dates] == [(FIRST, SECOND), (SECOND, THIRD)]
    totals = flows.groupBy("to_date", "scheme").agg(F.sum("customers")).collect()
    assert sorted((row[0], row[2]) for row in totals) == [(SECOND, 121)] * 3 + [(THIRD, 122)] * 3
    assert flows.where("from_segment = '(absent)'").agg(F.sum("customers")).first()[0] == 3
    shares = warehouse.read("segment_profiles").groupBy("as_of_date", "scheme").agg(F.sum("share")).collect()
    assert len(shares) == 9 and all(row[2] == pytest.approx(1) for row in shares)

    before = {name: content(warehouse, name) for name in tables}
    assert segment(SECOND)[0] == 0
    assert {name: content(warehouse, name) for name in tables} == before


def test_without_a_stable_k_there_are_no_new_clusters_and_a_refit_keeps_ids(segment, warehouse):
    splinters = ("--set", "segments.smallest_share=0.45")  # no three clusters are that large
    status, said = segment(FIRST, *splinters)
    assert status == 0 and "unstable" in said, said
    found = warehouse.read("customer_segments").groupBy("cluster_id", MISSING).count().collect()
    assert {(row[0], row[1], row[2]) for row in found} == {(None, NOT_STABLE, 120), (None, NO_ORDER, 1)}

    status, said = segment(SECOND)
    assert status == 0, said
    first = registry(warehouse).load(SEGMENTS)
    assert (first.version, [one.id for one in first.bundle.clusters]) == ("2", [1, 2, 3])
    status, said = segment(FIRST)
    assert status == 2 and "would know the future" in said

    assert segment(THIRD, "--refit")[0] == 0
    again = registry(warehouse).load(SEGMENTS)
    assert (again.version, [one.id for one in again.bundle.clusters]) == ("3", [1, 2, 3])
    assert all(0 < one.moved < 0.5 for one in again.bundle.clusters)
    status, said = segment(THIRD, "--refit", *splinters)
    assert status == 0 and "(version 3) stay in use" in said, said
    assert registry(warehouse).load(SEGMENTS) == again
    used = warehouse.read("customer_segments").where("as_of_date = '2024-01-27'").select("model_version").distinct()
    assert [row[0] for row in used.collect()] == ["3"]


def test_customers_that_cannot_be_clustered_and_rules_that_are_no_conditions_are_refused(spark, segment, tmp_path):
    rows = snapshot(spark, seed=1)
    with pytest.raises(CannotTrain, match="at least 200 customers.*there are 120"):
        buyers_at(FIRST, rows, at_least=200)
    with pytest.raises(CannotTrain, match="same 'recency_days'"):
        buyers_at(FIRST, rows.withColumn("recency_days", F.when(F.col("recency_days") > 0, 3.0)), at_least=10)
    with pytest.raises(OtherFeatures, match="'order_days_lifetime' is missing"):
        buyers(rows.drop("order_days_lifetime"))
    mine = tmp_path / "mine.yml"
    mine.write_text("segments: [{name: a, means: A, where: recency_days + 1}, {name: b, means: B}]")
    status, said = segment(FIRST, "--set", f"segments.rules={mine}")
    assert status == 2 and "must be a condition" in said


def test_a_snapshot_that_is_not_there_is_said_with_what_builds_it(warehouse, capsys):
    assert main(["segment", "--as-of", "2024-01-01", "--warehouse", warehouse.root]) == 3
    assert "build_features --dates 2023-12-04" in capsys.readouterr().err
