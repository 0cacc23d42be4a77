"""The derived features that SQL may call by name, and the type of what each returns."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from featurestore import derived as d
from featurestore import judgements as j

SQL_FUNCTIONS: dict[str, tuple[Callable[..., pa.Array], str]] = {
    function.__name__: (function, type_)
    for type_, functions in {
        "double": (
            d.ratio, d.difference, d.overdue_ratio, d.trend_7d_vs_14d, d.trend_30d_vs_60d,
            d.trend_30d_vs_90d, d.trend_90d_vs_180d, d.acceleration, d.signed_log, d.yearly, d.minutes,
            d.share_of_months, d.share_of_year, d.number, d.age, j.engagement_score, j.customer_value_score,
            j.churn_risk_score, j.growth_potential_score,
        ),
        "string": (j.income_bracket, j.age_group, j.grouped_region, j.session_segment),
        "boolean": (j.high_risk_churn, j.is_high_value, j.is_champion),
    }.items()
    for function in functions
}  # fmt: skip
"""See `frames.register_functions`. None has the name of a function of Spark: from then on that would be ours, in every
expression of the session. `least` is Spark's own.
"""
