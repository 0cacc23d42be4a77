"""The tables that scoring writes: every customer at every scored date, and each customer's newest scores."""

from __future__ import annotations

from featurestore.schemas import Column
from featurestore.tables import Table
from models.reasons.reasons import REASONS_SQL

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
    Column("expected_orders_90d", "double", "Expected orders of the next 90 days; NULL without an order ever"),
    Column(
        "expected_spend_90d", "double", "Expected net spend of the next 90 days, currency; NULL without an order ever"
    ),
    Column(
        "p_alive",
        "double",
        "Probability that the customer is still one; NULL without an order, and where the histories do not decide it",
    ),
    Column("clv_12m", "double", "Expected spend of the next year, discounted, currency; NULL without an order ever"),
    Column("clv_36m", "double", "The same of three years, extrapolated; NULL where no cohort is two years old"),
    Column("clv_status", "string", "How far clv_12m is validated: backtested or unvalidated; NULL where it is"),
    Column("behavior_segment", "int", "Cluster of recency, order days and order value; ids last over refits"),
    Column("persona", "string", "The cluster in words; NULL without an order"),
    Column("r_score", "int", "Recency score 1 to 5, 5 most recent; NULL without an order"),
    Column("f_score", "int", "Frequency score 1 to 5, 5 most orders"),
    Column("m_score", "int", "Monetary score 1 to 5, 5 highest mean order value; NULL without an order"),
    Column("rfm_segment", "string", "Named cell of the RFM scores; NULL without an order"),
    Column(
        "confidence",
        "double",
        "Share of ten models of other draws of the customers that give the same churn_risk_level: how far chance in "
        "who was learned from decides it, and nothing else; NULL where the level is, or the model has no such draws",
    ),
    Column(
        "reasons",
        REASONS_SQL,
        "What moved the churn score most, by family of features, the largest first: strongest feature, its value, what "
        "the family adds to the log-odds before calibration (exact TreeSHAP of trees), in words. No causes. NULL where "
        "the probability is, or the model has no exact contributions",
    ),
    Column(
        "recommended_actions",
        "array<string>",
        "Rules of conf/actions.yml that hold and may pay, by priority; advice: contact only where holdout is false",
    ),
    Column(
        "expected_net_value",
        "double",
        "Expected net value of the first recommended contact (of the first that holds where none pays), currency; "
        "rests on assumptions in conf/actions.yml; NULL without a contact, a lapse probability or an expected spend",
    ),
    Column("offer", "string", "Offer of a customer to be contacted; NULL where none pays, or not to be contacted"),
    Column(
        "holdout",
        "boolean",
        "NULL: not chosen within caps and budget; false: contact; true: chosen, but left alone to measure what actions "
        "bring (share, seed and campaign are in conf/actions.yml and, of each run, in job_runs, step act)",
    ),
    Column("calibration_status", "map<string,string>", "Head to how its scores were calibrated"),
    Column("model_versions", "map<string,string>", "Head to the registered version that scored"),
    Column("feature_fingerprint", "string", "Definition of the features that were scored", lineage=True),
    Column("inputs_hash", "bigint", "Hash of all features that were read: what --changed-only compares", lineage=True),
    Column("run_id", "string", "Run that scored", lineage=True),
    Column("scored_at", "timestamp", "When", lineage=True),
)

ACTION_COLUMNS = ("recommended_actions", "expected_net_value", "offer", "holdout")
"""What is decided from the other scores."""

SCORES = Table("customer_scores", COLUMNS, "Scores of every customer at every scored date", ("as_of_date",))
LATEST = Table("customer_scores_latest", COLUMNS, "Each customer's newest scores",
               properties={"delta.enableChangeDataFeed": "true"})  # fmt: skip
