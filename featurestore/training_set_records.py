"""What is recorded of training sets: their rows' place, what they were built from, and a hash of their contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.knowledge import LATEST
from featurestore.schemas import Column
from featurestore.tables import Table, Warehouse

TRAINING_SETS = Table(
    "training_sets",
    (
        Column("name", "string", "Training set; its rows are in training_set_<name>"),
        Column("version", "bigint", "1, 2, ...: counts the records of this name"),
        Column("fingerprint", "string", "Hash of everything below that decides its rows"),
        Column("label_fingerprint", "string", "Definition of the label"),
        Column("view_fingerprints", "map<string,string>", "Feature view to its definition"),
        Column("as_ofs", "map<string,string>", "As-of date to the split that its rows belong to"),
        Column("knowledge", "string", "latest: all events known when it was built; as_known: those known at the as-of"),
        Column("decision_delays_us", "map<string,bigint>",
               "as_known: source to the microseconds after the as-of in which an event may still become known"),
        Column("seed", "bigint", "Seed of the run"),
        Column("customer_share", "double", "Share of all customers that it is of, drawn by a hash with the seed"),
        Column(
            "batch_seqs", "map<string,bigint>", "Source, or aliases, to the highest batch seen; replay filters on it"
        ),
        Column(
            "unfinished_batches", "map<string,array<bigint>>", "Source to the ranks below that were not ingested then"
        ),
        Column("rows_per_split", "map<string,bigint>", "Split to rows"),
        Column("content_hash", "string", "Hash of all rows, whatever their order; a replay gives it again"),
        Column("erasures", "array<string>", "Erasures that had taken customers from its inputs before; empty for none"),
        Column("erased_since", "array<string>",
               "Erasures that took customers from its inputs later: it cannot be replayed bit for bit; empty for none"),
        Column("immature_as_ofs", "bigint", "As-ofs left out because their horizon is not over"),
        Column("outside_population", "bigint", "Customer-dates left out because the label does not ask about them"),
        Column("input_versions", "map<string,bigint>", "Table to the version read", lineage=True),
        Column("table_version", "bigint", "Version of training_set_<name> that holds the rows", lineage=True),
        Column("run_id", "string", "Run that built it", lineage=True),
        Column("built_at", "timestamp", "When", lineage=True),
    ),
    comment="What each training set was built from",
)  # fmt: skip


@dataclass(frozen=True)
class TrainingSet:
    """A built training set: where its rows are and what the record says of them."""

    name: str
    version: int
    fingerprint: str
    label_fingerprint: str
    view_fingerprints: Mapping[str, str]
    as_ofs: Mapping[str, str]
    seed: int
    batch_seqs: Mapping[str, int]
    unfinished_batches: Mapping[str, list[int]]
    rows_per_split: Mapping[str, int]
    content_hash: str
    immature_as_ofs: int
    outside_population: int
    input_versions: Mapping[str, int]
    table_version: int
    knowledge: str = LATEST
    decision_delays_us: Mapping[str, int] = field(default_factory=dict)
    erasures: Sequence[str] = ()
    erased_since: Sequence[str] = ()
    customer_share: float = 1.0
    reused: bool = False

    @property
    def table(self) -> str:
        return table_of(self.name)

    @property
    def of_whom(self) -> str:
        """Which share of the customers it is of, to go on with after what it is; "" for all."""
        return f", of {self.customer_share:.4g} of all customers" if self.customer_share < 1 else ""

    def batch_ranks(self, source: str) -> list[int]:
        """Ranks of the batches of `source` whose events it saw."""
        unfinished = set(self.unfinished_batches.get(source, ()))
        return [rank for rank in range(1, self.batch_seqs[source] + 1) if rank not in unfinished]

    def is_current(self, warehouse: Warehouse) -> bool:
        """Whether the table still holds these rows, all of them, and not those of a build interrupted later."""
        return (
            not self.erased_since
            and warehouse.exists(self.table)
            and warehouse.version(self.table) == self.table_version
        )

    def load_df(self, warehouse: Warehouse) -> DataFrame:
        """customer_id, as_of_date, features, the label as double, split."""
        return warehouse.read(self.table, version=self.table_version)


def table_of(name: str) -> str:
    """The table that holds the training set called `name`."""
    return f"training_set_{name}"


def recorded(warehouse: Warehouse, name: str) -> dict[int, TrainingSet]:
    """The training sets recorded under the name of a label, by version."""
    kept = [column.name for column in TRAINING_SETS.columns if column.name in TrainingSet.__dataclass_fields__]
    found = [row for row in warehouse.records(TRAINING_SETS.name, kept) if row["name"] == name]
    # A record of before a column was declared has its default.
    known = ({key: _plain(key, value) for key, value in row.items() if value is not None} for row in found)
    return {row["version"]: TrainingSet(**row) for row in known}


_MAPS = {column.name for column in TRAINING_SETS.columns if column.type.startswith("map")}


def _plain(name: str, value: Any) -> Any:
    """Maps come as lists of pairs."""
    return dict(value) if name in _MAPS else value


def newest(warehouse: Warehouse, name: str) -> TrainingSet | None:
    """The newest training set recorded under the name of a label, None before any."""
    found = recorded(warehouse, name)
    return found[max(found)] if found else None


def contents(rows: DataFrame) -> tuple[dict[str, int], str]:
    """Rows per split of a training set, and a hash of all its rows that does not depend on their order.

    The hash is the sum of the rows' 64-bit hashes, with their number: sixteen or more hex digits.
    """
    hashed = F.xxhash64(*[F.col(f"`{name}`") for name in rows.columns]).cast("decimal(38,0)")
    counted = rows.groupBy("split").agg(F.count("*").alias("rows"), F.sum(hashed).alias("sum")).collect()  # four splits
    per_split = {row["split"]: row["rows"] for row in counted}
    total = sum((int(row["sum"]) for row in counted), start=0)
    return per_split, f"{total % 2**64:016x}-{sum(per_split.values())}"
