"""Scored dates made up as figures, as the aggregation in Spark gives them."""

from __future__ import annotations

import json
from datetime import date

from models.publication.portrait import Portrait, portrait

BEFORE, NOW = date(2024, 1, 1), date(2024, 1, 29)
CHURN, SPEND = "churn_probability", "expected_spend_90d"
MODELS = json.dumps({"churn": "3", "spend": "1"})


def row(column: str, place: object, customers: int, total: float | None = None, at_risk: float = 0.0) -> dict:
    """One row of `counted`."""
    return {"column": column, "place": None if place is None else str(place), "customers": customers, "total": total,
            "at_risk_expected_spend_90d": at_risk}  # fmt: skip


def made(day: date, *, levels: dict[str, int], churn: dict[int | None, int], spend: dict[int | None, int]) -> Portrait:
    """A date whose bins hold so many customers; the key None counts those without a score."""
    rows = [row("churn_risk_level", name, count, at_risk=100.0 * count) for name, count in levels.items()]
    rows += [
        row("rfm_segment", "Loyal <Customers>", sum(levels.values()) - 5, at_risk=9.0),
        row("rfm_segment", "Lost", 5),
    ]
    rows += [row("reasons", "recency_days", sum(levels.values()))]
    rows += [row("model_versions", MODELS, sum(levels.values()))]
    rows += [row("calibration_status", json.dumps({"churn": "seasonal"}), sum(levels.values()))]
    rows += [row(CHURN, place, count, None if place is None else (place + 0.5) / 20 * count)
             for place, count in churn.items()]  # fmt: skip
    rows += [row(SPEND, place, count, None if place is None else 1.5 * 2.0 ** (place - 6) * count)
             for place, count in spend.items()]  # fmt: skip
    return portrait(day, rows)


def before() -> Portrait:
    """A thousand customers, a fifth of them without a level."""
    return made(BEFORE, levels={"CRITICAL": 100, "HIGH": 150, "MEDIUM": 250, "LOW": 300, "(none)": 200},
                churn={1: 300, 9: 250, 13: 150, 18: 100, None: 200}, spend={8: 600, 9: 400})  # fmt: skip
