"""Order lines made up for benchmarks: any number of them, from a formula, ingested once and kept with the warehouse."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from featurestore import ingest_runs
from featurestore.event_tables import events_table
from featurestore.schemas import ORDERS
from featurestore.snapshots import Built, build_snapshots
from featurestore.tables import Transaction, Warehouse
from featurestore.views import FeatureView
from jobs.benchmarks.contest import Figure
from jobs.run import Run

FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
PRODUCTS = 5_000
MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Shape:
    """How many lines of how many customers over how many days; a tenth of the customers have a third of the lines."""

    events: int
    customers: int
    days: int

    @property
    def name(self) -> str:
        return f"orders-{self.events}-{self.customers}-{self.days}"

    @property
    def end(self) -> date:
        """The midnight after the last line."""
        return (FIRST_DAY + timedelta(days=self.days)).date()

    def figures(self) -> list[Figure]:
        """The sizes, to stand beside what was measured."""
        return [Figure("events", self.events, "events"), Figure("customers", self.customers, "customers"),
                Figure("days", self.days, "days")]  # fmt: skip

    def weekly(self, dates: int) -> list[date]:
        """As many dates a week apart, the last at the end."""
        return [self.end - timedelta(days=7 * back) for back in reversed(range(dates))]


def lines(spark: SparkSession, shape: Shape, *, seed: int, first: int = 0) -> DataFrame:
    """Canonical order lines number `first` to `first + shape.events` of the formula, without lineage."""
    chance = _Chance(seed)
    customer = F.floor(chance.share("customer") * chance.share("loyalty") * shape.customers)
    cents = chance.below("cents", 25_000) - 2_000
    time = F.timestamp_micros(
        F.lit(int(FIRST_DAY.timestamp()) * 1_000_000) + chance.below("time", shape.days * MICROSECONDS_A_DAY)
    )
    return (
        spark.range(first, first + shape.events)
        .withColumns({"customer_id": F.format_string("c%08d", customer), "event_time": time, "cents": cents})
        .withColumns(
            {
                "event_id": F.format_string("%012x", F.col("id")),
                "order_id": F.concat_ws("-", "customer_id", F.date_format("event_time", "yyMMdd")),
                "product_id": F.format_string("p%05d", chance.below("product", PRODUCTS)),
                "quantity": F.when(F.col("cents") < 0, -1).otherwise(1 + chance.below("quantity", 5)).cast("bigint"),
                "amount": (F.col("cents") * F.expr("cast(0.01 as decimal(3,2))")).cast("decimal(18,2)"),
                "unit_price": F.lit(None).cast("decimal(18,4)"),
                "is_product": chance.below("kind", 20) > 0,
                "local_hour": F.hour("event_time"),
                "local_weekday": (F.weekday("event_time") + 1).cast("int"),
                "event_month": F.trunc("event_time", "month"),
            }
        )
    )


class _Chance:
    """Columns that look random and follow from the row's number."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def below(self, what: str, limit: int) -> Column:
        """A whole number from 0 to below `limit`."""
        return F.pmod(F.xxhash64(F.lit(self.seed), F.lit(what), "id"), F.lit(limit))

    def share(self, what: str) -> Column:
        """A number from 0 to below 1."""
        return self.below(what, 1 << 40) / F.lit(float(1 << 40))


def add_batch(warehouse: Warehouse, rows: DataFrame, *, batch_id: str, until: date) -> None:
    """Put `rows` into events_orders as one ingested batch, once."""
    now = datetime(until.year, until.month, until.day, tzinfo=UTC)
    batch = ingest_runs.reserve(warehouse, source=ORDERS.name, batch_id=batch_id, input_name="bench", ingested_at=now)
    at = F.lit(batch.ingested_at)
    dated = rows.withColumns(
        {"known_at": at, "ingested_at": at, "batch_seq": F.lit(batch.batch_seq).cast("bigint"),
         "batch_id": F.lit(batch_id)}
    )  # fmt: skip
    warehouse.append(events_table(ORDERS), dated, transaction=Transaction(f"bench:{batch_id}"))
    first, count = rows.agg(F.min(F.unix_micros("event_time")), F.count("*")).first() or (0, 0)
    ingest_runs.close(warehouse, ingest_runs.IngestReport(
        source=ORDERS.name, batch_id=batch_id, batch_seq=batch.batch_seq, ingested_at=batch.ingested_at,
        input_name="bench", rows_read=count, rows_accepted=count,
        first_event_time=datetime.fromtimestamp(first / 1e6, UTC),
        complete_through=now, events_version=warehouse.version(ORDERS.events_table)))  # fmt: skip


def kept_warehouse(warehouse: Warehouse, shape: Shape, *, seed: int) -> Warehouse:
    """A warehouse with events of `shape` alone, below `warehouse`; made the first time it is asked for."""
    kept = Warehouse(warehouse.spark, f"{warehouse.root}/bench/{shape.name}-{seed}")
    rows = lines(warehouse.spark, shape, seed=seed).repartition("event_month")
    if not ingest_runs.done(kept):
        add_batch(kept, rows, batch_id="first", until=shape.end)
    return kept


@contextmanager
def scratch_warehouse(warehouse: Warehouse, shape: Shape, *, seed: int) -> Iterator[Warehouse]:
    """A warehouse with events of `shape` to write into, removed afterwards; its files of events are links."""
    kept = Path(kept_warehouse(warehouse, shape, seed=seed).root)
    with TemporaryDirectory(prefix="run-", dir=kept.parent) as folder:
        for table in (ORDERS.events_table, ingest_runs.INGEST_RUNS.name):
            shutil.copytree(kept / table, Path(folder) / table, copy_function=os.link)
        yield Warehouse(warehouse.spark, folder)


def build_by_tessera(run: Run, warehouse: Warehouse, view: FeatureView, days: Sequence[date]) -> Built:
    """What `build_features` does, in a warehouse of the benchmark's own."""
    return build_snapshots(warehouse, view, dates=days, limits=run.limits, run_id=run.run_id, built_at=run.started_at)
