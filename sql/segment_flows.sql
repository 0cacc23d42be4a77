-- Who moved where: customers by RFM segment at the last two scored dates; (absent) was not there, (none) has no order.
-- Reads: customer_scores.
with dates as (select distinct as_of_date from customer_scores order by as_of_date desc limit 2),
     now as (select * from customer_scores where as_of_date = (select max(as_of_date) from dates)),
     before as (select * from customer_scores where as_of_date = (select min(as_of_date) from dates))
select if(before.customer_id is null, '(absent)', coalesce(before.rfm_segment, '(none)')) as from_segment,
       if(now.customer_id is null, '(absent)', coalesce(now.rfm_segment, '(none)')) as to_segment,
       count(*) as customers
from now full join before on now.customer_id = before.customer_id
group by 1, 2
order by customers desc, from_segment, to_segment
