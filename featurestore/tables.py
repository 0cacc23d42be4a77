"""Delta tables by name under one warehouse folder: create, read, append, insert, replace, upsert.

The only module that knows how a table is stored. Every write is one Delta commit, so a table holds
all of it or none, and carries a transaction id, so that a write tried again is a write done once.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, cast

import pyarrow as pa
from delta.exceptions import DeltaConcurrentModificationException
from delta.tables import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType
from pyspark.sql.utils import is_remote

from featurestore.definitions import quoted
from featurestore.delta_logs import DeltaLog
from featurestore.errors import ConfigurationError, DataContractError, EnvironmentProblem, MissingInput, TesseraError
from featurestore.schemas import Column
from featurestore.table_versions import Journal

TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")
WRITE_TXN_APP = "spark.databricks.delta.write.txnAppId"
WRITE_TXN_VERSION = "spark.databricks.delta.write.txnVersion"
FINGERPRINT = "tessera.fingerprint"
ATTEMPTS = 3
INSERT_ALL = "WHEN NOT MATCHED THEN INSERT *"
CONFLICTS = (DeltaConcurrentModificationException, CommitFailedError)
"""What a commit raises that crossed another one, by Spark and by delta-rs."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Transaction:
    """Identity of a write: a second write with the same or a lower version under one id does nothing."""

    app_id: str
    version: int = 0


@dataclass(frozen=True)
class Table:
    """Declaration of a table: columns with comments, partitioning, CHECK constraints, Delta properties."""

    name: str
    columns: tuple[Column, ...]
    comment: str
    partition_by: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]


def is_local(path: str) -> bool:
    """Whether a path has no scheme, so that it is a folder of this machine.

    >>> is_local("./lakehouse"), is_local("s3a://bucket/x"), is_local("dbfs:/x")
    (True, False, False)
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", path) is None


@dataclass(frozen=True)
class Warehouse:
    """A folder of Delta tables, `<root>/<table>/`, or an object-store prefix; a relative folder is the driver's.

    Its `journal` notes the versions of the tables whose rows are read and written through it.
    """

    spark: SparkSession
    root: str
    journal: Journal = field(default_factory=Journal, compare=False, repr=False)

    def __post_init__(self) -> None:
        if is_local(self.root):  # Delta takes a relative path for an identifier
            object.__setattr__(self, "root", str(Path(self.root).absolute()))

    def path(self, table: str) -> str:
        """Where `table` lives; refuses names that are not plain lower-case identifiers."""
        if not TABLE_NAME.fullmatch(table):
            raise ConfigurationError(f"'{table}' is no table name: lower-case letters, digits and _ only.")
        return f"{self.root.rstrip('/')}/{table}"

    def exists(self, table: str) -> bool:
        return DeltaLog.is_deltatable(self.path(table))

    def version(self, table: str) -> int:
        """The newest committed version of `table`, read from its log without a Spark job."""
        return DeltaLog(self.path(table)).version()

    def identity(self, table: str) -> str:
        """What tells a table from one that was made anew in its place, whose versions begin again."""
        return str(DeltaLog(self.path(table)).metadata().id)

    def has_rows(self, table: str, *, version: int) -> bool:
        """Whether `table` held any row at `version`, read from its log without a Spark job."""
        return len(DeltaLog(self.path(table), version=version).file_uris()) > 0

    def committed(self, table: str, app_id: str) -> int:
        """The highest transaction version committed under `app_id`, -1 if none."""
        if not self.exists(table):
            return -1
        found = DeltaLog(self.path(table)).transaction_version(app_id)
        return -1 if found is None else found

    def read(self, table: str, *, version: int | None = None, make_with: str = "") -> DataFrame:
        """The rows of `table`, at `version` if given; MissingInput names the job that makes it.

        DataContractError for a version that is not there any more.
        """
        if not self.exists(table):
            raise MissingInput.table(table, warehouse=self.root, make_with=make_with or "demo")
        self.journal.note_read(table, self.version(table) if version is None else version)
        reader = self.spark.read.format("delta")
        if version is None:
            return reader.load(self.path(table))
        try:
            return reader.option("versionAsOf", version).load(self.path(table))
        except AnalysisException as problem:
            if "DELTA_VERSION_NOT_FOUND" not in str(problem):
                raise
            raise DataContractError(
                f"version {version} of table '{table}' in warehouse {self.root} is gone: an erasure leaves none before "
                "it, and Delta's log forgets.\n  Build what rests on it again, from what there is now."
            ) from None

    def records(self, table: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """All rows of a bookkeeping table as plain values (instants in UTC), read without a Spark job.

        For tables that grow with runs and batches, never with customers or events; empty if it does not exist. A
        column that the table was made without is None.
        """
        if not self.exists(table):
            return []
        held = DeltaLog(self.path(table))
        self.journal.note_read(table, held.version())
        there = {one.name for one in held.schema().fields}
        lacking = dict.fromkeys(name for name in columns if name not in there)
        kept = [name for name in columns if name in there]
        return [{**lacking, **row} for row in held.to_pyarrow_table(columns=kept).to_pylist()]

    def create(self, table: Table) -> None:
        """Make an empty `table` unless it exists; safe to call twice and by two jobs at once."""
        if self.exists(table.name):
            return
        if is_remote():  # Delta's builder is no part of plain Spark Connect
            self._create_by_writing(table)
            return
        builder = DeltaTable.createIfNotExists(self.spark).location(self.path(table.name)).comment(table.comment)
        builder = builder.addColumns(log_schema(table))
        for name, value in _properties(table).items():
            builder = builder.property(name, value)
        if table.partition_by:
            builder = builder.partitionedBy(*table.partition_by)
        try:
            builder.execute()
        except DeltaConcurrentModificationException:
            if not self.exists(table.name):
                raise
        except AnalysisException:
            if not self._clear_unborn(table.name):
                raise
            builder.execute()

    def _create_by_writing(self, table: Table) -> None:
        writer = self.spark.createDataFrame([], log_schema(table)).writeTo(self._named(table.name)).using("delta")
        for name, value in _properties(table).items():
            writer = writer.tableProperty(name, value)
        if table.partition_by:
            writer = writer.partitionedBy(*map(F.col, table.partition_by))
        try:
            writer.tableProperty("comment", table.comment).create()
        except (AnalysisException, DeltaConcurrentModificationException):
            if not self.exists(table.name):
                raise

    def _clear_unborn(self, table: str) -> bool:
        """Remove the folder of a table whose very first commit was interrupted; whether there was one.

        Delta finds a log without a commit neither to be a table nor to be free. Only file systems have such empty
        folders, and a job that writes to a local one is alone there.
        """
        folder = Path(self.path(table))
        log = folder / "_delta_log"
        if not log.is_dir() or any(log.glob("*.json")) or any(entry != log for entry in folder.iterdir()):
            return False
        shutil.rmtree(folder)
        return True

    def append(self, table: Table, rows: DataFrame, *, transaction: Transaction) -> None:
        """Add `rows` in one commit, once per transaction; what is declared since the table was made is added first."""
        self.create(table)
        self._bring_up_to_date(table)
        writer = rows.select(*table.column_names).write.format("delta").mode("append")
        writer.option("txnAppId", transaction.app_id).option("txnVersion", transaction.version).save(
            self.path(table.name)
        )
        self.journal.note_written(table.name)

    def replace(self, table: Table, rows: DataFrame, *, where: str, transaction: Transaction | None = None) -> None:
        """Put `rows` in the place of all rows that satisfy the predicate `where`, in one commit.

        What is declared since the table was made is added first.
        """
        self.create(table)
        self._bring_up_to_date(table)
        writer = _declared(table, rows).write.format("delta").mode("overwrite").option("replaceWhere", where)
        if transaction is not None:
            writer = writer.option("txnAppId", transaction.app_id).option("txnVersion", transaction.version)
        writer.save(self.path(table.name))
        self.journal.note_written(table.name)

    def _bring_up_to_date(self, table: Table) -> None:
        """Give a table that an older version made the columns (NULL so far) and properties that are declared since."""
        held = DeltaLog(self.path(table.name))
        known = {one.name for one in held.schema().fields}
        added = [f"`{c.name}` {c.type} COMMENT {quoted(c.comment)}" for c in table.columns if c.name not in known]
        if added:
            self.spark.sql(f"ALTER TABLE {self._named(table.name)} ADD COLUMNS ({', '.join(added)})")
        stored = held.metadata().configuration
        changed = [f"'{k}' = {quoted(v)}" for k, v in table.properties.items() if stored.get(k) != v]
        if changed:
            self.spark.sql(f"ALTER TABLE {self._named(table.name)} SET TBLPROPERTIES ({', '.join(changed)})")

    def _named(self, table: str) -> str:
        """A table as SQL names it, whatever the folder of the warehouse is called."""
        return "delta.`" + self.path(table).replace("`", "``") + "`"

    def overwrite(self, table: Table, rows: DataFrame, *, transaction: Transaction | None = None) -> None:
        """Replace the whole table, its schema, comments and fingerprints included, in one commit."""
        self.create(table)
        writer = _declared(table, rows).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        if table.partition_by:
            writer = writer.partitionBy(*table.partition_by)
        if transaction is not None:
            writer = writer.option("txnAppId", transaction.app_id).option("txnVersion", transaction.version)
        writer.save(self.path(table.name))
        self.journal.note_written(table.name)

    def fingerprints(self, table: str) -> dict[str, str]:
        """By column, in order, the fingerprint that it was written with; read from the log without a Spark job."""
        if not self.exists(table):
            return {}
        fields = DeltaLog(self.path(table)).schema().fields
        return {one.name: str(one.metadata[FINGERPRINT]) for one in fields if FINGERPRINT in one.metadata}

    def rows_by_date(self, table: str) -> dict[date, int]:
        """Rows of each partition of a table partitioned by `as_of_date`, from the log without a Spark job."""
        if not self.exists(table):
            return {}
        files = pa.table(DeltaLog(self.path(table)).get_add_actions(flatten=True))
        rows: Counter[date] = Counter()
        for file in files.select(["partition.as_of_date", "num_records"]).to_pylist():
            rows[file["partition.as_of_date"]] += file["num_records"]
        return dict(rows)

    def declared(self, table: str) -> Table:
        """The declaration of a table that exists: its columns with comments, its comment, its properties."""
        columns = [
            Column(one.name, one.dataType.simpleString(), one.metadata.get("comment", ""))
            for one in self.read(table).schema
        ]
        stored = DeltaLog(self.path(table)).metadata()
        return Table(table, tuple(columns), stored.description or "", properties=stored.configuration)

    def insert_new(self, table: Table, rows: DataFrame, *, key: str, within: str = "", transaction: Transaction) -> int:
        """Insert the rows whose `key` is not in the table yet; how many those were.

        `rows` must not repeat a key. `within` restricts the search to rows of the table that satisfy
        it (literals on the partition column, `old` is the table), so that other files are not read.
        """
        self.create(table)
        condition = f"old.`{key}` = new.`{key}`" + (f" AND {within}" if within else "")
        with _SessionTransaction(self.spark, transaction):
            merged = self._merge(table.name, rows.select(*table.column_names), condition, INSERT_ALL)
        self.journal.note_written(table.name)
        return int(merged["num_inserted_rows"]) if merged is not None else 0

    def upsert(
        self, table: Table, rows: DataFrame, *, keys: Sequence[str], update_if: str = "true", within: str = "",
        transaction: Transaction | None = None,
    ) -> None:  # fmt: skip
        """Insert new keys; update rows of known keys where `update_if` (over `old` and `new`) holds.

        What is declared since the table was made is added first. `within` restricts the search as in `insert_new`.
        """
        self.create(table)
        self._bring_up_to_date(table)
        known = " AND ".join([*(f"old.`{key}` = new.`{key}`" for key in keys), *([within] if within else [])])
        given = rows.select(*table.column_names)
        if update_if != "true":
            # MERGE copies the files of all rows that it finds, and readers without Spark take copies for changes.
            held = self.spark.read.format("delta").load(self.path(table.name)).alias("old")
            acted_on = F.expr(f"old.`{keys[0]}` IS NULL OR ({update_if})")
            given = given.alias("new").join(held, F.expr(known), "left").where(acted_on).select("new.*")
        with _SessionTransaction(self.spark, transaction) if transaction else nullcontext():
            self._merge(table.name, given, known, f"WHEN MATCHED AND {update_if} THEN UPDATE SET *", INSERT_ALL)
        self.journal.note_written(table.name)

    def _merge(self, table: str, rows: DataFrame, condition: str, *clauses: str) -> Row | None:
        """MERGE as SQL, which Spark Connect has, too: `rows` are `new`, the table is `old`; Delta's counts."""
        statement = f"MERGE INTO delta.`{self.path(table)}` old USING ROWS new ON {condition} {' '.join(clauses)}"
        # The formatter of `sql` takes braces for names of frames.
        statement = statement.replace("{", "{{").replace("}", "}}").replace("USING ROWS", "USING {rows}", 1)
        return self.spark.sql(statement, rows=rows).first()

    def delete(self, table: str, where: str) -> None:
        """Remove the rows for which `where`, SQL, holds, in one commit; nothing where the table does not exist."""
        if self.exists(table):
            self.spark.sql(f"DELETE FROM delta.`{self.path(table)}` WHERE {where}")
            self.journal.note_written(table)

    def delete_keys(self, table: str, keys: DataFrame, *, key: str) -> None:
        """Remove the rows whose `key` is among those of `keys`, in one commit; nothing where there is no table."""
        if self.exists(table):
            self._merge(table, keys.select(key).distinct(), f"old.`{key}` = new.`{key}`", "WHEN MATCHED THEN DELETE")
            self.journal.note_written(table)


def log_schema(table: Table) -> StructType:
    """The columns as the log keeps them, with what the log keeps of each beside its type."""
    ddl = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    types = cast(StructType, StructType.fromDDL(ddl))
    return StructType([StructField(c.name, types[c.name].dataType, metadata=_metadata(c)) for c in table.columns])


def _properties(table: Table) -> dict[str, str]:
    """What a table is made with: its own properties, and its CHECK constraints as Delta keeps them."""
    return {**{f"delta.constraints.{name}": predicate for name, predicate in table.checks.items()}, **table.properties}


def _metadata(column: Column) -> dict[str, str]:
    return {"comment": column.comment, **({FINGERPRINT: column.fingerprint} if column.fingerprint else {})}


def _declared(table: Table, rows: DataFrame) -> DataFrame:
    """`rows` with the columns, types, comments and fingerprints that `table` declares."""
    return rows.select(*[F.col(f"`{c.name}`").cast(c.type).alias(c.name, metadata=_metadata(c)) for c in table.columns])


COMMITS_PER_INPUT = 1_000_000


def fence(warehouse: Warehouse, table: str, *, app_id: str, input_version: int) -> Transaction:
    """The next transaction of writers that derive `table` from an input at `input_version`.

    Its version grows with the input's, so that Delta drops the write of a slow writer that read an
    older input, and two writers of one input conflict instead of overwriting each other unseen.
    Raises StaleInput when a newer input has already been written from.
    """
    last = warehouse.committed(table, app_id)
    newest, commits = divmod(last, COMMITS_PER_INPUT) if last >= 0 else (-1, -1)
    if newest > input_version:
        raise StaleInput(table, input_version, newest)
    return Transaction(app_id, input_version * COMMITS_PER_INPUT + (commits + 1 if newest == input_version else 0))


class StaleInput(TesseraError):
    """Someone has already written from a newer input; the plan must be made again."""

    def __init__(self, table: str, version: int, newest: int) -> None:
        super().__init__(f"'{table}' was already written from input version {newest}, newer than {version}.")


def until_committed(plan: Callable[[], Result], *, what: str) -> Result:
    """Run `plan` (which reads fresh versions and commits) again after a conflict, three times at most.

    Raises EnvironmentProblem when another writer wins every time.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return plan()
        except (*CONFLICTS, StaleInput) as conflict:
            if attempt == ATTEMPTS:
                raise EnvironmentProblem(
                    f"{what}: another writer committed first, {ATTEMPTS} times in a row.\n"
                    f"  Nothing half-written is visible. Run the job again when the other has ended."
                ) from conflict
    raise AssertionError("unreachable")


class _SessionTransaction:
    """Sets the transaction id that MERGE reads from the session, and takes it back."""

    def __init__(self, spark: SparkSession, transaction: Transaction) -> None:
        self.spark, self.transaction = spark, transaction

    def __enter__(self) -> None:
        self.spark.conf.set(WRITE_TXN_APP, self.transaction.app_id)
        self.spark.conf.set(WRITE_TXN_VERSION, str(self.transaction.version))

    def __exit__(self, *_: object) -> None:
        self.spark.conf.unset(WRITE_TXN_APP)
        self.spark.conf.unset(WRITE_TXN_VERSION)
