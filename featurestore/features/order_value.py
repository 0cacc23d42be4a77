"""What a customer is worth among all others: places in the population of a snapshot, and rules on those places.

They depend on the other customers of the snapshot, so no model learns from them. Where no page gives a formula,
the description states the usual one and where it comes from.
"""

from __future__ import annotations

from featurestore.definitions import PERCENTILES, Derived, Ranked
from featurestore.judgements import (
    churn_risk_score,
    customer_value_score,
    growth_potential_score,
    high_risk_churn,
    is_champion,
    is_high_value,
)

RANKED = (
    Ranked("r_score", "recency_days", "Recency among all customers of the snapshot; 5 most recent", low_is_good=True),
    Ranked("f_score", "frequency", "Lifetime orders among all customers of the snapshot"),
    Ranked("m_score", "monetary", "Mean net order value among all customers of the snapshot"),
    Ranked("recency_percentile", "recency_days", "Recency among all customers of the snapshot; 100 most recent",
           low_is_good=True, parts=PERCENTILES),
    Ranked("frequency_percentile", "frequency", "Lifetime orders among all customers of the snapshot",
           parts=PERCENTILES),
    Ranked("monetary_percentile", "monetary", "Mean net order value among all customers of the snapshot",
           parts=PERCENTILES),
    Ranked("spend_percentile_365d", "amount_sum_365d", "Net spend of 365 days among all customers of the snapshot",
           parts=PERCENTILES),
    Ranked("clv_score", "yearly_value",
           "Simple historical lifetime value (net value a year of tenure) among all customers of the snapshot",
           parts=PERCENTILES),
)  # fmt: skip
RFM = ("r_score", "f_score", "m_score")
NO_ORDER = "no order"

JUDGED = (
    Derived("customer_value_score", customer_value_score, RFM, "double", "score 1 to 5",
            "Mean of r_score, f_score and m_score: RFM of equal weights (Hughes, 1994)", NO_ORDER, family="value"),
    Derived("churn_risk_score", churn_risk_score, ("recency_percentile", "frequency_percentile"), "double", "0 to 1",
            "1 - mean of the percentiles of recency and frequency: RF turned round, a rule of thumb and no probability",
            NO_ORDER, family="value"),
    Derived("growth_potential_score", growth_potential_score,
            ("recency_percentile", "frequency_percentile", "monetary_percentile"), "double", "0 to 1",
            "Mean percentile of recency and frequency x (1 - percentile of order value): who comes often and lately "
            "and spends little, the usual target of cross-selling", NO_ORDER, family="value"),
    Derived("high_risk_churn", high_risk_churn, ("churn_risk_score",), "boolean", "yes or no",
            "Churn risk score of .8 or more", NO_ORDER, family="value"),
    Derived("is_high_value", is_high_value, ("spend_percentile_365d",), "boolean", "yes or no",
            "Net spend of 365 days in the top fifth (Pareto's 80/20)", "no event of the source", family="value"),
    Derived("is_champion", is_champion, RFM, "boolean", "yes or no", "r_score, f_score and m_score all 4 or 5",
            NO_ORDER, family="value"),
)  # fmt: skip
