-- A campaign list: active customers of risk HIGH or CRITICAL whose expected spend of 90 days is at least a given amount.
-- Reads: customer_scores_latest. Value: at_least, in the currency of the warehouse.
-- As a file: ./spark-submit.sh export --to list.csv --where "lifecycle = 'active' and expected_spend_90d >= 50"
select customer_id, churn_risk_level, rfm_segment, round(expected_spend_90d, 2) as expected_spend_90d
from customer_scores_latest
where lifecycle = 'active' and churn_risk_level in ('HIGH', 'CRITICAL') and expected_spend_90d >= double(:at_least)
order by expected_spend_90d desc, customer_id
