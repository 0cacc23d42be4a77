"""Bands, groups, segments and scores: derived features that judge, each by a rule that is written here.

Pure functions on Arrow arrays like those of `derived`; NULL in, NULL out unless the function says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc


def banded(values: pa.Array, edges: tuple[int, ...], names: tuple[str, ...]) -> pa.Array:
    """The name of the band that each value lies in: below edges[0], from there to below edges[1], ...

    >>> banded(pa.array([1.0, 5.0, None]), (5,), ("low", "high")).to_pylist()
    ['low', 'high', None]
    """
    found = pc.if_else(pc.is_valid(values), names[-1], pa.scalar(None, pa.string()))
    for edge, name in reversed(list(zip(edges, names, strict=False))):
        found = pc.if_else(pc.fill_null(pc.less(values, float(edge)), False), name, found)
    return found


def income_bracket(income: pa.Array) -> pa.Array:
    """The bracket of an income.

    >>> income_bracket(pa.array([24_999.0, 25_000.0])).to_pylist()
    ['below 25k', '25k to 50k']
    """
    names = ("below 25k", "25k to 50k", "50k to 75k", "75k to 100k", "100k and above")
    return banded(income, (25_000, 50_000, 75_000, 100_000), names)


def age_group(age_years: pa.Array) -> pa.Array:
    """The group of an age in years.

    >>> age_group(pa.array([17.0, 65.0])).to_pylist()
    ['below 18', '65 and above']
    """
    names = ("below 18", "18 to 24", "25 to 34", "35 to 44", "45 to 54", "55 to 64", "65 and above")
    return banded(age_years, (18, 25, 35, 45, 55, 65), names)


def grouped_region(region: pa.Array, *, groups: Iterable[tuple[str, str]] = ()) -> pa.Array:
    """The group that `groups` (pairs of a region and its group) names for each region, else the region itself.

    >>> grouped_region(pa.array(["Leeds", "Bath"]), groups=[("Leeds", "North")]).to_pylist()
    ['North', 'Bath']
    """
    found = region
    for name, group in groups:
        found = pc.if_else(pc.fill_null(pc.equal(region, name), False), group, found)
    return found


def filled(share_of: pa.Array, full: float) -> pa.Array:
    """v / full, at least 0 and at most 1; NULL as 0: how much of a measure's full mark is reached.

    >>> filled(pa.array([5.0, 30.0, None]), 20.0).to_pylist()
    [0.25, 1.0, 0.0]
    """
    reached = pc.divide(pc.cast(pc.fill_null(share_of, 0), pa.float64()), full)
    return pc.max_element_wise(pc.min_element_wise(reached, 1.0), 0.0)


def engagement_score(
    session_minutes: pa.Array, session_pages: pa.Array, basket_intensity: pa.Array, days_since: pa.Array, *,
    time: float = 0.3, pages: float = 0.2, basket: float = 0.3, recency: float = 0.2, full_minutes: float = 10.0,
    full_pages: float = 10.0, full_basket: float = 1.0, full_days: float = 30.0,
) -> pa.Array:  # fmt: skip
    """Weighted mean, 0 to 1, of how far time, pages and cart additions a session reach full marks, and of recency.

    Recency falls from 1 now to 0 at `full_days`. NULL only where `days_since` is: nobody was there.

    >>> engagement_score(pa.array([5.0]), pa.array([10.0]), pa.array([None], pa.float64()), pa.array([0.0])).to_pylist()
    [0.55]
    """
    recent = pc.subtract(1.0, filled(days_since, full_days))
    parts = ((time, filled(session_minutes, full_minutes)), (pages, filled(session_pages, full_pages)),
             (basket, filled(basket_intensity, full_basket)), (recency, recent))  # fmt: skip
    total = pa.array([0.0] * len(days_since), pa.float64())
    for weight, part in parts:
        total = pc.add(total, pc.multiply(part, weight))
    return pc.if_else(pc.is_valid(days_since), total, pa.scalar(None, pa.float64()))


def session_segment(score: pa.Array, basket_intensity: pa.Array, product_share: pa.Array) -> pa.Array:
    """high_engagement from a score of .6; else focused_shopper with a cart addition in half of the sessions; else
    window_shopper where half of the pages are products; else casual_browser. NULL without a session.

    >>> half = pa.array([0.5, 0.5, 0.0, 0.0])
    >>> session_segment(pa.array([0.6, 0.1, 0.1, 0.1]), half, pa.array([0.0, 0.0, 0.5, 0.1])).to_pylist()
    ['high_engagement', 'focused_shopper', 'window_shopper', 'casual_browser']
    """

    def reaches(values: pa.Array, least: float) -> pa.Array:
        return pc.fill_null(pc.greater_equal(values, least), False)

    name = pc.if_else(reaches(product_share, 0.5), "window_shopper", "casual_browser")
    name = pc.if_else(reaches(basket_intensity, 0.5), "focused_shopper", name)
    name = pc.if_else(reaches(score, 0.6), "high_engagement", name)
    return pc.if_else(pc.is_valid(basket_intensity), name, pa.scalar(None, pa.string()))


def customer_value_score(r_score: pa.Array, f_score: pa.Array, m_score: pa.Array) -> pa.Array:
    """The mean of the three scores, 1 to 5: equal weights (Hughes, Strategic Database Marketing, 1994).

    >>> customer_value_score(pa.array([5]), pa.array([4]), pa.array([3])).to_pylist()
    [4.0]
    """
    total = pc.add(pc.add(r_score, f_score), m_score)
    return pc.divide(pc.cast(total, pa.float64()), 3.0)


def churn_risk_score(recency_percentile: pa.Array, frequency_percentile: pa.Array) -> pa.Array:
    """1 - mean of the two percentiles, 0 to 1: 1 for who ordered longest ago and least often.

    The R and F of RFM turned round, a rule of thumb: the calibrated probability is a model's.

    >>> churn_risk_score(pa.array([1, 100, 51]), pa.array([1, 100, 50])).to_pylist()
    [1.0, 0.0, 0.5]
    """
    both = pc.cast(pc.add(recency_percentile, frequency_percentile), pa.float64())
    return pc.divide(pc.subtract(200.0, both), 198.0)


def growth_potential_score(
    recency_percentile: pa.Array, frequency_percentile: pa.Array, monetary_percentile: pa.Array
) -> pa.Array:
    """How active a customer is (mean percentile of recency and frequency) times how little an order is worth, 0 to 1.

    High for who comes often and lately and spends little each time: the usual target of cross-selling.

    >>> growth_potential_score(pa.array([100, 100]), pa.array([100, 100]), pa.array([1, 100])).to_pylist()
    [1.0, 0.0]
    """
    active = pc.subtract(1.0, churn_risk_score(recency_percentile, frequency_percentile))
    room = pc.divide(pc.subtract(100.0, pc.cast(monetary_percentile, pa.float64())), 99.0)
    return pc.multiply(active, room)


def high_risk_churn(risk_score: pa.Array) -> pa.Array:
    """Whether the churn risk score is .8 or more.

    >>> high_risk_churn(pa.array([0.8, 0.79, None])).to_pylist()
    [True, False, None]
    """
    return pc.greater_equal(risk_score, 0.8)


def is_high_value(spend_percentile: pa.Array) -> pa.Array:
    """Whether the spend lies in the top fifth (Pareto's), percentile 81 and above.

    >>> is_high_value(pa.array([81, 80])).to_pylist()
    [True, False]
    """
    return pc.greater(spend_percentile, 80)


def is_champion(r_score: pa.Array, f_score: pa.Array, m_score: pa.Array) -> pa.Array:
    """Whether all three scores are 4 or 5.

    >>> is_champion(pa.array([4, 5]), pa.array([4, 5]), pa.array([4, 3])).to_pylist()
    [True, False]
    """
    return pc.greater_equal(pc.min_element_wise(r_score, f_score, m_score, skip_nulls=False), 4)
