from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from featurestore.errors import ConfigurationError
from featurestore.simulation.dirt import SOURCES
from featurestore.simulation.exports import COLUMNS, export
from featurestore.simulation.frames import dirt_frame, export_frame, truth_frame
from featurestore.simulation.simulate import simulate
from featurestore.simulation.truth import DEFAULT_HEADS
from featurestore.simulation.world import World

WORLD = World(customers=150, days=300, seed=6)


def sorted_rows(frame) -> list[tuple]:
    return sorted(map(tuple, frame.collect()), key=repr)


@pytest.mark.parametrize("source", SOURCES)
def test_rows_do_not_depend_on_partitions(spark, source: str) -> None:
    one, many = (export_frame(spark, WORLD, source, partitions=n) for n in (1, 7))
    assert sorted_rows(one) == sorted_rows(many)
    assert one.count() == export(WORLD, source, np.arange(150)).num_rows


def test_truth_does_not_depend_on_partitions(spark) -> None:
    one, many = (truth_frame(spark, WORLD, days=[200, 245], partitions=n) for n in (1, 5))
    found = sorted_rows(one)
    assert found == sorted_rows(many)
    assert {row[2] for row in found} == set(DEFAULT_HEADS)
    assert {str(row[1]) for row in found} == {"2022-07-20", "2022-09-03"}
    assert all(row[3] is None or 0 <= row[3] <= 1 for row in found)
    assert all((row[3] is None) or (row[4] is None) for row in found)


def test_files_hold_what_was_drawn_and_the_dirt_is_told(spark, tmp_path: Path) -> None:
    made = simulate(spark, str(tmp_path), world=WORLD, partitions=2)
    told = {(row.source, row.kind): row.rows for row in made.dirt.collect()}
    for source in SOURCES:
        files = [f for f in Path(made.folders[source]).iterdir() if f.suffix in (".csv", ".json")]
        assert 1 <= len(files) <= 2
        read = spark.read.json if source == "interactions" else spark.read.option("header", True).csv
        frame = read(made.folders[source]).select(*COLUMNS[source])
        assert sorted_rows(frame) == sorted_rows(export_frame(spark, WORLD, source))
        assert frame.count() == sum(rows for (s, _), rows in told.items() if s == source)
    assert made.truth.count() > 0


def test_a_second_run_replaces_the_first(spark, tmp_path: Path) -> None:
    for seed in (1, 2):
        simulate(spark, str(tmp_path), world=World(customers=5, days=100, seed=seed))
    left = spark.read.option("header", True).csv(str(tmp_path / "orders"))
    wanted = export_frame(spark, World(customers=5, days=100, seed=2), "orders")
    assert sorted_rows(left) == sorted_rows(wanted)


@pytest.mark.parametrize("customers", [0, 1])
def test_nobody_and_one(spark, tmp_path: Path, customers: int) -> None:
    world = World(customers=customers, days=60, seed=3)
    made = simulate(spark, str(tmp_path), world=world)
    lines = (
        spark.read.option("header", True)
        .schema(export_frame(spark, world, "orders").schema)
        .csv(made.folders["orders"])
    )
    assert (lines.count() > 0) == (customers > 0)
    # Day 49 of 60 lies after every birth.
    assert made.truth.count() == len(DEFAULT_HEADS) * customers
    assert (made.dirt.count() > 0) == (customers > 0)


def test_wrong_arguments_are_answered_before_anything_is_written(spark, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="truth day 301"):
        simulate(spark, str(tmp_path / "out"), world=WORLD, truth_days=[301])
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigurationError, match="interactions"):
        export_frame(spark, WORLD, "interaction")
    with pytest.raises(ConfigurationError, match="churn_60d"):
        truth_frame(spark, WORLD, heads=["churn_60"])
    assert dirt_frame(spark, WORLD).columns == ["source", "kind", "rows"]
