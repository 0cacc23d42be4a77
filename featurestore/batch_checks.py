"""What a judged batch amounts to, and whether it may be taken in at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from featurestore.errors import DataContractError
from featurestore.events import REASONS
from featurestore.identity import ACCEPTED, DUPLICATE, QUARANTINED, STATUS, SUPPRESSED

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STATUSES = (ACCEPTED, QUARANTINED, DUPLICATE, SUPPRESSED)
REASONS_SHOWN = 5
ROWS_SHOWN = 3
WIDTH_SHOWN = 200


@dataclass(frozen=True)
class BatchCounts:
    """Rows by status and reason, and what the accepted ones span; instants in UTC, None without one."""

    accepted: int
    quarantined: int
    duplicate: int
    suppressed: int
    broken: int
    reasons: dict[str, int]
    broken_reasons: dict[str, int]
    nonexistent_local: int
    ambiguous_local: int
    first_event_time: datetime | None
    last_event_time: datetime | None
    earliest_known_at: datetime | None

    @property
    def read(self) -> int:
        return self.accepted + self.quarantined + self.duplicate + self.suppressed


def counted(rows: DataFrame) -> BatchCounts:
    """The counts of classified rows; `broken` counts rows with reasons, set aside before or not."""
    is_accepted = F.col(STATUS) == ACCEPTED
    totals = rows.agg(
        *[F.count_if(F.col(STATUS) == status).alias(status) for status in STATUSES],
        F.count_if(F.size(REASONS) > 0).alias("broken"),
        F.count_if(is_accepted & F.col("nonexistent_local")).alias("nonexistent"),
        F.count_if(is_accepted & F.col("ambiguous_local")).alias("ambiguous"),
        F.min(F.when(is_accepted, F.unix_micros("event_time"))).alias("first"),
        F.max(F.when(is_accepted, F.unix_micros("event_time"))).alias("last"),
        F.min(F.when(is_accepted, F.unix_micros("known_at"))).alias("known"),
    ).collect()[0]
    each = sorted(_by_reason(rows)) if totals["broken"] else []
    return BatchCounts(
        accepted=totals[ACCEPTED],
        quarantined=totals[QUARANTINED],
        duplicate=totals[DUPLICATE],
        suppressed=totals[SUPPRESSED],
        broken=totals["broken"],
        reasons={reason: quarantined for reason, _, quarantined in each if quarantined},
        broken_reasons={reason: broken for reason, broken, _ in each},
        nonexistent_local=totals["nonexistent"],
        ambiguous_local=totals["ambiguous"],
        first_event_time=instant_of(totals["first"]),
        last_event_time=instant_of(totals["last"]),
        earliest_known_at=instant_of(totals["known"]),
    )


def _by_reason(rows: DataFrame) -> list[tuple[str, int, int]]:
    """Each reason, the rows that have it, and those of them that are set aside now; as many as there are rules."""
    counts = (
        rows.where(F.size(REASONS) > 0)
        .select(STATUS, F.explode(REASONS).alias("reason"))
        .groupBy("reason")
        .agg(F.count(F.lit(1)).alias("broken"), F.count_if(F.col(STATUS) == QUARANTINED).alias("quarantined"))
    )
    return [(row["reason"], row["broken"], row["quarantined"]) for row in counts.collect()]


def refuse_bad_batch(
    rows: DataFrame, counts: BatchCounts, *, source: str, failing: Sequence[str] = (), quarantined_share_limit: float,
    is_first_load: bool, where: str,
) -> None:  # fmt: skip
    """Raises DataContractError, with counts and samples per reason, for a batch that may not be taken in.

    `failing` names the reasons that refuse the whole batch.
    """
    failed = [name for name in failing if name in counts.broken_reasons]
    if failed:
        why = f"{where} breaks an expectation that refuses the whole batch: {', '.join(failed)}."
        raise DataContractError(_with_samples(why, rows, counts, only=failed))
    if is_first_load and counts.accepted == 0:
        why = f"{where} is the first load of source {source}, and none of its {counts.read:,} rows can be accepted."
        raise DataContractError(_with_samples(why, rows, counts))
    share = counts.broken / counts.read if counts.read else 0.0
    if share > quarantined_share_limit:
        why = (
            f"{where}: {counts.broken:,} of {counts.read:,} rows ({share:.1%}) break a rule; "
            f"quarantined_share_limit allows {quarantined_share_limit:.1%}.\n"
            f"  Nothing was written. Mend the data or the mapping, or raise the limit in the configuration."
        )
        raise DataContractError(_with_samples(why, rows, counts))


def _with_samples(why: str, rows: DataFrame, counts: BatchCounts, *, only: list[str] | None = None) -> str:
    most_first = sorted(counts.broken_reasons, key=lambda reason: (-counts.broken_reasons[reason], reason))
    shown = [reason for reason in most_first if only is None or reason in only][:REASONS_SHOWN]
    lines = [why]
    for reason in shown:
        lines.append(f"  {reason}: {counts.broken_reasons[reason]:,} rows, such as")
        # At most three rows a reason, for the message alone.
        found = rows.where(F.array_contains(REASONS, reason)).select(F.left("raw", F.lit(WIDTH_SHOWN)).alias("raw"))
        lines += [f"    {row['raw']}" for row in found.limit(ROWS_SHOWN).collect()]
    return "\n".join(lines)


def instant_of(micros: int | None) -> datetime | None:
    """Microseconds since 1970 as an instant in UTC."""
    return None if micros is None else EPOCH + timedelta(microseconds=micros)
