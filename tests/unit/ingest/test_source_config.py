from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from featurestore.errors import ConfigurationError
from featurestore.source_config import carries_offset, source_config

SOURCES = Path(__file__).resolve().parents[3] / "conf" / "sources"
LINES = {
    "source": "orders",
    "format": "csv",
    "columns": {
        "customer_id": "customer",
        "event_time": "at",
        "order_id": "o",
        "quantity": "n",
        "amount": "a",
        "is_product": "true",
    },
    "identical_rows": "duplicates",
    "time_zone": "UTC",
    "time_format": "yyyy-MM-dd",
    "lateness": 0,
}


def configured(**changes):
    values = {key: value for key, value in {**LINES, **changes}.items() if value is not None}
    return source_config(yaml.safe_dump(values), where="test.yml")


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.yml")), ids=lambda path: path.stem)
def test_every_source_of_ours_is_valid(path):
    assert source_config(path.read_text(encoding="utf-8"), where=path.name).raw_columns


def test_the_raw_columns_are_those_that_any_expression_reads():
    config = configured(known_at="exported", event_id="concat(o, '-', line)")

    assert config.raw_columns == {"customer", "at", "o", "n", "a", "exported", "line"}


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("2d", timedelta(days=2)),
        ("36h", timedelta(hours=36)),
        ("90m", timedelta(minutes=90)),
        (0, timedelta(0)),
    ],
)
def test_durations_are_a_number_and_a_unit(text, duration):
    assert configured(lateness=text).lateness == duration


def test_complete_through_without_a_zone_is_utc():
    assert configured(complete_through="2024-01-01").complete_through == datetime(2024, 1, 1, tzinfo=UTC)


def test_an_event_of_several_takes_the_shared_columns_and_its_own():
    shared = {"customer_id": "who", "ticket_id": "id"}
    config = configured(
        source="support",
        columns=shared,
        events=[
            {"columns": {"event_time": "opened_at", "ticket_event": "'opened'"}},
            {
                "when": "resolved_at is not null",
                "columns": {"event_time": "resolved_at", "ticket_event": "'resolved'"},
            },
        ],
    )

    assert [mapping.columns["event_time"] for mapping in config.mappings] == ["opened_at", "resolved_at"]
    assert {mapping.columns["ticket_id"] for mapping in config.mappings} == {"id"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_zone": "Europe/Londn"}, "Europe/London"),
        ({"source": "order"}, "orders"),
        ({"colunms": {}}, "columns"),
        ({"columns": {**LINES["columns"], "ammount": "a"}}, "amount"),
        ({"columns": {"customer_id": "c"}}, "event_time, order_id, quantity, amount, is_product"),
        ({"options": {"separator": ";"}}, "sep"),
        ({"lateness": "2 days"}, "2d, 36h, 90m"),
        ({"lateness": 5}, "2d, 36h, 90m"),
        ({"time_format": "yyyy-mm-dd hh:ii"}, "letters i mean nothing"),
        ({"expectations": [{"name": "positive", "predicate": "qantity > 0"}]}, "quantity"),
        ({"expectations": [{"name": "p", "predicate": "quantity > 0", "action": "drop"}]}, "quarantine"),
        ({"expectations": [{"name": "p", "predicate": "quantity > (select 1)"}]}, "refused"),
        ({"columns": {**LINES["columns"], "amount": "(select 1)"}}, "refused"),
        ({"event_id": "o; drop table x"}, "second statement"),
        ({"event_id": "o", "identical_rows": "repeats"}, "repeats"),
        ({"format": "text"}, "pattern"),
        ({"format": "text", "pattern": "(?P<customer>.*)"}, "no group named a, at, n, o"),
        ({"format": "text", "pattern": "(?P<customer>"}, "no regular expression"),
        ({"known_at": "k", "known_at_lag": "1d"}, "not both"),
        ({"quarantined_share_limit": 1.5}, "less than or equal to 1"),
        ({"identical_rows": None}, "identical_rows: required"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected(changes, message):
    with pytest.raises(ConfigurationError, match="test.yml") as refused:
        configured(**changes)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "has_offset"), [("yyyy-MM-dd'T'HH:mm:ssXXX", True), ("yyyy-MM-dd'Z'", False), (None, False)]
)
def test_a_format_with_an_offset_names_instants(text, has_offset):
    assert carries_offset(text) is has_offset
