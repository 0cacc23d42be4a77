"""The shapes of events: for each source its measures, their Spark types and what they mean.

A source is one stream of events of one shape. What all events share is written once here, so that
ingest, features and tests agree on it; types are Spark DDL names so that this file needs no Spark.
"""

from __future__ import annotations

from dataclasses import dataclass

from featurestore.errors import ConfigurationError

LARGEST_MEASURE = 10**13
"""No measure may exceed this many units, so that sums of scaled integers cannot overflow unseen."""


@dataclass(frozen=True)
class Column:
    """One column of a table: name, Spark DDL type, comment; `lineage` columns are left out of comparisons."""

    name: str
    type: str
    comment: str
    required: bool = False
    lineage: bool = False
    fingerprint: str = ""
    """Identity of the meaning of its values, stored with the column where that may change."""

    @property
    def is_number(self) -> bool:
        return self.type == "bigint" or self.type.startswith("decimal")


@dataclass(frozen=True)
class Source:
    """One stream of events of one shape: its name and its measures beyond what all events share.

    `table` is where its rows are, if not in events_<name>.
    """

    name: str
    measures: tuple[Column, ...]
    table: str = ""

    @property
    def events_table(self) -> str:
        return self.table or f"events_{self.name}"

    @property
    def quarantine_table(self) -> str:
        return f"quarantine_{self.name}"

    @property
    def content(self) -> tuple[Column, ...]:
        """The columns that make two events the same: who, when, what."""
        return (*EVENT_IDENTITY, *self.measures)

    @property
    def event_columns(self) -> tuple[Column, ...]:
        """All columns of the events table, in order."""
        return (EVENT_ID, *self.content, *LOCAL_TIME, *EVENT_ARRIVAL, EVENT_MONTH)


EVENT_ID = Column("event_id", "string", "Natural id of the event, else a hash of its content", required=True)
EVENT_IDENTITY = (
    Column("customer_id", "string", "Customer who did it, exactly as the source spells it", required=True),
    Column("event_time", "timestamp", "When it happened, UTC, microseconds", required=True),
)
LOCAL_TIME = (
    Column("local_hour", "int", "Hour of day (0 to 23) on the source's own clock"),
    Column("local_weekday", "int", "ISO weekday (1 Monday to 7 Sunday) on the source's own clock"),
)
EVENT_ARRIVAL = (
    Column("known_at", "timestamp", "When the business knew of it, UTC", lineage=True),
    Column("ingested_at", "timestamp", "When its batch was taken in, UTC; one per batch", lineage=True),
    Column("batch_seq", "bigint", "Rank of its batch among the batches of the source", lineage=True),
    Column("batch_id", "string", "Hash of source, input identity and content of its batch", lineage=True),
)
EVENT_MONTH = Column("event_month", "date", "First day of the UTC month of event_time; partition column")

ORDERS = Source(
    "orders",
    (
        Column("order_id", "string", "Order that the line belongs to", required=True),
        Column("product_id", "string", "Product on the line; NULL where the source has none"),
        Column("quantity", "bigint", "Pieces; negative on returns and cancellations", required=True),
        Column("unit_price", "decimal(18,4)", "Price of one piece, currency of the warehouse"),
        Column("amount", "decimal(18,2)", "quantity x unit price to the cent; negative on returns", required=True),
        Column("is_product", "boolean", "False for postage, fees, adjustments and tests", required=True),
    ),
)
INTERACTIONS = Source(
    "interactions",
    (
        Column("interaction_type", "string", "page_view, product_view, add_to_cart, ...", required=True),
        Column("session_id", "string", "Session that it belongs to"),
        Column("product_id", "string", "Product looked at, if any"),
        Column("device", "string", "Kind of device"),
    ),
)
SUPPORT = Source(
    "support",
    (
        Column("ticket_id", "string", "Ticket that it belongs to", required=True),
        Column(
            "ticket_event", "string", "opened or resolved: two events, so that no outcome is known early", required=True
        ),
        Column("satisfaction", "bigint", "1 to 5, on resolved events only"),
        Column("is_escalated", "boolean", "Whether it was escalated, on resolved events only"),
    ),
)
PROFILES = Source(
    "profiles",
    (
        Column("attribute", "string", "Name of the attribute that changed", required=True),
        Column("value", "string", "Its value from this instant on", required=True),
    ),
)

SOURCES = {source.name: source for source in (ORDERS, INTERACTIONS, SUPPORT, PROFILES)}
ALIASES = Source("aliases", (), table="customer_aliases")
"""Which ids are one person: no events, but batches with ranks that are fed, taken back and recorded like theirs."""
ORIGINS = {**SOURCES, ALIASES.name: ALIASES}
"""All that batches belong to."""


def source(name: str) -> Source:
    """The source called `name`.

    >>> source("orders").events_table
    'events_orders'

    Raises ConfigurationError for an unknown name, with the nearest valid ones.
    """
    if name not in SOURCES:
        raise ConfigurationError.unknown_name("source", name, known=SOURCES)
    return SOURCES[name]


def origin(name: str) -> Source:
    """What batches called `name` belong to: a source, or the aliases.

    >>> origin("aliases").events_table
    'customer_aliases'
    """
    return ORIGINS[name] if name in ORIGINS else source(name)
