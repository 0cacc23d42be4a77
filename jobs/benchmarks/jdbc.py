"""A table of PostgreSQL taken in: whole, by one connection and by several; what is new; and with the server killed.

The server is one of the benchmark's own. After each run the events are counted against the table's: all of them, once.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import functions as F

from featurestore.database import Credentials, Database
from featurestore.database_address import address
from featurestore.database_intake import ingest_table
from featurestore.database_queries import Scale, rows_query
from featurestore.errors import DataContractError, EnvironmentProblem
from featurestore.ingest_runs import IngestReport
from featurestore.schemas import INTERACTIONS
from featurestore.source_config import SourceConfig
from featurestore.tables import Warehouse
from jobs.benchmarks.contest import Figure, seconds_of
from jobs.benchmarks.postgres_server import PASSWORD, USER, Server, running_server, server_commands
from jobs.run import Run
from jobs.settings import load_source

SIZES = {"rows": 5_000_000}
NEW, LATE = 10_000, 100
SECONDS_BETWEEN_LOOKS = 0.02
MOST_SECONDS = 600
TABLE = """
CREATE TABLE events (event_id bigint PRIMARY KEY, user_id bigint, event_type text, session_id text, product_id text,
    device text, quantity int, amount numeric, occurred_at timestamptz, recorded_at timestamptz);
CREATE INDEX ON events (recorded_at);
"""
MORE = """
INSERT INTO events SELECT n, n * 7919 % 200000, (ARRAY['page_view', 'product_view', 'add_to_cart'])[1 + n % 3],
    's' || n / 5, 'p' || n % 5000, 'phone', NULL, NULL, at, at
FROM (SELECT n, timestamptz '2023-01-01Z' + 6 * n * interval '1 second' AS at
      FROM generate_series({first}::bigint, {last}) AS n) r;
"""
READING = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%\"event_type\"%tessera%'"


def run(run: Run) -> list[Figure]:
    """Seconds and rows of each way to take the table in, and what was lost or came twice: nothing, or it fails."""
    commands = server_commands()
    if commands is None:
        raise EnvironmentProblem("bench jdbc runs a PostgreSQL server of its own, and none is installed.")
    near = Path(run.warehouse.root) / "bench"
    near.mkdir(parents=True, exist_ok=True)
    with running_server(commands) as server, TemporaryDirectory(prefix="run-", dir=near) as folder:
        return _Shop(run, server, Warehouse(run.spark, folder)).figures()


class _Shop:
    """The table, how it is read, and the warehouse that it is taken into."""

    def __init__(self, run: Run, server: Server, warehouse: Warehouse) -> None:
        self.run, self.server, self.warehouse = run, server, warehouse
        self.config: SourceConfig = load_source("postgres_events")
        self.at = address(server.create("shop"))
        self.rows = self.runs = 0

    def figures(self) -> list[Figure]:
        rows = self.run.arguments.rows
        self.server.sql(TABLE, database="shop")
        made = seconds_of(lambda: self._add(rows))
        self.server.sql("ANALYZE events", database="shop")
        parts = self.config.jdbc.partitions if self.config.jdbc else 1
        alone = {count: seconds_of(partial(self._read_only, count)) for count in (1, parts)}
        return [
            Figure("rows", rows, "rows"), Figure("made_seconds", made, "s"),
            *[Figure(f"read_alone_by_{count}_seconds", taken, "s") for count, taken in alone.items()],
            *self._measured("whole"), *self._new_and_late(), *self._measured("nothing_new"), *self._killed(),
        ]  # fmt: skip

    def _add(self, count: int) -> None:
        """Rows a tenth of a minute apart."""
        self.server.sql(MORE.format(first=self.rows + 1, last=self.rows + count), database="shop")
        self.rows += count

    def _taken(self) -> IngestReport:
        self.runs += 1
        return ingest_table(self.warehouse, self.config, self.at, Credentials(USER, PASSWORD),
                            ingested_at=self.run.started_at + timedelta(seconds=self.runs))[-1]  # fmt: skip

    def _measured(self, name: str) -> list[Figure]:
        found: list[IngestReport] = []
        seconds = seconds_of(lambda: found.append(self._taken()))
        self._refuse_difference()
        return [Figure(f"{name}_seconds", seconds, "s"), Figure(f"{name}_read", found[0].rows_read, "rows"),
                Figure(f"{name}_accepted", found[0].rows_accepted, "rows")]  # fmt: skip

    def _new_and_late(self) -> list[Figure]:
        self._add(NEW)
        # Committed late: recorded within the last quarter of an hour of what was there before.
        first = 10 * self.rows
        self.server.sql(
            f"INSERT INTO events SELECT {first} + n, n, 'page_view', 's', 'p', 'phone', NULL, NULL, at, at FROM "
            f"(SELECT n, recorded_at - n * interval '1 second' AS at FROM events, generate_series(1, {LATE}) AS n "
            f"WHERE event_id = {self.rows - NEW}) r", database="shop",
        )  # fmt: skip
        return self._measured("new_and_late")

    def _read_only(self, parts: int) -> None:
        """The rows read by so many connections and dropped."""
        table = self.config.jdbc
        if table is None:
            raise DataContractError("postgres_events reads no database.")
        database = Database(self.run.spark, self.at, Credentials(USER, PASSWORD), table.fetch_rows)
        types = database.columns(table.table)
        scale = Scale.of("recorded_at", types, where=table.table)
        columns = sorted(self.config.raw_columns)
        query = rows_query(table, types, columns=columns, where="true")
        cuts = database.values(scale.cuts_query(table.table, where="true", parts=parts)) if parts > 1 else []
        rows = database.rows(query, parts=scale.ranges(cuts)).select(columns)
        rows.write.format("noop").mode("overwrite").save()

    def _killed(self) -> list[Figure]:
        """A tenth more rows, the server killed while they are read, back again, and the same run once more."""
        self._add(max(NEW, self.run.arguments.rows // 10))
        killer = threading.Thread(target=self._kill_while_read)
        killer.start()
        failed = seconds_of(self._fails)
        killer.join()
        self.server.start()
        return [Figure("killed_while_read_seconds", failed, "s"), *self._measured("after_the_kill")]

    def _fails(self) -> None:
        try:
            self._taken()
        except EnvironmentProblem:
            return
        raise DataContractError("the server was killed too late: the run did not notice.")

    def _kill_while_read(self) -> None:
        waited, pause = 0.0, threading.Event()
        while not int(self.server.sql(READING)[0]) and waited < MOST_SECONDS:
            pause.wait(SECONDS_BETWEEN_LOOKS)
            waited += SECONDS_BETWEEN_LOOKS
        self.server.stop()

    def _refuse_difference(self) -> None:
        """DataContractError where the events are not those of the table, each once."""
        found = self.warehouse.read(INTERACTIONS.events_table).agg(F.count("*"), F.countDistinct("event_id")).first()
        wanted = int(self.server.sql("SELECT count(*) FROM events", database="shop")[0])
        if found is None or tuple(found) != (wanted, wanted):
            raise DataContractError(f"the table has {wanted:,} rows, the events (and ids) are {found}.")
