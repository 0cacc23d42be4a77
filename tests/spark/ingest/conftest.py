"""A small shop whose exports the tests write by hand, and a way to feed them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from featurestore.ingest import ingest
from featurestore.source_config import source_config
from jobs.benchmarks.malformed.trial import HEADER, SHOP

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
NATURAL = {"event_id": "concat(order, '-', line)"}


def shop(**changes):
    """The shop's configuration with keys changed."""
    return source_config(yaml.safe_dump({**SHOP, **changes}), where="shop.yml")


def line(customer="13085", order="1", number="1", sku="85048", pieces="2", price="1.50", at="2024-01-02 10:00:00"):
    return f"{customer},{order},{number},{sku},{pieces},{price},{at}"


def counts(report):
    """Read, accepted, quarantined, duplicate; conservation is checked on the way."""
    found = (report.rows_read, report.rows_accepted, report.rows_quarantined, report.rows_duplicate)
    assert found[0] == sum(found[1:])
    return found


@pytest.fixture
def write(tmp_path):
    """Writes a file of lines, header first, and returns its path."""

    def written(*lines, name="orders.csv", header=HEADER):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*([header] if header else []), *lines]) + "\n", encoding="utf-8")
        return str(path)

    return written


@pytest.fixture
def feed(warehouse):
    """Ingests a path into the test's own warehouse."""

    def fed(path, config=None, *, ingested_at=NOW):
        return ingest(warehouse, config or shop(), path, ingested_at=ingested_at)

    return fed


@pytest.fixture
def rows(warehouse):
    """Rows of a table as sorted tuples of the named columns, all as text (so the time zone is UTC)."""

    def read(table, *columns):
        found = warehouse.read(table).selectExpr(*[f"cast({column} as string)" for column in columns])
        return sorted((tuple(row) for row in found.collect()), key=repr)

    return read
