"""Customers who were erased and must not come back: known by keyed hashes alone, and looked for in every batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.erasure_key import ErasureKey
from featurestore.errors import ConfigurationError
from featurestore.events import REASONS
from featurestore.frames import arrow_function
from featurestore.identity import STATUS, SUPPRESSED
from featurestore.named_records import parts_column
from featurestore.record_tables import put_records
from featurestore.schemas import Column
from featurestore.tables import Table, Warehouse

SUPPRESSED_CUSTOMERS = Table(
    "suppressed_customers",
    (
        Column("customer_hash", "string", "HMAC-SHA256 of the id of a customer who was erased", required=True),
        Column("key_id", "string", "Which key; the key itself is kept nowhere in the warehouse"),
        Column("erasure_id", "string", "Erasure that put it here", lineage=True),
        Column("erased_at", "timestamp", "When, UTC", lineage=True),
    ),
    comment="Customers whom no batch brings back",
)
HASH = "customer_hash"
HOW_TO_GIVE_A_KEY = (
    "Give it by the environment, TESSERA_ERASURE_KEY, or by a file: --set erasure.key_file=FILE.\n"
    "  A new one: openssl rand -hex 32 > FILE. Keep it: without it no later batch can be taken in."
)


def suppress(warehouse: Warehouse, ids: Sequence[str], key: ErasureKey, *, erasure_id: str, at: datetime) -> None:
    """Keep the customers out from now on; those that are kept out already stay as they are."""
    known = {row[HASH] for row in warehouse.records(SUPPRESSED_CUSTOMERS.name, (HASH,))}
    new = sorted({key.hash_of(one) for one in ids} - known)
    if new:
        rows = [(one, key.key_id, erasure_id, at) for one in new]
        put_records(warehouse, SUPPRESSED_CUSTOMERS, rows, keys=(HASH,))


def kept_out(warehouse: Warehouse, key: ErasureKey | None) -> Kept | None:
    """What finds the rows of customers who were erased from this warehouse; None where nobody was.

    Raises ConfigurationError without the key, or with another one: rows of theirs would be taken in unseen.
    """
    if not warehouse.exists(SUPPRESSED_CUSTOMERS.name):
        return None
    refuse_other_key(warehouse, key)
    if key is None:
        return None
    return Kept(warehouse.read(SUPPRESSED_CUSTOMERS.name).select(HASH), key)


def refuse_other_key(warehouse: Warehouse, key: ErasureKey | None) -> None:
    """ConfigurationError where customers are kept out by a key that `key` is not."""
    used = {str(row["key_id"]) for row in warehouse.records(SUPPRESSED_CUSTOMERS.name, ("key_id",))}
    if not used or (key is not None and used == {key.key_id}):
        return
    given = "no erasure key was given" if key is None else f"the erasure key given ({key.key_id}) is another one"
    raise ConfigurationError(
        f"customers were erased from warehouse {warehouse.root} with key {', '.join(sorted(used))}; {given}.\n"
        f"  {HOW_TO_GIVE_A_KEY}"
    )


class Kept:
    """The hashes (`customer_hash`) of customers to be kept out, and the key that finds them."""

    def __init__(self, hashes: DataFrame, key: ErasureKey) -> None:
        self.hashes, self.key = hashes, key

    def marked(self, judged: DataFrame, *, ids: Sequence[str]) -> DataFrame:
        """`judged` rows of a batch with status `suppressed`, and no reasons, where they name such a customer.

        In one of the columns `ids`; or, of a row that breaks a rule, anywhere in its raw record.
        """
        broken = judged.where(F.size(REASONS) > 0).select(
            "row_id", F.explode(parts_column(F.col("raw"))).alias("_part")
        )
        named = broken.withColumn(HASH, self._hashed(F.col("_part"))).join(self.hashes, HASH, "left_semi")
        rows = judged.join(named.select("row_id", F.lit(True).alias("_named")).distinct(), "row_id", "left")
        found = F.coalesce("_named", F.lit(False))
        for place, name in enumerate(ids):
            hashes = self.hashes.select(F.col(HASH).alias(f"_hash_{place}"), F.lit(True).alias(f"_is_{place}"))
            rows = rows.withColumn(f"_hash_{place}", self._hashed(F.col(name)))
            rows = rows.join(hashes, f"_hash_{place}", "left").drop(f"_hash_{place}")
            found = found | F.coalesce(f"_is_{place}", F.lit(False))
        none = F.array().cast("array<string>")
        marked = rows.withColumn("_out", found)
        marked = marked.withColumn(STATUS, F.when(F.col("_out"), SUPPRESSED).otherwise(F.col(STATUS)))
        marked = marked.withColumn(REASONS, F.when(F.col("_out"), none).otherwise(F.col(REASONS)))
        return marked.drop("_out", "_named", *[f"_is_{place}" for place in range(len(ids))])

    def _hashed(self, customer: SparkColumn) -> SparkColumn:
        # A function in Python: as a literal of a plan the key would stand in Spark's own pages and logs.
        key = self.key

        def hashed(ids: pa.Array) -> pa.Array:
            known = ids.dictionary_encode()
            texts = [None if one is None else key.hash_of(one) for one in known.dictionary.to_pylist()]
            return pa.array(texts, pa.string()).take(known.indices)

        return arrow_function(hashed, "string")(customer)
