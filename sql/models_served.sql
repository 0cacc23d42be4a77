-- What was served: customers by date, head and registered model version.
-- Reads: customer_scores. What a date held before it was scored again: the table's own history (describe history).
select as_of_date, head, version, count(*) as customers, max(scored_at) as last_scored_at
from customer_scores lateral view explode(model_versions) as head, version
group by all
order by as_of_date, head, version
