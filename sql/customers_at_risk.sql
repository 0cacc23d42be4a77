-- Whom to keep first: the fifty most valuable customers whose newest scores say HIGH or CRITICAL.
-- Reads: customers_at_risk. Add the columns that you need: describe customers_at_risk.
select customer_id, churn_risk_level, round(churn_probability, 3) as churn_probability,
       round(value, 2) as value, value_from, rfm_segment, as_of_date
from customers_at_risk
order by value desc nulls last, customer_id
limit 50
