"""The table of publications: which dates' scores became the newest view, and what moved since the date before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from featurestore.errors import ConfigurationError, MissingInput
from featurestore.record_tables import put_records
from featurestore.schemas import Column
from featurestore.tables import Table, Warehouse
from jobs.run import Run
from jobs.score_tables import SCORES
from models.publication.gate import STOPPED, Finding

DIGITS = 9
"""Of a figure that is written down: sums of doubles differ in the last ones with the order of the rows."""
PUBLICATIONS = Table(
    "publications",
    (
        Column("as_of_date", "date", "Date of the scores"),
        Column("previous_date", "date", "Published date that they were held against; NULL for none"),
        Column("decision", "string", "published, published anyway (asked for, beyond a limit) or stopped"),
        Column("customers", "bigint", "Customers in customer_scores at the date"),
        Column("part", "boolean", "Whether only some customers were scored, who were held against themselves"),
        Column(
            "findings",
            "array<struct<level:string,column:string,measure:string,earlier:double,now:double,shift:double,"
            "bound:double,setting:string>>",
            "Shifts beyond a limit, those that stop first: what was, what is, how far it moved, and the limit",
        ),
        Column("run_id", "string", "Run that decided", lineage=True),
        Column("decided_at", "timestamp", "When, UTC", lineage=True),
    ),
    comment="What was decided of each date's scores before customer_scores_latest; the newest decision of a date",
)


@dataclass(frozen=True)
class Publication:
    """What was decided of a date, held against `previous` (None: nothing to compare with)."""

    as_of: date
    previous: date | None
    decision: str
    customers: int
    findings: tuple[Finding, ...]
    part: bool = False


def write_down(run: Run, decided: Publication) -> None:
    """One row a date; a date that is decided again has the new decision."""
    row = [decided.as_of, decided.previous, decided.decision, decided.customers, decided.part,
           [_rounded(one) for one in decided.findings], run.run_id, run.started_at]  # fmt: skip
    put_records(run.warehouse, PUBLICATIONS, [row], keys=("as_of_date",))


def publications(warehouse: Warehouse) -> dict[date, Publication]:
    """The decisions by date; {} where none was made yet."""
    names = ["as_of_date", "previous_date", "decision", "customers", "findings", "part"]
    return {
        row["as_of_date"]: Publication(row["as_of_date"], row["previous_date"], row["decision"], row["customers"],
                                       tuple(Finding(**one) for one in row["findings"]), row["part"])
        for row in warehouse.records(PUBLICATIONS.name, names)
    }  # fmt: skip


def publication_of(run: Run, as_of: date | None) -> Publication:
    """What was decided of a date, of the newest one by default; MissingInput where nothing was."""
    decided = publications(run.warehouse)
    if not decided:
        raise MissingInput.table(PUBLICATIONS.name, warehouse=run.settings.warehouse, make_with="score")
    if as_of is not None and as_of not in decided:
        raise ConfigurationError.unknown_name("date of scores", str(as_of), known=map(str, decided), where="--as-of")
    return decided[as_of or max(decided)]


def published_before(warehouse: Warehouse, as_of: date) -> date | None:
    """The newest published date before `as_of` that has scores.

    Dates that were scored before there was a gate count where no decision is known of any earlier date.
    """
    decided = publications(warehouse)
    scored = [day for day in warehouse.rows_by_date(SCORES.name) if day < as_of]
    out = [day for day in scored if day in decided and decided[day].decision != STOPPED]
    return max(out or [day for day in scored if day not in decided], default=None)


def _rounded(one: Finding) -> dict[str, object]:
    return {name: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
            for name, value in asdict(one).items()}  # fmt: skip
