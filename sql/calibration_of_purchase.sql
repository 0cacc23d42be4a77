-- Were the written scores right? The newest scores whose 30 days are over, in ten equal groups by what was said, beside
-- the share that did order. An order has a line of positive amount; it counts from the scored midnight on.
-- Reads: customer_scores, events_orders, ingest_runs. Ids that were found to be aliases later count as they were.
with known as (select max(complete_through) as until from ingest_runs where source = 'orders' and status = 'done'),
     ripe as (
       select max(as_of_date) as as_of_date from customer_scores
       where timestamp(as_of_date) + interval 30 days <= (select until from known)
     ),
     said as (
       select customer_id, purchase_probability_30d as said,
              ntile(10) over (partition by as_of_date order by purchase_probability_30d, customer_id) as tenth
       from customer_scores
       where as_of_date = (select as_of_date from ripe) and purchase_probability_30d is not null
     ),
     bought as (
       select distinct customer_id from events_orders
       where amount > 0 and event_time >= (select timestamp(as_of_date) from ripe)
         and event_time < (select timestamp(as_of_date) + interval 30 days from ripe)
     )
select (select as_of_date from ripe) as as_of_date, tenth, count(*) as customers, round(avg(said), 3) as said,
       round(avg(if(bought.customer_id is null, 0, 1)), 3) as happened
from said left join bought on said.customer_id = bought.customer_id
group by tenth
order by tenth
