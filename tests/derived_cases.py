"""Hand-computed cases of every derived function: the same ones run on arrays, as Arrow UDFs and in SQL."""

from __future__ import annotations

from datetime import date
from typing import Any

Case = tuple[tuple[Any, ...], Any]
D, N, S = "double", "bigint", "string"

CASES: dict[str, tuple[tuple[str, ...], list[Case]]] = {
    "ratio": ((D, D), [((1.0, 2.0), 0.5), ((1.0, 0.0), None), ((None, 2.0), None), ((1.0, None), None)]),
    "difference": ((D, D), [((30.0, 10.0), 20.0), ((10.0, 30.0), -20.0), ((None, 1.0), None)]),
    "overdue_ratio": ((D, D), [((42.0, 21.0), 2.0), ((42.0, None), None)]),
    "trend_7d_vs_14d": ((N, N), [((3, 4), 3.0), ((2, 4), 1.0), ((3, 3), None), ((0, 2), 0.0)]),
    "trend_30d_vs_60d": ((N, N), [((3, 4), 3.0), ((3, 3), None)]),
    "trend_30d_vs_90d": ((N, N), [((3, 9), 1.0), ((3, 6), 2.0), ((3, 3), None)]),
    "trend_90d_vs_180d": ((N, N), [((2, 6), 0.5), ((2, 2), None)]),
    "acceleration": ((N, N, N), [((7, 4, 3), 2.0), ((1, 1, 1), 0.0), ((None, 1, 1), None)]),
    "signed_log": ((D,), [((0.0,), 0.0), ((1.718281828459045,), 1.0), ((-1.718281828459045,), -1.0), ((None,), None)]),
    "yearly": ((D, D), [((100.0, 730.5), 50.0), ((100.0, 0.0), 1200.0), ((-10.0, 365.25), -10.0), ((1.0, None), None)]),
    "minutes": ((D,), [((0.5,), 720.0), ((None,), None)]),
    "share_of_months": ((N, D), [((2, 45.0), 2 / 3), ((1, 0.0), 1.0), ((0, None), None)]),
    "share_of_year": ((N, D), [((6, 900.0), 6 / 13), ((1, 10.0), 0.5)]),
    "number": ((S,), [(("-1.5",), -1.5), (("12",), 12.0), (("1,234",), None), (("",), None), ((None,), None)]),
    "age": ((D, "date"), [((1980.0, date(2024, 3, 1)), 44.0), ((None, date(2024, 3, 1)), None)]),
    "income_bracket": ((D,), [((24_999.0,), "below 25k"), ((25_000.0,), "25k to 50k"), ((50_000.0,), "50k to 75k"),
                              ((99_999.0,), "75k to 100k"), ((100_000.0,), "100k and above"), ((None,), None)]),
    "age_group": ((D,), [((17.0,), "below 18"), ((18.0,), "18 to 24"), ((34.0,), "25 to 34"), ((44.0,), "35 to 44"),
                         ((45.0,), "45 to 54"), ((64.0,), "55 to 64"), ((65.0,), "65 and above"), ((None,), None)]),
    "grouped_region": ((S,), [(("Leeds",), "Leeds"), ((None,), None)]),
    "engagement_score": ((D, D, D, D), [
        ((10.0, 10.0, 1.0, 0.0), 1.0), ((None, None, None, 30.0), 0.0), ((10.0, None, None, 99.0), 0.3),
        ((None, 5.0, None, 99.0), 0.1), ((None, None, 2.0, 99.0), 0.3), ((None, None, None, 15.0), 0.1),
        ((10.0, 10.0, 1.0, None), None),
    ]),
    "session_segment": ((D, D, D), [
        ((0.6, 0.0, 0.0), "high_engagement"), ((0.5, 0.5, 0.9), "focused_shopper"),
        ((0.5, 0.4, 0.5), "window_shopper"), ((0.5, 0.4, 0.4), "casual_browser"), ((0.5, 0.4, None), "casual_browser"),
        ((0.9, None, None), None),
    ]),
    "customer_value_score": ((N, N, N), [((5, 4, 3), 4.0), ((1, 1, 1), 1.0), ((None, 4, 3), None)]),
    "churn_risk_score": ((N, N), [((1, 1), 1.0), ((100, 100), 0.0), ((51, 50), 0.5), ((None, 50), None)]),
    "growth_potential_score": ((N, N, N), [((100, 100, 1), 1.0), ((100, 100, 100), 0.0), ((1, 1, 1), 0.0),
                                           ((None, 1, 1), None)]),
    "high_risk_churn": ((D,), [((0.8,), True), ((0.79,), False), ((None,), None)]),
    "is_high_value": ((N,), [((81,), True), ((80,), False), ((None,), None)]),
    "is_champion": ((N, N, N), [((4, 5, 4), True), ((5, 5, 3), False), ((None, 5, 5), None)]),
}  # fmt: skip
