"""The tables that scoring writes: every customer at every scored date, and each customer's newest scores."""

from __future__ import annotations

from featurestore.schemas import Column
from featurestore.tables import Table

COLUMNS = (
    Column("customer_id", "string", "Customer"),
    Column("as_of_date", "date", "Midnight UTC: only events strictly before it were looked at"),
    Column(
        "churn_probability", "double", "Calibrated P(no order in the next 60 days); NULL unless ordered in 180 days"
    ),
    Column(
        "churn_risk_level", "string", "CRITICAL >= 0.8, HIGH >= 0.6, MEDIUM >= 0.4, LOW; NULL where the probability is"
    ),
    Column("lifecycle", "string", "active (ordered within 180 days), inactive, no_orders"),
    Column(
        "purchase_probability_30d", "double", "Calibrated P(at least one order in 30 days); NULL without an order ever"
    ),
    Column(
        "active_probability_90d", "double", "Calibrated P(at least one order in 90 days); NULL without an order ever"
    ),
    Column(
        "decline_probability_90d",
        "double",
        "Calibrated P(net spend of the next 90 days below half of the last 90 days'); NULL unless two orders and net "
        "spend above 0 in the last 90 days",
    ),
    Column(
        "expected_spend_90d", "double", "Expected net spend of the next 90 days, currency; NULL without an order ever"
    ),
    Column("r_score", "int", "Recency score 1 to 5, 5 most recent; NULL without an order"),
    Column("f_score", "int", "Frequency score 1 to 5, 5 most orders"),
    Column("m_score", "int", "Monetary score 1 to 5, 5 highest mean order value; NULL without an order"),
    Column("rfm_segment", "string", "Named cell of the RFM scores; NULL without an order"),
    Column("calibration_status", "map<string,string>", "Head to how its scores were calibrated"),
    Column("model_versions", "map<string,string>", "Head to the registered version that scored"),
    Column("feature_fingerprint", "string", "Definition of the features that were scored", lineage=True),
    Column("run_id", "string", "Run that scored", lineage=True),
    Column("scored_at", "timestamp", "When", lineage=True),
)

SCORES = Table("customer_scores", COLUMNS, "Scores of every customer at every scored date", ("as_of_date",))
LATEST = Table("customer_scores_latest", COLUMNS, "Each customer's newest scores")
