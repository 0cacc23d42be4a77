"""The tables made from scores for those who read them: whom to keep, what segments hold, how scores are spread.

Tables, and not views, so that they are there for every reader of the warehouse. Each is derived anew from what is in
`customer_scores` and `customer_scores_latest`: a run that was killed before them is mended by the next.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import functions as F

from featurestore.schemas import Column
from featurestore.snapshot_records import among
from featurestore.tables import Table, Warehouse, fence, until_committed
from jobs.score_tables import LATEST, SCORES
from models.score_summaries import CHANCES, QUANTITIES, at_risk, by_segment, distributions, present

_DATE = Column("as_of_date", "date", "Midnight UTC of the scores that it sums up")
_RUN = Column("run_id", "string", "Run that derived it", lineage=True)
_OF_PEOPLE = (
    "customer_id", "as_of_date", "churn_risk_level", "churn_probability", "confidence", "expected_spend_90d", "clv_12m",
    "p_alive", "purchase_probability_30d", "decline_probability_90d", "lifecycle", "rfm_segment", "behavior_segment",
    "persona", "reasons", "recommended_actions", "expected_net_value", "offer", "holdout",
)  # fmt: skip
"""The columns of scores that one needs to decide about a customer; those that scores have not are left out."""
_SCORED = {column.name: column for column in SCORES.columns}

CUSTOMERS_AT_RISK = Table(
    "customers_at_risk",
    (
        *(_SCORED[name] for name in present(_OF_PEOPLE, SCORES.column_names)),
        Column("value", "double", "What orders the list, largest first: clv_12m if known, else expected_spend_90d"),
        Column("value_from", "string", "The column that value is taken from: compare values of one column only"),
    ),
    "Customers whose newest scores say HIGH or CRITICAL; order by value desc for the most valuable first",
)
SEGMENT_SUMMARY = Table(
    "segment_summary",
    (
        _DATE,
        Column("scheme", "string", "Column of customer_scores that the segment is a value of"),
        Column("segment", "string", "Segment; (none) for customers without one"),
        Column("customers", "bigint", "Customers in it"),
        Column("share", "double", "Of all customers of the date, 0 to 1"),
        *(
            Column(f"mean_{name}", "double", f"Mean {name} of those who have one; NULL where none has")
            for name in present(CHANCES, SCORES.column_names)
        ),
        *(
            Column(f"sum_{name}", "double", f"Sum of {name} over those who have one; NULL where none has")
            for name in present(QUANTITIES, SCORES.column_names)
        ),
        Column("customers_at_risk", "bigint", "Customers of risk HIGH or CRITICAL"),
        Column("spend_at_risk_90d", "double", "Sum of expected_spend_90d over customers of risk HIGH or CRITICAL"),
        _RUN,
    ),
    "What the segments of each scored date hold",
    ("as_of_date",),
)
DISTRIBUTION = Table(
    "score_distribution_by_date",
    (
        _DATE,
        Column("score", "string", "Column of customer_scores"),
        Column("customers", "bigint", "Customers of the date"),
        Column("nulls", "bigint", "Customers without this score"),
        Column("mean", "double", "Mean of the others; NULL where there is none"),
        Column("least", "double", "Smallest value"),
        Column("greatest", "double", "Largest value"),
        Column("deciles", "array<double>",
               "Nine deciles, off by less than .001 (probabilities), by 1 % or a cent (amounts)"),
        Column("histogram", "array<struct<from:double,to:double,customers:bigint>>",
               "Customers from and above, below to; the outer bins take what lies beyond"),
        _RUN,
    ),
    "How each score is spread at each scored date",
    ("as_of_date",),
)  # fmt: skip
VIEWS = (CUSTOMERS_AT_RISK, SEGMENT_SUMMARY, DISTRIBUTION)


def write_summaries(warehouse: Warehouse, as_of: date, *, run_id: str) -> None:
    """Derive what segments hold and how scores are spread from the scores of a date, each in one commit."""
    scores = warehouse.read(SCORES.name).where(among([as_of]))
    constants = {_DATE.name: F.lit(as_of), _RUN.name: F.lit(run_id)}
    warehouse.replace(SEGMENT_SUMMARY, by_segment(scores).withColumns(constants), where=among([as_of]))
    warehouse.replace(DISTRIBUTION, distributions(scores).withColumns(constants), where=among([as_of]))


def write_at_risk(warehouse: Warehouse) -> None:
    """Derive the list from one version of the newest scores; a writer that read an older version starts again."""
    until_committed(lambda: _write_at_risk(warehouse), what=CUSTOMERS_AT_RISK.name)


def _write_at_risk(warehouse: Warehouse) -> None:
    version, read = warehouse.version(LATEST.name), f"{LATEST.name}:{warehouse.identity(LATEST.name)}"
    taken = fence(warehouse, CUSTOMERS_AT_RISK.name, app_id=read, input_version=version)
    rows = at_risk(warehouse.read(LATEST.name, version=version))
    warehouse.overwrite(CUSTOMERS_AT_RISK, rows, transaction=taken)
