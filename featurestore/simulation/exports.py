"""Rows as a shop writes them down: numbers with prefixes, prices as text, times on its own clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from featurestore.errors import ConfigurationError
from featurestore.simulation.dirt import SOURCES, Kind, count_by_kind, soiled
from featurestore.simulation.process import SECONDS_A_DAY, Histories, simulate_histories
from featurestore.simulation.randomness import Integers
from featurestore.simulation.rows import (
    UNCHANGED,
    Rows,
    interaction_rows,
    order_rows,
    profile_rows,
    ticket_rows,
)
from featurestore.simulation.wording import (
    dates,
    joined,
    local_seconds,
    local_times,
    padded,
    price,
    text,
    utc_times,
)
from featurestore.simulation.world import World

MOST_ORDERS, MOST_VIEWS = 50_000, 200_000
INTERACTION_TYPES = pa.array(["page_view", "product_view", "add_to_cart"])
PAGES = pa.array(["/", "/new", "/sale", "/search"])
DEVICES = pa.array(["mobile", "desktop", "tablet"])
REGIONS = pa.array(
    [
        "London",
        "South East",
        "North West",
        "East",
        "West Midlands",
        "South West",
        "Yorkshire",
        "Scotland",
        "Wales",
        "Northern Ireland",
    ]
)
CUSTOMER_TYPES = pa.array(["consumer", "small_business", "trade"])
YES_NO = pa.array(["no", "yes"])

_ROWS: dict[str, Callable[..., Rows]] = {
    "orders": order_rows,
    "interactions": interaction_rows,
    "support": ticket_rows,
    "profiles": profile_rows,
}
COLUMNS = {
    "orders": ("order_no", "line_no", "sku", "quantity", "unit_price", "ordered_at", "customer", "exported_on"),
    "interactions": ("event_id", "customer", "type", "at", "session", "page", "product", "device"),
    "support": ("ticket", "customer", "opened_at", "resolved_at", "satisfaction", "escalated"),
    "profiles": ("customer", "changed_at", "region", "income", "birth_year", "customer_type"),
}


def export(world: World, source: str, customers: Integers) -> pa.RecordBatch:
    """The rows that these customers leave in one export, all columns text, ordered by customer.

    Raises ConfigurationError for an unknown source.
    """
    if source not in SOURCES:
        raise ConfigurationError.unknown_name("source", source, known=SOURCES)
    histories = _histories(world, customers)
    rows = _rows(world, source, histories)
    columns = _WRITTEN[source](rows, histories, world)
    return pa.RecordBatch.from_arrays(columns, names=list(COLUMNS[source]))


def dirt_counts(world: World, customers: Integers) -> pa.RecordBatch:
    """How many rows of each kind these customers leave: source, kind, rows."""
    histories = _histories(world, customers)
    counted = [(source, count_by_kind(_rows(world, source, histories))) for source in SOURCES]
    found = [
        (source, kind.name.lower(), int(counts[kind])) for source, counts in counted for kind in Kind if counts[kind]
    ]
    names = ("source", "kind", "rows")
    types = (pa.string(), pa.string(), pa.int64())
    arrays = [pa.array([row[i] for row in found], type=types[i]) for i in range(len(names))]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def customer_ids(customers: Integers) -> pa.Array:
    """How the shop writes customers.

    >>> customer_ids(np.array([0, 123])).to_pylist()
    ['K00000000', 'K00000123']
    """
    return joined("K", padded(customers, 8))


def _rows(world: World, source: str, histories: Histories) -> Rows:
    return soiled(_ROWS[source](histories, seed=world.seed), histories, world, source=source)


def _histories(world: World, customers: Integers) -> Histories:
    histories = simulate_histories(world.process, customers, days=world.days, seed=world.seed)
    # Order, view and ticket ids leave this much room for each customer.
    orders, views = (np.diff(start).max(initial=0) for start in (histories.order_start, histories.view_start))
    if orders >= MOST_ORDERS or views >= MOST_VIEWS:
        raise ConfigurationError(
            f"a customer has {orders} orders and {views} views; expected fewer than {MOST_ORDERS} "
            f"and {MOST_VIEWS}. Simulate fewer days or lower rates."
        )
    return histories


def _orders(rows: Rows, histories: Histories, world: World) -> list[pa.Array]:
    kind = rows["kind"]
    # Rows without customer are orders of guests; dirt of the same order has line numbers of its own.
    number = (histories.customers[rows["owner"]] + 1) * 100_000 + rows["number"]
    number = number + np.where(kind == Kind.MISSING_CUSTOMER, MOST_ORDERS, 0)
    shares_number = (kind == Kind.MISSING_CUSTOMER) | (kind == Kind.DUPLICATE)
    today = (world.epoch + local_seconds(world, rows["second"])) // SECONDS_A_DAY
    exported = today + 1 + rows["delay"]
    sku = joined("P", padded(rows["sku"], 3))
    return [
        joined(pa.array(["", "C"]).take(pa.array(rows["cancels"])), text(number)),
        text(rows["line"] + np.where(shares_number, 0, 10 * kind)),
        pc.if_else(pa.array(kind == Kind.FREE_GIFT), "GIFT", sku),
        text(rows["pieces"]),
        price(rows["cents"]),
        local_times(world, rows["second"], rows["fault"]),
        _known_customers(rows, histories),
        dates(exported),
    ]


def _interactions(rows: Rows, histories: Histories, world: World) -> list[pa.Array]:
    product = joined("P", padded(rows["sku"], 3))
    on_product = pa.array(rows["type"] > 0)
    page = PAGES.take(pa.array(rows["sku"] % len(PAGES)))
    return [
        joined("V", _identity(rows, histories)),
        _known_customers(rows, histories),
        INTERACTION_TYPES.take(pa.array(rows["type"])),
        utc_times(world, rows["second"], rows["fault"]),
        joined("S", text((histories.customers[rows["owner"]] + 1) * 1_000_000 + rows["session"])),
        pc.if_else(on_product, joined("/product/", product), page),
        pc.if_else(on_product, product, None),
        DEVICES.take(pa.array(rows["device"])),
    ]


def _support(rows: Rows, histories: Histories, world: World) -> list[pa.Array]:
    open_still = pa.array(rows["resolved"] >= world.days * SECONDS_A_DAY)
    resolved = np.minimum(rows["resolved"], world.days * SECONDS_A_DAY)
    outcome = (
        local_times(world, resolved, rows["fault"]),
        text(rows["satisfaction"]),
        YES_NO.take(pa.array(rows["escalated"])),
    )
    return [
        joined("T", _identity(rows, histories)),
        _known_customers(rows, histories),
        local_times(world, rows["second"], rows["fault"]),
        *(pc.if_else(open_still, None, column) for column in outcome),
    ]


def _profiles(rows: Rows, histories: Histories, world: World) -> list[pa.Array]:
    return [
        _known_customers(rows, histories),
        local_times(world, rows["second"], rows["fault"]),
        REGIONS.take(_changed(rows["region"])),
        text(rows["income"], known=rows["income"] != UNCHANGED),
        text(rows["birth_year"], known=rows["birth_year"] != UNCHANGED),
        CUSTOMER_TYPES.take(_changed(rows["customer_type"])),
    ]


_WRITTEN: dict[str, Callable[[Rows, Histories, World], list[pa.Array]]] = {
    "orders": _orders,
    "interactions": _interactions,
    "support": _support,
    "profiles": _profiles,
}


def _identity(rows: Rows, histories: Histories) -> pa.Array:
    """Ids of views and tickets; a duplicate has its original's, other dirt one of its own."""
    kind = np.where(rows["kind"] == Kind.DUPLICATE, 0, rows["kind"])
    return text((histories.customers[rows["owner"]] + 1) * 1_000_000 + rows["number"] + MOST_VIEWS * kind)


def _known_customers(rows: Rows, histories: Histories) -> pa.Array:
    written = customer_ids(histories.customers).take(pa.array(rows["owner"]))
    return pc.if_else(pa.array(rows["kind"] == Kind.MISSING_CUSTOMER), None, written)


def _changed(values: Integers) -> pa.Array:
    return pa.array(values, mask=values == UNCHANGED)
