-- Who changed risk level between the last two scored dates, those with the largest expected spend first.
-- Reads: customer_scores. Customers without a level at one of the two dates have left or joined: (none).
with dates as (select distinct as_of_date from customer_scores order by as_of_date desc limit 2),
     now as (select * from customer_scores where as_of_date = (select max(as_of_date) from dates)),
     before as (select * from customer_scores where as_of_date = (select min(as_of_date) from dates))
select coalesce(now.customer_id, before.customer_id) as customer_id,
       coalesce(before.churn_risk_level, '(none)') as was, coalesce(now.churn_risk_level, '(none)') as is_now,
       round(now.expected_spend_90d, 2) as expected_spend_90d
from now full join before on now.customer_id = before.customer_id
where not before.churn_risk_level <=> now.churn_risk_level
order by expected_spend_90d desc nulls last, customer_id
