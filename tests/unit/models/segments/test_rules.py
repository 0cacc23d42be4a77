"""Behavioural rules: one segment for everyone, the first that holds, and refusals that say where."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurestore.errors import ConfigurationError
from featurestore.features import feature_set
from jobs.settings import load_settings
from models.segments.rules import load_rules, read_rules

RULES = load_rules("behavioural")
READ = RULES.columns()
FEATURES = [one.name for one in feature_set(["orders"], rfm_segments=load_settings().features.rfm_segments).features]
NUMBERS = st.one_of(st.none(), st.integers(0, 12), st.sampled_from([0.1, 0.3, 1.5, 2.5, 30, 31, 60, 90, 91, 200, 400]))
CUSTOMERS = st.lists(st.fixed_dictionaries(dict.fromkeys(READ, NUMBERS)), min_size=1, max_size=8)


ENGINE = duckdb.connect()


def answers(expressions: list[str], customers: list[dict]) -> list[tuple]:
    """What an independent engine says of SQL expressions, customer by customer."""
    rows = ", ".join(f"({at}, {', '.join('?::DOUBLE' for _ in READ)})" for at in range(len(customers)))
    values = [one[name] for one in customers for name in READ]
    query = f"SELECT {', '.join(expressions)} FROM (VALUES {rows}) AS t(place, {', '.join(READ)}) ORDER BY place"
    return ENGINE.execute(query, values).fetchall()


@given(CUSTOMERS)
def test_everyone_has_the_first_segment_whose_condition_holds(customers):
    found = answers([RULES.sql(), *[rule.where or "true" for rule in RULES.segments]], customers)
    for segment, *held in found:
        assert segment == next(name for name, holds in zip(RULES.names, held, strict=True) if holds)


def test_the_shipped_rules_are_twelve_over_features_of_orders():
    assert len(RULES.segments) == 12
    RULES.check(FEATURES, where="behavioural")


@pytest.mark.parametrize("name", RULES.names)
def test_each_segment_can_be_reached(name):
    few = {"orders_count_lifetime": 9, "orders_count_365d": 3, "orders_count_180d": 3, "orders_count_60d": 1,
           "recency_days": 20, "return_rate_365d": 0, "overdue_ratio": 1, "spend_percentile_365d": 50,
           "amount_trend_90d_vs_180d": 1}  # fmt: skip
    telling = {
        "not_yet_buying": {"orders_count_lifetime": None}, "newcomers": {"orders_count_lifetime": 1},
        "one_time_buyers": {"orders_count_lifetime": 1, "recency_days": 31}, "lost": {"recency_days": 366},
        "dormant": {"recency_days": 181}, "won_back": {"orders_count_180d": 1, "orders_count_365d": 1},
        "frequent_returners": {"return_rate_365d": 0.3}, "slipping_away": {"overdue_ratio": 2.1, "recency_days": 31},
        "big_spenders": {"spend_percentile_365d": 91}, "growing": {"amount_trend_90d_vs_180d": 1.5},
        "regulars": {"orders_count_365d": 6}, "occasional": {},
    }  # fmt: skip
    assert answers([RULES.sql()], [{**few, **telling[name]}]) == [(name,)]


def ruled(*segments: str) -> str:
    return "segments:\n" + "\n".join(f"  - {{{one}}}" for one in segments)


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        (["name: a, means: A", "name: b, means: B"], "'a' has no `where` and takes everyone"),
        (["name: a, means: A, where: x > 1", "name: b, means: B, where: x > 0"], "would have no segment"),
        (["name: a, means: A, where: x > 1", "name: a, means: B"], "named twice"),
        (["name: a, means: A, wher: x > 1", "name: b, means: B"], "Did you mean 'where'?"),
        (["name: a, means: A, where: rand() > 1", "name: b, means: B"], r"segment 'a'[\s\S]*'rand' is not allowed"),
        (["name: a, means: A, where: (select 1)", "name: b, means: B"], "segment 'a'"),
        (["name: a, means: A"], "at least 2"),
    ],
)
def test_rules_that_leave_someone_out_or_cannot_be_read_are_refused(segments, said):
    with pytest.raises(ConfigurationError, match=said):
        read_rules(ruled(*segments), where="mine.yml")


def test_an_unknown_feature_is_answered_with_near_ones():
    rules = read_rules(ruled("name: a, means: A, where: recency_day > 1", "name: b, means: B"), where="mine.yml")
    with pytest.raises(ConfigurationError, match=r"mine\.yml, segment 'a'.*recency_days"):
        rules.check(FEATURES, where="mine.yml")
    with pytest.raises(ConfigurationError, match="Did you mean 'behavioural'"):
        load_rules("behavorial")
