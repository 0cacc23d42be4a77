-- Where the money at risk is: expected spend of 90 days by RFM segment at the newest scored date, and the share of it
-- that customers of risk HIGH or CRITICAL are expected to bring.
-- Reads: segment_summary. Another scheme: lifecycle, churn_risk_level, ...
select segment, customers, round(share, 3) as share, customers_at_risk,
       round(sum_expected_spend_90d, 2) as expected_spend_90d, round(spend_at_risk_90d, 2) as spend_at_risk_90d,
       round(try_divide(spend_at_risk_90d, sum_expected_spend_90d), 3) as share_at_risk
from segment_summary
where scheme = 'rfm_segment' and as_of_date = (select max(as_of_date) from segment_summary)
order by spend_at_risk_90d desc nulls last, segment
