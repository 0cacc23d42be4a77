"""The table of decisions: which model of a head became or stayed champion, and why."""

from __future__ import annotations

from featurestore.record_tables import put_records
from featurestore.schemas import Column
from featurestore.tables import Table
from jobs.run import Run
from models.promotion.decision import Decision

PROMOTIONS = Table(
    "promotions",
    (
        Column("head", "string", "Head of the models"),
        Column("as_of_date", "date", "What was known before it decided; of a rollback the day of the run"),
        Column("from_version", "string", "Champion before; NULL for none"),
        Column("to_version", "string", "Version that was judged; champion from then on unless the decision is kept"),
        Column("decision", "string", "promoted, kept or rolled back"),
        Column("compared", "string", "On what: same rows, refitted recipes, rivals, nothing"),
        Column("reasons", "array<string>", "Why, a sentence each"),
        Column("figures", "map<string,double>", "All that was measured"),
        Column("decided_at", "timestamp", "When, UTC", lineage=True),
        Column("run_id", "string", "Run of the job", lineage=True),
        Column("tracking_run", "string", "MLflow run that holds the whole document", lineage=True),
    ),
    comment="Why each champion is champion",
)


def write_down(run: Run, decision: Decision, *, tracking_run: str) -> None:
    """One row a decision; the same decision of the same date again replaces it."""
    row = [decision.head, decision.as_of, decision.before, decision.version, decision.outcome, decision.compared,
           list(decision.reasons), dict(decision.figures), run.started_at, run.run_id, tracking_run]  # fmt: skip
    put_records(run.warehouse, PROMOTIONS, [row], keys=("head", "as_of_date", "to_version", "decision"))
