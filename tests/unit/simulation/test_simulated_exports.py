from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from featurestore.errors import ConfigurationError
from featurestore.simulation.dirt import SOURCES
from featurestore.simulation.exports import COLUMNS, dirt_counts, export
from featurestore.simulation.process import simulate_histories
from featurestore.simulation.rows import interaction_rows, order_rows
from featurestore.simulation.world import Dirt, World

CUSTOMERS = np.arange(400)
MUCH = Dirt(0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05)
CLEAN = World(customers=400, days=600, seed=9, dirt=Dirt.none())
DIRTY = World(customers=400, days=600, seed=9, dirt=MUCH)
Row = tuple[str | None, ...]


def rows(world: World, source: str, customers: np.ndarray = CUSTOMERS) -> list[Row]:
    batch = export(world, source, customers)
    return list(zip(*(batch.column(i).to_pylist() for i in range(batch.num_columns)), strict=True))


def records(world: World, source: str) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS[source], row, strict=True)) for row in rows(world, source)]


def counts(world: World) -> dict[tuple[str, str], int]:
    return {(r["source"], r["kind"]): r["rows"] for r in dirt_counts(world, CUSTOMERS).to_pylist()}


def parsed(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - a wall clock
    except ValueError:
        return None


def quarantined(line: dict[str, str]) -> bool:
    negative = int(line["quantity"]) < 0 and not line["order_no"].startswith("C")
    return line["customer"] is None or parsed(line["ordered_at"]) is None or negative


@pytest.mark.parametrize("source", SOURCES)
def test_dirt_only_adds_rows(source: str) -> None:
    clean, dirty = Counter(rows(CLEAN, source)), Counter(rows(DIRTY, source))
    assert clean <= dirty
    added = sum(n for (s, kind), n in counts(DIRTY).items() if s == source and kind != "clean")
    assert (dirty - clean).total() == added > 0


def test_dirt_leaves_orders_and_net_spend_of_every_customer() -> None:
    def ledger(world: World) -> tuple[dict[str, Decimal], dict[str, set[str]]]:
        net, orders, seen = Counter(), {}, set()
        for line in records(world, "orders"):
            key = (line["order_no"], line["line_no"])
            if quarantined(line) or key in seen:
                continue
            seen.add(key)
            amount = int(line["quantity"]) * Decimal(line["unit_price"])
            net[line["customer"], line["ordered_at"]] += amount
            if amount > 0:
                orders.setdefault(line["customer"], set()).add(line["order_no"])
        return dict(net), orders

    assert ledger(CLEAN) == ledger(DIRTY)


def test_each_kind_of_dirt_is_counted_and_shows_in_the_orders() -> None:
    lines, told = records(DIRTY, "orders"), counts(DIRTY)
    keys = Counter((line["order_no"], line["line_no"]) for line in lines)
    assert sum(line["customer"] is None for line in lines) == told["orders", "missing_customer"]
    assert sum(n - 1 for n in keys.values()) == told["orders", "duplicate"]
    assert sum(parsed(line["ordered_at"]) is None for line in lines) == told["orders", "unparsable_time"]
    assert sum(line["unit_price"] == "0.00" for line in lines) == told["orders", "free_gift"]
    cancelling = [line for line in lines if line["order_no"].startswith("C")]
    assert len(cancelling) * 2 == told["orders", "cancellation"] + told["orders", "late"]
    assert sum(map(quarantined, lines)) == sum(
        told["orders", kind] for kind in ("missing_customer", "unparsable_time", "negative_amount")
    )


def test_late_rows_and_no_others_are_exported_in_a_later_month() -> None:
    def months_late(line: dict[str, str]) -> int:
        happened, exported = parsed(line["ordered_at"]), datetime.fromisoformat(line["exported_on"])
        return (exported - happened).days

    readable = [line for line in records(DIRTY, "orders") if parsed(line["ordered_at"])]
    late = [line for line in readable if months_late(line) > 1]
    assert len(late) == counts(DIRTY)["orders", "late"] > 0
    assert all(line["exported_on"][:7] > line["ordered_at"][:7] for line in late)
    assert all(34 <= months_late(line) <= 91 for line in late)
    # Day 600 begins on 24 August in UTC and an hour earlier on the shop's clock.
    assert max(line["exported_on"] for line in readable) <= "2023-08-25"


def test_rates_are_those_stated() -> None:
    told = counts(DIRTY)
    for (source, kind), n in told.items():
        if kind != "clean" and told[source, "clean"] > 2_000:
            rows_each = 2 if kind in ("cancellation", "late") else 1
            share = 0.05 * (1 if kind != "late" else (600 - 91) / 600)
            assert n / rows_each / told[source, "clean"] == pytest.approx(share, rel=0.35)


@pytest.mark.parametrize("source", SOURCES)
def test_exports_do_not_depend_on_blocks(source: str) -> None:
    parts = [row for block in np.array_split(CUSTOMERS, 9) for row in rows(DIRTY, source, block)]
    assert rows(DIRTY, source) == parts


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("customers", [0, 1])
def test_nobody_and_one(source: str, customers: int) -> None:
    batch = export(DIRTY, source, np.arange(customers))
    assert tuple(batch.schema.names) == COLUMNS[source]
    assert batch.num_rows >= 0 if customers else batch.num_rows == 0


def test_lines_sum_to_the_value_of_their_order() -> None:
    histories = simulate_histories(CLEAN.process, CUSTOMERS, days=600, seed=9)
    lines = order_rows(histories, seed=9)
    assert (lines["pieces"] > 0).all() and (lines["cents"] > 0).all()
    order = histories.order_start[lines["owner"]] + lines["number"]
    assert (np.bincount(order, weights=lines["pieces"] * lines["cents"]) == histories.order_cents).all()
    assert sorted(set(np.bincount(order).tolist())) == [1, 2, 3, 4]


def test_times_are_the_shops_own_and_interactions_utc() -> None:
    histories = simulate_histories(CLEAN.process, CUSTOMERS, days=600, seed=9)
    london = ZoneInfo("Europe/London")
    seconds = order_rows(histories, seed=9)["second"]
    shown = [line["ordered_at"] for line in records(CLEAN, "orders")]
    instants = [datetime.fromtimestamp(CLEAN.epoch + s, london) for s in seconds.tolist()]
    assert shown == [instant.strftime("%Y-%m-%d %H:%M:%S") for instant in instants]
    views = interaction_rows(histories, seed=9)["second"].tolist()
    assert [view["at"] for view in records(CLEAN, "interactions")] == [
        datetime.fromtimestamp(CLEAN.epoch + s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for s in views
    ]


def test_tickets_open_one_second_after_an_order_and_say_nothing_before_they_are_resolved() -> None:
    ordered = {(line["customer"], line["ordered_at"]) for line in records(CLEAN, "orders")}
    tickets = records(CLEAN, "support")
    opened = [parsed(ticket["opened_at"]) for ticket in tickets]
    before = [(t - timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S") for t in opened]
    assert all((t["customer"], b) in ordered for t, b in zip(tickets, before, strict=True))
    for ticket in tickets:
        outcome = [ticket[name] for name in ("resolved_at", "satisfaction", "escalated")]
        assert len({value is None for value in outcome}) == 1
    assert all(t["resolved_at"] > t["opened_at"] for t in tickets if t["resolved_at"])


def test_profiles_begin_at_the_first_order_and_change_one_thing_at_a_time() -> None:
    first_order: dict[str, str] = {}
    for line in records(CLEAN, "orders"):
        first_order.setdefault(line["customer"], line["ordered_at"])
    seen: set[str] = set()
    for row in records(CLEAN, "profiles"):
        filled = [name for name in COLUMNS["profiles"][2:] if row[name] is not None]
        if row["customer"] not in seen:
            assert row["changed_at"] == first_order[row["customer"]] and len(filled) == 4
        else:
            assert filled in (["region"], ["income"])
        seen.add(row["customer"])
    assert len(seen) == 400


def test_ids_of_events_are_unique_in_clean_exports() -> None:
    ids_of = {"orders": ("order_no", "line_no"), "interactions": ("event_id",), "support": ("ticket",)}
    for source, names in ids_of.items():
        ids = [tuple(row[name] for name in names) for row in records(CLEAN, source)]
        assert len(ids) == len(set(ids)) > 0


def test_wrong_arguments_are_answered() -> None:
    with pytest.raises(ConfigurationError, match="orders"):
        export(CLEAN, "order", CUSTOMERS)
    with pytest.raises(ConfigurationError, match="late"):
        Dirt(late=1.5)
    with pytest.raises(ConfigurationError, match="customers is -1"):
        World(customers=-1, days=10, seed=0)
    with pytest.raises(ConfigurationError, match="days is 0"):
        World(customers=1, days=0, seed=0)
    with pytest.raises(ConfigurationError, match="Europe/London"):
        World(customers=1, days=10, seed=0, time_zone="Europe/Londn")
