"""The features that benchmarks fold from orders: 35 counts and sums, and as many again of the harder kinds."""

from __future__ import annotations

from dataclasses import replace

from featurestore.definitions import LIFETIME, Aggregate, Condition, Feature, Window
from featurestore.features.orders import AMOUNT_SUM, LINE_MEASURES, MEASURES
from featurestore.views import FeatureView

DAYS = (7, 14, 30, 60, 90, 180, 365)
WINDOWS = tuple(Window(days) for days in DAYS)
_BY_NAME = {measure.name: measure for measure in (*MEASURES, *LINE_MEASURES)}
LINES = Feature("lines_count", Aggregate.COUNT, LIFETIME, "bigint", "lines", "Order lines")
ADDITIVE = (LINES, AMOUNT_SUM, _BY_NAME["gross_amount_sum"], _BY_NAME["returned_amount_sum"], _BY_NAME["quantity_sum"])
LAST = replace(AMOUNT_SUM, name="amount_last", aggregate=Aggregate.LAST)
GAP = Feature("gap_days_mean", Aggregate.GAP_MEAN, LIFETIME, "double", "days", "Mean gap between days with a sale",
              where=(Condition("amount", ">", 0),))  # fmt: skip
HARDER = (_BY_NAME["products_distinct"], _BY_NAME["amount_max"], LAST, GAP)


def bench_view(name: str, measures: tuple[Feature, ...]) -> FeatureView:
    """A view of `measures` over all windows of `DAYS`."""
    folds = tuple(feature for measure in measures for feature in measure.over(WINDOWS))
    return FeatureView(name, "orders", "Features of a benchmark", folds)


COUNTS_AND_SUMS = bench_view("counts_and_sums", ADDITIVE)
ALL_KINDS = bench_view("all_kinds", (*ADDITIVE, *HARDER))
