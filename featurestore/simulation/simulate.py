"""A simulation written to a folder, as raw files that ingest can read like anyone's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from featurestore.simulation.dirt import SOURCES
from featurestore.simulation.frames import dirt_frame, export_frame, truth_frame
from featurestore.simulation.world import World


@dataclass(frozen=True)
class Simulated:
    """What a simulation left: the folder of each source, and two frames, not computed yet.

    `truth`: see `truth_frame`. `dirt`: rows of each kind, see `dirt_frame`.
    """

    folders: dict[str, str]
    truth: DataFrame
    dirt: DataFrame


def simulate(
    spark: SparkSession,
    out_dir: str,
    *,
    world: World,
    truth_days: Iterable[int] = (),
    partitions: int | None = None,
) -> Simulated:
    """Write `out_dir`/orders, /support, /profiles as CSV with a header and /interactions as JSON lines.

    Folders that exist are replaced; the rows in them depend on `world` only. The truth goes to no raw
    file: the caller writes the returned frames to tables of their own. `truth_days` count from
    `world.start`. Raises ConfigurationError before anything is written if a truth day lies outside the
    simulation.
    """
    truth = truth_frame(spark, world, days=truth_days, partitions=partitions)
    dirt = dirt_frame(spark, world, partitions=partitions)
    folders = {source: f"{out_dir.rstrip('/')}/{source}" for source in SOURCES}
    for source, folder in folders.items():
        writer = export_frame(spark, world, source, partitions=partitions).write.mode("overwrite")
        if source == "interactions":
            writer.json(folder)
        else:
            writer.option("header", True).csv(folder)
    return Simulated(folders, truth, dirt)
