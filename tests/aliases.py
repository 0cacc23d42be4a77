"""Alias files for tests, and the plain-Python twin of what aliases mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from featurestore.alias_ingest import ingest_aliases
from tests.events import INGESTED

DAY = timedelta(days=1)


def declare(warehouse, pairs, *, name="aliases.csv", header="alias_id,customer_id", at=INGESTED, **more):
    """Feed a CSV of rows (tuples) from the folder above the warehouse."""
    path = Path(warehouse.root).parent / name
    path.write_text("\n".join([header, *[",".join(row) for row in pairs]]) + "\n", encoding="utf-8")
    more = {"quarantined_share_limit": 1, **more}
    return ingest_aliases(warehouse, str(path), ingested_at=at, run_id="r", **more)


def person_of(customer: str, links: Mapping[str, tuple[str, datetime]], *, before: datetime | None = None) -> str:
    """Who `customer` is by the links (alias to customer and when known) known before an instant, else by all."""
    while customer in links and (before is None or links[customer][1] < before):
        customer = links[customer][0]
    return customer
