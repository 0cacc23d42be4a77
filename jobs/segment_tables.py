"""The tables of the segments: every customer at every date, what segments hold, and who moved between two dates."""

from __future__ import annotations

from datetime import date

from featurestore.schemas import Column
from featurestore.tables import Table

CUSTOMER_SEGMENTS = Table(
    "customer_segments",
    (
        Column("customer_id", "string", "Customer"),
        Column("as_of_date", "date", "Midnight UTC: only events strictly before it were looked at"),
        Column("rfm_segment", "string", "Named cell of the RFM scores; NULL without an order"),
        Column("cluster_id", "int", "Cluster of recency, order days and order value; ids last over refits"),
        Column("cluster_persona", "string", "The cluster in words, as its model named it"),
        Column("cluster_missing", "string", "Why there is no cluster; NULL where there is one"),
        Column("behavioural_segment", "string", "First of the ordered rules that holds; never NULL"),
        Column("model_version", "string", "Registered version of tessera_segments that gave the cluster"),
        Column("model_as_of", "date", "Date whose customers the model was fitted on; not later than as_of_date"),
        Column("feature_fingerprint", "string", "Definition of the features that were read", lineage=True),
        Column("run_id", "string", "Run that assigned", lineage=True),
        Column("segmented_at", "timestamp", "When", lineage=True),
    ),
    "Segments of every customer at every date",
    ("as_of_date",),
)

PROFILES = Table(
    "segment_profiles",
    (
        Column("as_of_date", "date", "Midnight UTC that the segments stand for"),
        Column("scheme", "string", "rfm, cluster or behavioural"),
        Column("segment", "string", "Segment, or cluster id as text; (none) for customers without one"),
        Column("persona", "string", "The cluster in words; NULL for other schemes"),
        Column("customers", "bigint", "Customers in it"),
        Column("share", "double", "Of all customers of the date, 0 to 1"),
        Column("mean_recency_days", "double", "Mean days since the last order; NULL without orders"),
        Column("mean_order_days_lifetime", "double", "Mean UTC days with an order"),
        Column("mean_order_value_mean_lifetime", "double", "Mean over customers of their mean gross order value"),
        Column("run_id", "string", "Run that counted", lineage=True),
    ),
    "What the segments of a date hold",
    ("as_of_date",),
)

FLOWS = Table(
    "segment_flows",
    (
        Column("from_date", "date", "Date before"),
        Column("to_date", "date", "The next date of customer_segments"),
        Column("scheme", "string", "rfm, cluster or behavioural"),
        Column("from_segment", "string", "Segment before; (none) without one, (absent) where not yet in the table"),
        Column("to_segment", "string", "Segment after; (absent) where no longer in the table"),
        Column("customers", "bigint", "Customers who moved so, or stayed"),
        Column("run_id", "string", "Run that counted", lineage=True),
    ),
    "Customers by segment at one date and at the next",
)


def around(day: date) -> str:
    """A predicate on `segment_flows`: what ends, begins or passes at a date.

    >>> around(date(2024, 1, 2))
    "from_date <= DATE'2024-01-02' AND to_date >= DATE'2024-01-02'"
    """
    return f"from_date <= DATE'{day}' AND to_date >= DATE'{day}'"
