"""A shop's database for tests: its tables, how they are read, and a few rows."""

from __future__ import annotations

from pathlib import Path

from featurestore.source_config import source_config

SOURCES = Path(__file__).resolve().parents[3] / "conf" / "sources"
TABLES = """
CREATE TABLE users (user_id bigint PRIMARY KEY, region text, income numeric, birth_year int, customer_type text,
    registered_at timestamptz, updated_at timestamptz NOT NULL);
CREATE TABLE events (event_id bigint PRIMARY KEY, user_id bigint, event_type text, session_id text, product_id text,
    device text, quantity int, amount numeric, occurred_at timestamptz, recorded_at timestamptz);
CREATE TABLE products (product_id text, name text, category text, price numeric, kind text, updated_at timestamptz);
CREATE TABLE user_metrics (user_id bigint, metric text, value numeric, measured_at timestamptz,
    recorded_at timestamptz);
"""
EVENTS = """
INSERT INTO events SELECT n, n % 7, 'page_view', 's' || n / 3, 'p' || n % 5, 'phone', NULL, NULL, at, at
FROM (SELECT n, timestamptz '2024-01-02 10:00:00Z' + n * interval '1 minute' AS at FROM generate_series({}, {}) AS n) r;
"""


def packaged(name, **table):
    """A source of `conf/sources/`; `table` changes how its table is read."""
    config = source_config((SOURCES / f"{name}.yml").read_text(encoding="utf-8"), where=name)
    return config.model_copy(update={"jdbc": config.jdbc.model_copy(update=table)})
