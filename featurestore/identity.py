"""Which event a row is, and whether it has been seen: ids, duplicates, ids used again.

Nothing here depends on the order or the partitioning of the input: every tie is broken by content.
"""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from featurestore.events import NATURAL_ID, NUMBER, REASONS
from featurestore.schemas import Source
from featurestore.source_config import SourceConfig

STATUS = "status"
ACCEPTED, QUARANTINED, DUPLICATE = "accepted", "quarantined", "duplicate"
SUPPRESSED = "suppressed"
"""Of a customer who was erased: the row goes nowhere."""
REUSED = "event_id_reused"


def content_hash(source: Source) -> SparkColumn:
    """SHA-256 of the source's content columns, by their canonical types.

    A JSON array of strings keeps NULL apart from '' and one column apart from the next, so that
    ("1", "23") is not ("12", "3"); an instant is its microseconds, whatever the session's time zone.
    """
    texts = [
        F.unix_micros(column.name).cast("string") if column.type == "timestamp" else F.col(column.name).cast("string")
        for column in source.content
    ]
    return F.sha2(F.to_json(F.array(*texts)), 256)


def identified(events: DataFrame, config: SourceConfig) -> DataFrame:
    """With `content`, `event_id` (NULL for rows that have reasons), `row_id` and `status` within the batch.

    `row_id` (of rows that may come to be quarantined) is the hash of the raw record and its rank among
    identical ones. Of the rows of one
    `event_id` the first by raw record stays; the others are duplicates where their content is the
    same, else quarantined as `event_id_reused`.
    """
    clean = F.size(REASONS) == 0
    record = F.sha2(F.concat_ws("\n", F.coalesce(NUMBER, F.lit(-1)).cast("string"), "raw"), 256)
    rows = events.withColumn("_record", record).withColumn("content", F.when(clean, content_hash(config.shape)))
    rows = rows.withColumn("event_id", F.when(clean, _event_id(config))).drop(NATURAL_ID)
    if not config.has_natural_id:
        # Of a clean row only the events table is told, unless its id turns out to be used again.
        rows = rows.withColumn("raw", F.when(~clean, F.col("raw")))
    group = Window.partitionBy(F.coalesce("event_id", "_record")).orderBy("_record")
    rows = rows.withColumns(
        {
            "_place": F.row_number().over(group),
            "_first_alike": F.rank().over(group),
            "_first_content": F.first("content").over(group),
        }
    )
    reused = clean & (F.col("content") != F.col("_first_content"))
    status = F.when(~clean | reused, QUARANTINED).when(F.col("_place") == 1, ACCEPTED).otherwise(DUPLICATE)
    rank = F.col("_place") - F.col("_first_alike") + 1
    return rows.withColumns(
        {
            STATUS: status,
            "row_id": F.when(~clean | F.lit(config.has_natural_id), F.sha2(F.concat_ws("#", "_record", rank), 256)),
            REASONS: F.when(reused, F.array(F.lit(REUSED))).otherwise(F.col(REASONS)),
        }
    ).drop("_record", "_place", "_first_alike", "_first_content")


def against_events(rows: DataFrame, known: DataFrame, *, batch_id: str) -> DataFrame:
    """`identified` rows judged by the events that stand already: `known(event_id, content, batch_id)`.

    An id that this very batch committed is accepted (the batch is being retried).
    """
    stood = known.select(
        "event_id",
        F.col("content").alias("_known_content"),
        (F.col("batch_id") == batch_id).alias("_own"),
    )
    joined = rows.join(stood, "event_id", "left")
    clean = F.col("event_id").isNotNull()
    is_known = clean & F.col("_own").isNotNull() & ~F.coalesce("_own", F.lit(False))
    same = F.col("content") == F.col("_known_content")
    status = F.when(is_known & same, DUPLICATE).when(is_known & ~same, QUARANTINED).otherwise(F.col(STATUS))
    why = (
        F.when(is_known & ~same, F.array(F.lit(REUSED)))
        .when(is_known, F.array().cast("array<string>"))
        .otherwise(F.col(REASONS))
    )
    return joined.withColumn(REASONS, why).withColumn(STATUS, status).drop("_known_content", "_own")


def against_quarantine(rows: DataFrame, known: DataFrame, *, batch_id: str) -> DataFrame:
    """Quarantined rows that another batch quarantined before are duplicates: `known(row_id, batch_id)`."""
    seen = known.where(F.col("batch_id") != batch_id).select("row_id", F.lit(True).alias("_seen"))
    again = (F.col(STATUS) == QUARANTINED) & F.coalesce("_seen", F.lit(False))
    return (
        rows.join(seen, "row_id", "left")
        .withColumn(STATUS, F.when(again, DUPLICATE).otherwise(F.col(STATUS)))
        .drop("_seen")
    )


def _event_id(config: SourceConfig) -> SparkColumn:
    if config.has_natural_id:
        return F.col(NATURAL_ID)
    if config.identical_rows == "duplicates":
        return F.col("content")
    rank = F.row_number().over(Window.partitionBy("content").orderBy("_record"))
    return F.sha2(F.concat_ws("#", "content", rank), 256)
