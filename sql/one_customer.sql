-- One customer's story: all scores that were ever written, date by date, and how the risk moved.
-- Reads: customer_scores. Value: customer_id.
select as_of_date, lifecycle, rfm_segment, churn_risk_level, round(churn_probability, 3) as churn_probability,
       round(churn_probability - lag(churn_probability) over (order by as_of_date), 3) as moved_by,
       round(purchase_probability_30d, 3) as purchase_probability_30d, round(expected_spend_90d, 2) as expected_spend_90d
from customer_scores
where customer_id = :customer_id
order by as_of_date
