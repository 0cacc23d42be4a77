"""Who customers are, as far as they had told by the instant: one view over changes of profile attributes."""

from __future__ import annotations

from featurestore.definitions import LIFETIME, Aggregate, Condition, Derived, Feature, Window
from featurestore.derived import age, number, signed_log
from featurestore.judgements import age_group, grouped_region, income_bracket
from featurestore.views import FeatureView


def _attribute(name: str, column: str, unit: str, description: str) -> Feature:
    """The latest value of the attribute `name` that was known at as_of."""
    return Feature(column, Aggregate.LAST, LIFETIME, "string", unit, description, measure="value",
                   where=(Condition("attribute", "=", name),), family="profile")  # fmt: skip


CHANGES = Feature(
    "profile_changes_count",
    Aggregate.COUNT,
    LIFETIME,
    "bigint",
    "changes",
    "Attributes told or changed",
    family="profile",
)

PROFILES_VIEW = FeatureView(
    name="profiles",
    source="profiles",
    description="Attributes of customers as they were at as_of",
    folds=(
        Feature("days_since_last_profile_change", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days",
                "Days since an attribute was last told or changed", family="profile"),
        Feature("days_since_registration", Aggregate.DAYS_SINCE_FIRST, LIFETIME, "double", "days",
                "Days since the first attribute was told: the registration where there is one", family="tenure"),
        *CHANGES.over([Window(90), Window(365), LIFETIME]),
        Feature("days_since_last_move", Aggregate.DAYS_SINCE_LAST, LIFETIME, "double", "days",
                "Days since the region was last told", where=(Condition("attribute", "=", "region"),),
                family="profile"),
        _attribute("region", "region", "name", "Region"),
        _attribute("customer_type", "customer_type", "name", "Kind of customer, as the shop has it"),
        _attribute("income", "income_told", "text", "Income as it was told"),
        _attribute("birth_year", "birth_year_told", "text", "Year of birth as it was told"),
    ),
    derived=(
        Derived("income", number, ("income_told",), "double", "currency a year", "Income",
                "never told, or no number", family="profile"),
        Derived("income_bracket", income_bracket, ("income",), "string", "name",
                "Bracket of the income: edges at 25, 50, 75 and 100 thousand", "no income", family="profile"),
        Derived("income_log", signed_log, ("income",), "double", "ln(1 + currency)", "Logarithm of 1 + income",
                "never told, or no number", family="profile", for_models=False),
        Derived("region_grouped", grouped_region, ("region",), "string", "name",
                "Group of the region by the setting features.region_groups, else the region", "never told",
                family="profile"),
        Derived("birth_year", number, ("birth_year_told",), "double", "year", "Year of birth",
                "never told, or no number", family="profile"),
        Derived("age", age, ("birth_year", "as_of_date"), "double", "years", "Year of as_of less year of birth",
                "no year of birth", family="profile"),
        Derived("age_group", age_group, ("age",), "string", "name",
                "Group of the age: edges at 18, 25, 35, 45, 55 and 65", "no year of birth", family="profile"),
    ),
)  # fmt: skip
